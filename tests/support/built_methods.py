"""Methods built on named shapes of features, and what tests read from them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from avgzsl_bench import Classes, FeatureDims, Method

CLIP_CLAP = FeatureDims(1024, 512, {"clip": 512, "clap": 1024})
CLS = FeatureDims(128, 4096, {"word2vec": 300})
MAIN = FeatureDims(512, 512, {"word2vec": 300})
DATASETS = ("ucf", "activitynet", "vggsound")

M = TypeVar("M", bound=Method)


def build(
    method: type[M], shape: FeatureDims, vectors: Tensor | None = None, unseen: Sequence[int] = (), **settings: Any
) -> M:
    """A method on classes c0, c1, ..., all seen but `unseen`; without text `vectors` two with random ones."""
    if vectors is None:
        vectors = torch.randn(2, shape.text_width)
    text = dict(zip(shape.text, vectors.split(list(shape.text.values()), dim=1), strict=True))
    seen = torch.tensor([i not in unseen for i in range(len(vectors))])
    classes = Classes(tuple(f"c{i}" for i in range(len(vectors))), text, seen)
    return method(method.Config(**settings), shape, classes, seed=0, device=torch.device("cpu"))


def parameters(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def by_part(module: nn.Module) -> dict[str, int]:
    return {name: parameters(part) for name, part in module.named_children() if parameters(part)}


def rates(*parts: nn.Module) -> set[float]:
    """Rates of all dropouts in some parts of a network."""
    return {module.p for part in parts for module in part.modules() if isinstance(module, nn.Dropout)}


def passes(norm: nn.BatchNorm1d) -> int:
    return int(norm.num_batches_tracked)


def values(losses: Mapping[str, Tensor]) -> dict[str, float]:
    return {name: loss.item() for name, loss in losses.items()}


def assert_same_statistics(actual: nn.Module, expected: nn.Module) -> None:
    """Equal running statistics and numbers of passes, in all batch normalisations."""
    other = dict(expected.named_buffers())
    for name, buffer in actual.named_buffers():
        torch.testing.assert_close(buffer, other[name], msg=lambda text, name=name: f"{name}: {text}")
