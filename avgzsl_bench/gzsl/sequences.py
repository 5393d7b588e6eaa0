"""Sequences on the device: the steps of all videos end to end, padded only when a batch is looked at."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Padded:
    """Steps of `N` videos side by side.

    Attributes:
        values: float32 `[N, T, D]`, zero where there is no step.
        mask: bool `[N, T]`, true where there is one.
    """

    values: Tensor
    mask: Tensor


@dataclass(frozen=True, repr=False)
class Sequences:
    """One modality of `N` videos as sequences of vectors. `take` copies no vector.

    Attributes:
        values: float32 `[S, D]`, steps of all videos, these and others, end to end.
        first: int64 `[N]`, the row of each video's first step.
        length: int64 `[N]`, steps of each video, at least 1.
        longest: steps that videos are padded to, at least the largest `length`; known to the host.
        seconds: from one step to the next.
    """

    values: Tensor
    first: Tensor
    length: Tensor
    longest: int
    seconds: float

    def __repr__(self) -> str:
        widths = f"{self.values.shape[-1]} wide, at most {self.longest} steps"
        return f"Sequences(of {len(self):,} videos: {widths}, {self.values.device})"

    @classmethod
    def of_vectors(cls, vectors: Tensor) -> Sequences:
        """One vector a video, `[N, D]`, as sequences of a single step."""
        first = torch.arange(len(vectors), device=vectors.device)
        return cls(vectors, first, torch.ones_like(first), longest=1, seconds=1.0)

    def __len__(self) -> int:
        return self.length.shape[0]

    def take(self, index: Tensor | slice, longest: int | None = None) -> Sequences:
        """Select the sequences of the videos at `index` (int64 `[M]` on the same device, or a slice).

        Args:
            longest: steps to pad them to, at least their largest length; else the device is asked for that.
        """
        length = self.length[index]
        if longest is None:
            longest = int(length.max()) if len(length) else 0
        return Sequences(self.values, self.first[index], length, longest, self.seconds)

    def apart(self) -> Sequences:
        """Copy the steps of these videos, and of no other, into a storage of their own."""
        first = self.length.cumsum(0) - self.length
        owner = torch.arange(len(self), device=self.length.device).repeat_interleave(self.length)
        step = torch.arange(len(owner), device=owner.device) - first[owner]
        return Sequences(self.values[self.first[owner] + step], first, self.length, self.longest, self.seconds)

    def at(self, step: Tensor) -> Padded:
        """Select steps of each video: int64 `[N, T]` or, the same for all, `[1, T]`; not negative."""
        mask = step < self.length.unsqueeze(1)
        row = self.first.unsqueeze(1) + step.minimum(self.length.unsqueeze(1) - 1)
        values = self.values.index_select(0, row.flatten()).view(*row.shape, -1)  # `[row]` is slower on the CPU
        return Padded(values.mul_(mask.unsqueeze(2)), mask)

    def padded(self) -> Padded:
        """All steps, with zeros after the end of all but the longest: `T = longest`."""
        return self.at(torch.arange(self.longest, device=self.values.device).unsqueeze(0))
