"""Class-balanced batches drawn on the device: pick a class uniformly, then one of its videos uniformly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


class ClassBalancedSampler:
    """Draws with replacement, each sample with weight `1 / (C * n_c)`; classes without videos are never drawn.

    Args:
        label: int64 `[N]`, class positions of the training samples; draws happen on its device.
        seed: of the sampler's own generator, so that draws do not depend on dropout or initialisation.
    """

    def __init__(self, label: Tensor, *, seed: int) -> None:
        self._order = torch.argsort(label, stable=True)
        count = torch.bincount(label)
        start = torch.cumsum(count, 0) - count
        present = count.nonzero().squeeze(1)
        self._count = count[present]
        self._start = start[present]
        self._generator = torch.Generator(device=label.device).manual_seed(seed)

    def draw(self, batches: int, batch_size: int) -> Tensor:
        """Sample positions for a whole epoch: int64 `[batches, batch_size]`."""
        shape = (batches, batch_size)
        device, generator = self._order.device, self._generator
        slot = torch.randint(len(self._count), shape, generator=generator, device=device)
        # A double's 53 bits make the largest class reachable evenly; the clamp guards against rounding up.
        fraction = torch.rand(shape, generator=generator, device=device, dtype=_uniform_dtype(device))
        within = (fraction * self._count[slot]).long().clamp_(max=self._count[slot] - 1)
        return self._order[self._start[slot] + within]


def _uniform_dtype(device: torch.device) -> torch.dtype:
    return torch.float32 if device.type == "mps" else torch.float64
