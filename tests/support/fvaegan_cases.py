"""What the tests of f-VAEGAN-D2 share."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines.fvaegan import FVAEGAN, FVAEGANConfig
from avgzsl_bench import Classes, FeatureDims, Samples, Videos

CPU = torch.device("cpu")
SHAPE = FeatureDims(6, 5, {"clip": 4, "clap": 3})
SEEN = torch.tensor([True, False, True, True, False])


SMALL: dict[str, Any] = {
    "generator_batch_size": 8,
    "generator_batches": 7,
    "classifier_epochs": 3,
    "synthetic_per_class": 9,
    "latent_width": 4,
    "critic_width": 10,
    "encoder_width": 9,
    "generator_width": 8,
}


def classes_of(shape: FeatureDims, seen: Tensor) -> Classes:
    generator = torch.Generator().manual_seed(3)
    text = {
        name: F.normalize(torch.randn(len(seen), width, generator=generator), dim=1)
        for name, width in shape.text.items()
    }
    return Classes(tuple("abcdefgh"[: len(seen)]), text, seen)


def problem(shift: float = 0.0) -> tuple[Samples, Classes]:
    """22 videos of three seen classes, features in [shift, 1 + shift)."""
    generator = torch.Generator().manual_seed(5)
    label = torch.randint(3, (22,), generator=generator)
    label[:3] = torch.arange(3)
    videos = Videos(torch.rand(22, 6, generator=generator) + shift, torch.rand(22, 5, generator=generator) + shift)
    return Samples(videos, label), classes_of(SHAPE, SEEN)


def make(shape: FeatureDims, classes: Classes, **settings: Any) -> FVAEGAN:
    torch.manual_seed(0)
    return FVAEGAN(FVAEGANConfig(**settings), shape, classes, seed=0, device=CPU)


def small(**settings: Any) -> FVAEGAN:
    return make(SHAPE, problem()[1], **SMALL | settings)


def trained() -> tuple[FVAEGAN, Samples, Classes]:
    train, classes = problem()
    method = small(classifier_learning_rate=0.1)
    for _ in range(3):
        method.train_epoch(train)
    return method, train, classes
