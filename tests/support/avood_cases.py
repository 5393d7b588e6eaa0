"""What the tests of AV-OOD-GZSL share."""

from __future__ import annotations

from typing import Any

import torch
from avca_family import NO_DROPOUT, fill_token_layer
from built_methods import build
from paired_cases import FIXTURE, FIXTURE_TEXT
from reference_values import fill
from torch.nn import functional as F

from avgzsl_baselines.avood import AVOOD
from avgzsl_bench import Classes, FeatureDims, Samples, Videos

CPU = torch.device("cpu")
SHAPE = FeatureDims(6, 5, {"clip": 4, "clap": 3})
SEEN = torch.tensor([True, False, True, True, False])

SMALL: dict[str, Any] = {
    "embedding_batch_size": 8,
    "batches_per_epoch": 3,
    "embedding_epochs": 2,
    "model_width": 8,
    "embedding_width": 5,
    "encoder_hidden_width": 9,
    "projection_hidden_width": 7,
    "classifier_epochs": 2,
    "classifier_batch_size": 8,
    "generator_epochs": 1,
    "detector_batch_size": 8,
    "synthetic_per_class": 3,
}


def problem(videos: int = 22) -> tuple[Samples, Classes]:
    """Videos of three seen classes, which lie apart, and five classes."""
    generator = torch.Generator().manual_seed(5)
    label = torch.arange(videos) % 3
    centre = 2 * torch.randn(3, 11, generator=generator)
    x = centre[label] + 0.3 * torch.randn(videos, 11, generator=generator)
    text = {
        name: F.normalize(torch.randn(len(SEEN), width, generator=generator), dim=1)
        for name, width in SHAPE.text.items()
    }
    return Samples(Videos(x[:, :6].contiguous(), x[:, 6:].contiguous()), label), Classes(
        tuple("abcde"), text, SEEN
    )


def small(seed: int = 0, **settings: Any) -> AVOOD:
    torch.manual_seed(seed)
    return AVOOD(AVOOD.Config(**SMALL | settings), SHAPE, problem()[1], seed=seed, device=CPU)


def trained(epochs: int = 1, **settings: Any) -> tuple[AVOOD, Samples, Classes]:
    train, classes = problem()
    method = small(**settings)
    for _ in range(epochs):
        method.train_epoch(train)
    return method, train, classes


def fixture_method(**settings: Any) -> AVOOD:
    """The unseen expert as in fixture F, in float64 and without dropout."""
    widths = {"encoder_hidden_width": 8, "projection_hidden_width": 7, "embedding_learning_rate": 1e-3}
    method = build(AVOOD, FIXTURE, FIXTURE_TEXT, **NO_DROPOUT | widths | settings)
    net = method.module.double().expert
    fill(*net.audio_encoder, *net.visual_encoder, net.text_hidden, net.decoder, *net.audio_projection)
    fill(*net.visual_projection, net.audio_reconstruction, net.visual_reconstruction, first=9)
    fill_token_layer(net.transformer[0], first=13)
    fill(net.text_projection, first=17)
    with torch.no_grad():
        for t in range(2):
            net.positions[t] = (((5 * torch.arange(300) + 3 * t) % 11) - 5).double() / 50
        for norm in (part for part in net.modules() if isinstance(part, torch.nn.BatchNorm1d)):
            norm.weight.fill_(1.0)
    return method
