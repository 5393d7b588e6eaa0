"""The rule that a score depends on its video and class alone, checked on the scores that a run decides on.

A sample of the videos is scored by itself before all videos are: in another order, from tensors that hold no other
video, by a copy of the method. This finds what uses other videos or earlier calls by accident; a program that
means to deceive can do more.
"""

from __future__ import annotations

import copy
from contextlib import suppress

import numpy as np
import torch
from torch import Tensor

from avgzsl_bench.errors import RunError
from avgzsl_bench.gzsl.task import Videos
from avgzsl_bench.method.base import Method

VIDEOS = 64
"""In a sample, drawn by the operating system's entropy."""

LIMIT = 1e-3
"""How far two scores of a video may be apart, over the standard deviation of the scores. Rounding makes it up to
1e-5 in the methods here, whatever precision they were trained in."""

ROUNDING = 16
"""Units in the last place of the largest score that they may be apart beside that: scores that are large beside
their differences are rounded with them."""

ODD = 20
"""With spiking neurons, one video in so many may be further apart: rounding can make another neuron fire."""


class Sample:
    """Some of the videos to be scored, and a copy of the method that scores them.

    Attributes:
        videos: the sample, in storages of its own.
        method: what a copy keeps from one call to the next, the method does not know, nor the other way round.
        odd: number of videos whose scores may be further apart than rounding explains.
    """

    def __init__(self, videos: Videos, method: Method) -> None:
        self.method = _twin(method)
        count = len(videos)
        self._rows = np.random.default_rng().choice(count, min(VIDEOS, count), replace=False)
        self.videos = videos.apart(torch.from_numpy(self._rows).to(videos.audio.device))
        self.odd = len(self._rows) // ODD if method.spiking else 0

    def put(self, among: Tensor, start: int, scores: Tensor) -> None:
        """Keep the sample's scores of a block of videos.

        Args:
            among: `[M, K]` on the host, scores of the sample; those of the block's videos are written.
            start: the block's first video.
            scores: `[B, K]`, of the block's videos; what is beyond the last video is left out.
        """
        inside = np.flatnonzero((start <= self._rows) & (self._rows < start + len(scores)))
        rows = torch.from_numpy(self._rows[inside] - start).to(scores.device)
        among[torch.from_numpy(inside)] = scores.index_select(0, rows).to(among.device)


def _twin(method: Method) -> Method:
    """Copy a method; optimiser, tensors among its attributes and what cannot be copied are shared."""
    twin, kept = copy.copy(method), vars(method)
    shared = [value for value in kept.values() if isinstance(value, Tensor | torch.optim.Optimizer)]
    memo: dict[int, object] = {id(method): twin, **{id(value): value for value in shared}}
    for name, value in kept.items():
        with suppress(Exception):  # a plugin's object may refuse to be copied, in any way
            vars(twin)[name] = copy.deepcopy(value, memo)
    return twin


def require_alone(where: str, alone: Tensor, among: Tensor, odd: int = 0) -> None:
    """Refuse scores that depend on which other videos are scored.

    Args:
        where: the method and its function.
        alone, among: `[M, K]` on the host, scores of the same videos, by themselves and among all.
        odd: number of videos that may be further apart.

    Raises:
        RunError: more videos have scores that differ by more than rounding.
    """
    one, other = alone.double(), among.double()
    known = other[torch.isfinite(other)]
    spread, largest = float(known.std(correction=0)), float(known.abs().amax())
    difference = torch.where(one == other, 0.0, (one - other).abs()).nan_to_num(nan=torch.inf).amax(dim=1)
    allowed = LIMIT * spread + ROUNDING * torch.finfo(among.dtype).eps * largest
    apart = int((difference > allowed).sum())
    if apart > odd:
        raise RunError(
            f"{where}: {apart} of {len(difference)} videos have other scores when they are scored alone and in "
            f"another order, by up to {float(difference.max()):.2g} (standard deviation of the scores: "
            f"{spread:.2g}); a score must depend only on its video and class: no mean or rank over videos, no "
            "state from call to call, no dropout or batch statistics"
        )
