"""Class-balanced batches drawn on the device: pick a class uniformly, then one of its videos uniformly."""

from __future__ import annotations

import torch
from torch import Tensor

from avgzsl_bench.errors import RunError


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
        self._slot = (torch.cumsum(count > 0, 0) - 1)[label]
        self._generator = torch.Generator(device=label.device).manual_seed(seed)

    @property
    def state(self) -> Tensor:
        """State of the sampler's generator, uint8 on the CPU."""
        return self._generator.get_state()

    @state.setter
    def state(self, value: Tensor) -> None:
        self._generator.set_state(value)

    def draw(self, batches: int, batch_size: int) -> Tensor:
        """Draw sample positions for a whole epoch: int64 `[batches, batch_size]`."""
        return self._videos_of(self._integers(len(self._count), (batches, batch_size)))

    def draw_negatives(self, positives: Tensor) -> Tensor:
        """Draw, for each of int64 positions, a video of another class: class uniform among the others, then video.

        Raises:
            RunError: there is only one class to draw from.
        """
        classes = len(self._count)
        if classes < 2:
            raise RunError("negatives need training videos of at least two classes")
        slot = self._integers(classes - 1, tuple(positives.shape))
        return self._videos_of(slot + (slot >= self._slot[positives]))

    def _integers(self, below: int, shape: tuple[int, ...]) -> Tensor:
        return torch.randint(below, shape, generator=self._generator, device=self._order.device)

    def _videos_of(self, slot: Tensor) -> Tensor:
        """Draw a video, uniformly, of each class (a slot among the classes that have videos)."""
        device, count = self._order.device, self._count[slot]
        # A double's 53 bits make the largest class reachable evenly; the clamp guards against rounding up.
        dtype = torch.float32 if device.type == "mps" else torch.float64
        fraction = torch.rand(slot.shape, generator=self._generator, device=device, dtype=dtype)
        within = (fraction * count).long().clamp_(max=count - 1)
        return self._order[self._start[slot] + within]
