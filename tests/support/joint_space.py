"""What the tests of ClipClap-GZSL and of MFT share: shapes, a builder, and the inputs of worked examples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

import torch
from reference_values import AUDIO, VISUAL, X
from torch import Tensor

from avgzsl_baselines.clipclap import Embedded
from avgzsl_bench import Batch, Classes, FeatureDims, TorchMethod

CLIP_CLAP = FeatureDims(1024, 512, {"clip": 512, "clap": 1024})
CLS = FeatureDims(128, 4096, {"word2vec": 300})
MAIN = FeatureDims(512, 512, {"word2vec": 300})

PRINTED_10 = 5.1e-11
PRINTED_8 = 5.1e-9

M = TypeVar("M", bound=TorchMethod)


def build(method: type[M], shape: FeatureDims, vectors: Tensor | None = None, **settings: Any) -> M:
    """A method on classes that are all seen; without text `vectors` two classes with random ones."""
    if vectors is None:
        vectors = torch.randn(2, shape.text_width)
    parts = vectors.split(list(shape.text.values()), dim=1)
    classes = Classes(
        names=tuple(f"c{i}" for i in range(len(vectors))),
        text=dict(zip(shape.text, parts, strict=True)),
        seen=torch.ones(len(vectors), dtype=torch.bool),
    )
    return method(method.Config(**settings), shape, classes, seed=0, device=torch.device("cpu"))


def fixture_batch() -> Batch:
    return Batch(X(4, AUDIO, 0), X(4, VISUAL, 5), torch.tensor([0, 2, 4, 1]))


def fixed_embedded() -> tuple[Embedded, Tensor]:
    """The losses' worked example and its labels."""
    label = torch.tensor([0, 1])
    classes = torch.tensor([[0.8, 0.1, 1.5], [0.2, 1.0, 0.3], [0, 0.4, 0.9]], dtype=torch.float64)
    embedded = Embedded(
        video=torch.tensor([[1, 0, 2], [0.5, 1.5, 0]], dtype=torch.float64),
        text=classes[label],
        classes=classes,
        encoded_text=torch.tensor([[0.3, 0.7, 0, 1.2], [0.5, 0, 0.9, 0.1]], dtype=torch.float64),
        video_decoded=torch.tensor([[0.1, 0.9, 0.2, 1.0], [0.4, 0.3, 0.6, 0]], dtype=torch.float64),
        text_decoded=torch.tensor([[0.25, 0.5, 0.1, 1.1], [0.7, 0.1, 0.8, 0.2]], dtype=torch.float64),
    )
    return embedded, label


def values(losses: Mapping[str, Tensor]) -> dict[str, float]:
    return {name: loss.item() for name, loss in losses.items()}
