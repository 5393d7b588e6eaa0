"""Bilinear compatibility of a video and a class, trained by a ranking loss that a subclass names.

`L(x, w) = (W x)^T w` with `x = [v; a]`, visual first, and `w` the class embedding. The network, the dropout
and the distance at evaluation follow the published code of the AVCA benchmark (Mercea et al., "Audio-visual
generalised zero-shot learning with cross-modal attention and language", CVPR 2022), whose DeViSE, ALE and SJE
differ in their loss alone.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, ClassVar

import torch
from pydantic import Field
from torch import nn
from torch.nn import functional as F

from avgzsl_bench import MethodConfig, TorchConfig, TorchMethod

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from avgzsl_bench import Batch, Classes, Videos


class BilinearConfig(TorchConfig):
    """Settings of the bilinear methods; the defaults are the published ones for UCF with SeLaVi features."""

    epochs: int = Field(50, ge=1, le=100_000, description="epochs of stage 1; stage 2 trains the best")
    batch_size: int = Field(256, ge=2, description="videos a batch")
    batches_per_epoch: int = Field(500, ge=1, description="batches an epoch")
    learning_rate: float = Field(1e-3, gt=0, description="Adam's initial learning rate")
    margin: float = Field(0.1, ge=0, description="how far the true class should lead a wrong one")
    dropout: float = Field(0.2, ge=0, lt=1, description="dropout rate on input and class embeddings")
    normalize_input: bool = Field(False, description="give the concatenated video vector unit norm")


class BilinearNet(nn.Module):
    """One linear layer without bias from the concatenated video vector to the class embedding space.

    Args:
        inputs: width of the concatenated video vector, `Dv + Da`.
        outputs: width of a class embedding, `Dw`.
        dropout: rate on the video vectors and on the matrix of class embeddings, with masks of their own.
        normalize_input: divide each video vector by its norm first.
    """

    def __init__(self, inputs: int, outputs: int, *, dropout: float, normalize_input: bool) -> None:
        super().__init__()
        self.map = nn.Linear(inputs, outputs, bias=False)
        self.dropout = nn.Dropout(dropout)
        self.normalize_input = normalize_input

    def embed(self, audio: Tensor, visual: Tensor) -> Tensor:
        """`P = drop(x) W^T`: videos in the class embedding space.

        Args:
            audio: float `[B, Da]`.
            visual: float `[B, Dv]`.

        Returns:
            float `[B, Dw]`.
        """
        x = torch.cat([visual, audio], dim=1)
        if self.normalize_input:
            x = F.normalize(x, dim=1)
        embedded: Tensor = self.map(self.dropout(x))
        return embedded

    def forward(self, audio: Tensor, visual: Tensor, text: Tensor) -> Tensor:
        """`L = P drop(E)^T`: compatibility of videos with classes; all videos share the mask on `E`.

        Args:
            audio: float `[B, Da]`.
            visual: float `[B, Dv]`.
            text: class embeddings `E`, float `[C, Dw]`.

        Returns:
            float `[B, C]`.
        """
        compatibility: Tensor = self.embed(audio, visual) @ self.dropout(text).T
        return compatibility


class BilinearMethod(TorchMethod):
    """Bilinear compatibility with a ranking loss over all training classes.

    Trained with a dot product and scored with a Euclidean distance, as published. The two rank the classes
    alike only where class embeddings have equal norm, so they are given unit norm: the published word vectors
    have it already, the embeddings of several text encoders side by side do not.
    """

    Config: ClassVar[type[MethodConfig]] = BilinearConfig
    config: BilinearConfig
    module: BilinearNet

    def build(self) -> BilinearNet:
        """The linear map."""
        return BilinearNet(
            self.shape.visual + self.shape.audio,
            self.shape.text_width,
            dropout=self.config.dropout,
            normalize_input=self.config.normalize_input,
        )

    def text_of(self, classes: Classes) -> Tensor:
        """Class embeddings of unit norm, `[K, Dw]`: all text encoders side by side, then normalised."""
        return F.normalize(classes.embedding(), dim=1)

    @abstractmethod
    def ranking_loss(self, compatibility: Tensor, label: Tensor) -> Tensor:
        """The loss, a scalar, of compatibilities `[B, C]` and true classes `[B]`."""

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """The ranking loss of the batch against all training classes."""
        compatibility = self.module(batch.audio, batch.visual, self.train_text)
        return {"total": self.ranking_loss(compatibility, batch.label)}

    def embed_videos(self, videos: Videos) -> Tensor:
        """Videos in the class embedding space, `[N, Dw]`."""
        return self.module.embed(videos.audio, videos.visual)

    def embed_classes(self, classes: Classes) -> Tensor:
        """The class embeddings themselves, `[K, Dw]`, of unit norm."""
        return self.text_of(classes)
