"""Bilinear compatibility of a video and a class, trained by a ranking loss that a subclass names.

`L(x, w) = (W x)^T w` with `x = [v; a]`, visual first, and `w` the class embedding. The network, the dropout
and the distance at evaluation follow the published code of the AVCA benchmark (Mercea et al., "Audio-visual
generalised zero-shot learning with cross-modal attention and language", CVPR 2022), whose DeViSE, ALE and SJE
differ only in their loss and were run with the same settings (`bilinear.toml`).

Extension: with feature sets of several text encoders (`clip_clap`), for which no settings were published, the
concatenated class embedding is given unit norm and so is the input. The published program takes class embeddings
as they come (`normalize_classes=false`); its word vectors have unit norm already, up to rounding.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from torch import Tensor, nn

from avgzsl_baselines.families.class_space import ClassSpaceConfig, ClassSpaceMethod, shape_of_map, video_vector
from avgzsl_bench import Batch, Classes, Dropout, FeatureDims, Field, Videos


class BilinearConfig(ClassSpaceConfig):
    """Settings of the bilinear methods; the defaults are the published ones for UCF with SeLaVi features."""

    margin: float = Field(0.1, ge=0, description="how far the true class should lead a wrong one")
    dropout: float = Field(0.2, ge=0, lt=1, description="dropout rate on input and class embeddings")
    dropout_classes: bool = Field(
        True, description="drop entries of the class embeddings too, as the published program does"
    )
    normalize_classes: bool = Field(
        True, description="give class embeddings unit norm; the published program takes them as they come"
    )


class BilinearNet(nn.Module):
    """One linear layer without bias from the concatenated video vector to the class embedding space.

    Args:
        inputs: width of the concatenated video vector, `Dv + Da`.
        outputs: width of a class embedding, `Dw`.
        config: dropout, and whether each video vector is divided by its norm first.
    """

    def __init__(self, inputs: int, outputs: int, config: BilinearConfig) -> None:
        super().__init__()
        self.map = nn.Linear(inputs, outputs, bias=False)
        self.dropout = Dropout(config.dropout)
        self.dropout_classes = config.dropout_classes
        self.normalize_input = config.normalize_input

    def embed(self, audio: Tensor, visual: Tensor) -> Tensor:
        """Compute `P = drop(x) W^T`, `[B, Dw]`: audio `[B, Da]` and visual `[B, Dv]` in class embedding space."""
        x = video_vector(audio, visual, normalize=self.normalize_input)
        embedded: Tensor = self.map(self.dropout(x))
        return embedded

    def forward(self, audio: Tensor, visual: Tensor, text: Tensor) -> Tensor:
        """Compute `L = P drop(E)^T`, `[B, C]`: compatibility of videos with classes.

        Of audio `[B, Da]`, visual `[B, Dv]` and class embeddings `E`, `[C, Dw]`, whose mask all videos share.
        """
        dropped = self.dropout(text) if self.dropout_classes else text
        compatibility: Tensor = self.embed(audio, visual) @ dropped.T
        return compatibility


class BilinearMethod(ClassSpaceMethod[BilinearConfig]):
    """Bilinear compatibility with a ranking loss over all training classes."""

    module: BilinearNet

    ranking_loss: ClassVar[staticmethod[[Tensor, Tensor, float], Tensor]]
    """The loss, a scalar, of compatibilities `[B, C]`, true classes `[B]` and the margin."""

    official_names: ClassVar[Mapping[str, str]] = {"bilinear": "map"}

    @classmethod
    def official_shape(cls, state: Mapping[str, Tensor]) -> tuple[FeatureDims, dict[str, Any]]:
        """Find the published feature set whose width the map has."""
        return shape_of_map(state["bilinear.weight"])

    def text_of(self, classes: Classes) -> Tensor:
        """Return class embeddings `[K, Dw]`, of unit norm unless `normalize_classes` is off."""
        return super().text_of(classes) if self.config.normalize_classes else classes.embedding()

    def build(self) -> BilinearNet:
        """Build the linear map."""
        return BilinearNet(self.shape.visual + self.shape.audio, self.shape.text_width, self.config)

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """Compute the ranking loss of the batch against all training classes."""
        compatibility = self.module(batch.audio, batch.visual, self.train_text)
        return {"total": self.ranking_loss(compatibility, batch.label, self.config.margin)}

    def embed_videos(self, videos: Videos) -> Tensor:
        """Map videos to the class embedding space, `[N, Dw]`."""
        return self.module.embed(videos.audio, videos.visual)
