"""Inputs of worked examples that the tests of ClipClap-GZSL, MFT and others share."""

from __future__ import annotations

import torch
from reference_values import AUDIO, VISUAL, X, doubles
from torch import Tensor

from avgzsl_baselines.clipclap import Embedded
from avgzsl_bench import Batch


def fixture_batch() -> Batch:
    return Batch(X(4, AUDIO, 0), X(4, VISUAL, 5), torch.tensor([0, 2, 4, 1]))


def fixed_embedded() -> tuple[Embedded, Tensor]:
    """The losses' worked example and its labels."""
    label = torch.tensor([0, 1])
    classes = doubles([0.8, 0.1, 1.5], [0.2, 1.0, 0.3], [0, 0.4, 0.9])
    embedded = Embedded(
        video=doubles([1, 0, 2], [0.5, 1.5, 0]),
        text=classes[label],
        classes=classes,
        encoded_text=doubles([0.3, 0.7, 0, 1.2], [0.5, 0, 0.9, 0.1]),
        video_decoded=doubles([0.1, 0.9, 0.2, 1.0], [0.4, 0.3, 0.6, 0]),
        text_decoded=doubles([0.25, 0.5, 0.1, 1.1], [0.7, 0.1, 0.8, 0.2]),
    )
    return embedded, label
