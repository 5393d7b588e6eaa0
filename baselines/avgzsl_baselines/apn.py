"""APN: two linear maps into word-vector space, each a classifier and a regression onto the word vector.

Xu, Xian, Wang, Schiele, Akata: "Attribute Prototype Network for Zero-Shot Learning", NeurIPS 2020 (extended:
IJCV 2022), as adapted by the published code of the AVCA benchmark (Mercea et al., "Audio-visual generalised
zero-shot learning with cross-modal attention and language", CVPR 2022). Word vectors stand for attributes. An
averaged video vector leaves no map to localise attributes on: prototypes become a second linear map, and the
terms on attention maps and on groups of attributes are gone.

The two maps share nothing and their losses add, so with Adam the prototype map never touches a prediction. It
is kept for the sake of the parameter count and of released checkpoints.

Extension: with feature sets of several text encoders (`clip_clap`), for which no settings were published, the
concatenated class embedding is given unit norm and so is the input, as for DeViSE.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.families.class_space import ClassSpaceConfig, ClassSpaceMethod, shape_of_map, video_vector
from avgzsl_bench import Batch, CheckpointError, FeatureDims, Field, Videos

_INITIAL_BOUND = 2e-4


class APNConfig(ClassSpaceConfig):
    """Settings of APN; the defaults are the published ones for SeLaVi features."""

    softmax_twice: bool = Field(
        True,
        description="hand the cross-entropy probabilities in place of logits, as the published program does: it "
        "applies its own softmax to them and cannot fall below ln(e + C - 1) - 1",
    )


class APNNet(nn.Module):
    """Two linear maps without bias, `W_g` and `W_p`, from the concatenated video vector to `Dw`.

    Entries start uniform in `[0, 2e-4)`.

    Args:
        inputs: width of the concatenated video vector, `Dv + Da`.
        outputs: width of a class embedding, `Dw`.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.global_map = nn.Linear(inputs, outputs, bias=False)  # W_g
        self.prototype_map = nn.Linear(inputs, outputs, bias=False)  # W_p
        for layer in (self.global_map, self.prototype_map):
            nn.init.uniform_(layer.weight, 0.0, _INITIAL_BOUND)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """`A_g = x W_g^T` and `A_p = x W_p^T`, `[B, Dw]` each, of video vectors `[B, Dv + Da]`."""
        return self.global_map(x), self.prototype_map(x)


def classification_loss(logits: Tensor, label: Tensor, *, softmax_twice: bool) -> Tensor:
    """Compute `CE(q, y)` with `q = softmax(logits)`, or without the additional softmax `CE(logits, y)`: a scalar.

    `CE` is the cross-entropy with a softmax of its own, mean over the batch; logits are `A E^T`, float `[B, C]`,
    labels `y` int64 `[B]`.
    """
    return F.cross_entropy(logits.softmax(dim=1) if softmax_twice else logits, label)


class APN(ClassSpaceMethod[APNConfig]):
    """The sum of both branches' losses; only the global branch is scored."""

    module: APNNet

    official_names: ClassVar[Mapping[str, str]] = {
        "ALE_vector": "global_map.weight",
        "prototype_vectors.layer4": "prototype_map.weight",
    }

    @classmethod
    def official_shape(cls, state: Mapping[str, Tensor]) -> tuple[FeatureDims, dict[str, Any]]:
        """Find the published feature set whose width the two maps have.

        Raises:
            KeyError: a map is missing.
            CheckpointError: the maps differ in shape, or no published feature set has their width.
        """
        final, layer4 = state["ALE_vector"], state["prototype_vectors.layer4"]
        if final.shape != layer4.shape:
            raise CheckpointError(f"ALE_vector is {tuple(final.shape)}, prototype_vectors {tuple(layer4.shape)}")
        return shape_of_map(final)

    def build(self) -> APNNet:
        """Build the two linear maps."""
        return APNNet(self.shape.visual + self.shape.audio, self.shape.text_width)

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """`CE(q_g, y) + MSE(A_g, w_y) + CE(q_p, y) + MSE(A_p, w_y)`, means over videos and coordinates."""
        x = video_vector(batch.audio, batch.visual, normalize=self.config.normalize_input)
        target = self.train_text.index_select(0, batch.label)
        terms: dict[str, Tensor] = {}
        for branch, embedded in zip(("global", "prototype"), self.module(x), strict=True):
            logits = embedded @ self.train_text.T
            terms[f"{branch}_ce"] = classification_loss(
                logits, batch.label, softmax_twice=self.config.softmax_twice
            )
            terms[f"{branch}_mse"] = F.mse_loss(embedded, target)
        return {"total": torch.stack(list(terms.values())).sum(), **terms}

    def embed_videos(self, videos: Videos) -> Tensor:
        """Compute `A_g` of videos, `[N, Dw]`."""
        x = video_vector(videos.audio, videos.visual, normalize=self.config.normalize_input)
        embedded: Tensor = self.module.global_map(x)
        return embedded
