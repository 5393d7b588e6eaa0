"""A training step over what its matrix products alone would take, and the share of drawing dropout masks in it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from pairs import Pairs, compared, seconds
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from avgzsl_bench.method import dropout

SHAPE = (256, 512, 512)
"""The product whose rate all others are taken at: `[256, 512]` by `[512, 512]`."""

AT_A_TIME = 20
"""Reference products that are timed at a time."""


class _Operations(TorchDispatchMode):
    """Counts the floating-point operations of matrix products and convolutions inside its block."""

    def __init__(self) -> None:
        super().__init__()
        self.total = 0

    def __torch_dispatch__(self, operation: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        given = kwargs or {}
        result = operation(*args, **given)
        count = flop_registry.get(operation._overloadpacket)
        if count is not None:
            self.total += count(*args, **given, out_val=result)
        return result


def over_products(train: Callable[[], object], *, repeats: int) -> Pairs:
    """Time training over its matrix products at the rate of the reference product, both in turn.

    What an epoch multiplies is counted in one that is not timed.
    """
    rows, inner, columns = SHAPE
    left, right = torch.randn(rows, inner), torch.randn(inner, columns)

    def reference() -> None:
        for _ in range(AT_A_TIME):
            left @ right

    times = operations(train) / operations(reference)
    taken = []
    for _ in range(repeats):
        before, epoch, after = seconds(reference), seconds(train), seconds(reference)
        taken.append((epoch, times * (before + after) / 2))
    return compared(taken)


def operations(work: Callable[[], object]) -> int:
    """Count the floating-point operations of the matrix products in a piece of work."""
    with _Operations() as counted:
        work()
    return counted.total


def dropout_share(train: Callable[[], object], *, repeats: int) -> float:
    """Find the share of drawing masks in the time of training, from 0 to 1: the median of several times."""
    drawn, spent = dropout.draw_kept, 0.0

    def timed(*args: Any, **kwargs: Any) -> Tensor:
        nonlocal spent
        start = time.perf_counter()
        kept = drawn(*args, **kwargs)
        spent += time.perf_counter() - start
        return kept

    def share() -> float:
        nonlocal spent
        spent = 0.0
        taken = seconds(train)
        return spent / taken

    dropout.draw_kept = timed
    try:
        return statistics.median(share() for _ in range(repeats))
    finally:
        dropout.draw_kept = drawn
