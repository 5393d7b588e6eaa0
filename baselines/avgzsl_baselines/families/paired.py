"""Batches of pairs: each sample comes with one of another class.

CJME, AVGZSLNet and AVCA send both through the same networks, in two passes: batch normalisation sees the samples
first, and those of other classes after them, never both at once.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from avgzsl_bench import Batch


@dataclass(frozen=True)
class Paired:
    """A batch with its negatives below it.

    Attributes:
        audio: `[2B, Da]`.
        visual: `[2B, Dv]`.
        labels: `[B]` each, of the samples and of the negatives.
        sizes: `[B, B]`, the rows of the two passes.
    """

    audio: Tensor
    visual: Tensor
    labels: tuple[Tensor, Tensor]
    sizes: list[int]


def paired(batch: Batch) -> Paired:
    """Put the negatives of a batch below its samples."""
    negative = batch.negative
    assert negative is not None
    return Paired(
        audio=torch.cat((batch.audio, negative.audio)),
        visual=torch.cat((batch.visual, negative.visual)),
        labels=(batch.label, negative.label),
        sizes=[len(batch.label), len(negative.label)],
    )
