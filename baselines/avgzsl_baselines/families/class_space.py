"""What the linear methods of the AVCA benchmark share: a video vector, and scores in class embedding space.

A video is its visual beside its audio vector, the visual one first; a linear map sends it to where the class
embeddings are, and the nearest class wins. So in the published code of the AVCA benchmark (Mercea et al.,
"Audio-visual generalised zero-shot learning with cross-modal attention and language", CVPR 2022), which trains
DeViSE, ALE, SJE and APN with the dot product all the same.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import TypeVar

from avgzsl_baselines.families.settings import BenchmarkConfig
from avgzsl_bench import CheckpointError, Classes, FeatureDims, Field, Precision, TorchMethod

_PUBLISHED_WIDTHS = {1024: (512, 512), 4224: (128, 4096)}
"""Audio and visual width of the feature sets that checkpoints were released for, by their sum."""


class ClassSpaceConfig(BenchmarkConfig):
    """Settings of the linear methods; the defaults are the published ones for UCF with SeLaVi features."""

    normalize_input: bool = Field(False, description="give the concatenated video vector unit norm")
    scoring: Literal["distance", "dot"] = Field(
        "distance",
        description="how a video is compared with a class once trained: by Euclidean distance, as the published "
        "program does, or by the dot product of training; the bias acts on another scale",
    )


def video_vector(audio: Tensor, visual: Tensor, *, normalize: bool) -> Tensor:
    """Compute `x = [v; a]`, `[B, Dv + Da]`, on request of unit norm, from audio `[B, Da]` and visual `[B, Dv]`."""
    joined = torch.cat([visual, audio], dim=1)
    return F.normalize(joined, dim=1) if normalize else joined


def shape_of_map(weight: Tensor) -> tuple[FeatureDims, dict[str, Any]]:
    """Find the feature set that a released linear map is for by its input width.

    Args:
        weight: `[Dw, Dv + Da]`, axes of length 1 may follow.

    Returns:
        The widths, and `normalize_input` as published for them.

    Raises:
        CheckpointError: not the input width of a published feature set. One matrix takes both vectors, so its
            shape does not show where the visual one ends.
    """
    text, inputs = weight.shape[:2]
    if inputs not in _PUBLISHED_WIDTHS:
        known = " and ".join(str(width) for width in _PUBLISHED_WIDTHS)
        raise CheckpointError(
            f"a map of {inputs} inputs does not show where audio ends; the published feature sets have {known}"
        )
    audio, visual = _PUBLISHED_WIDTHS[inputs]
    return FeatureDims(audio, visual, {"word2vec": text}), {"normalize_input": (audio, visual) == (128, 4096)}


AnyClassSpaceConfig = TypeVar(
    "AnyClassSpaceConfig", bound=ClassSpaceConfig, default=ClassSpaceConfig, covariant=True
)


class ClassSpaceMethod(TorchMethod[AnyClassSpaceConfig]):
    """Videos in class embedding space, scored there.

    Trained with a dot product and scored with a Euclidean distance, as published. The two rank the classes
    alike only where class embeddings have equal norm, so they are given unit norm: the published word vectors
    have it already, the embeddings of several text encoders side by side do not.
    """

    precisions: ClassVar[tuple[Precision, ...]] = ("full", "tf32", "bf16")

    def text_of(self, classes: Classes) -> Tensor:
        """Return class embeddings of unit norm, `[K, Dw]`: all text encoders side by side, then normalised."""
        return F.normalize(classes.embedding(), dim=1)

    def embed_classes(self, classes: Classes) -> Tensor:
        """Return the class embeddings themselves, `[K, Dw]`, of unit norm."""
        return self.text_of(classes)

    def compatibility(self, videos: Tensor, classes: Tensor) -> Tensor:
        """Compute scores `[N, K]`: minus the Euclidean distance, or the dot product where `scoring=dot`."""
        return videos @ classes.T if self.config.scoring == "dot" else super().compatibility(videos, classes)
