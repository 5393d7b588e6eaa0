"""A training step over what its matrix products alone would take, and the share of drawing dropout masks in it."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import torch
from pairs import Pairs, compared, seconds
from torch.profiler import ProfilerActivity, profile
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

SHAPE = (256, 512, 512)
"""The product whose rate all others are taken at: `[256, 512]` by `[512, 512]`."""

DRAWING = ("aten::random_", "aten::ge_")
"""The operations that `avgzsl_bench.Dropout` draws masks with; few others use them."""

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
    """Find the share of drawing dropout masks in a profile of training, from 0 to 1: the median of several."""

    def share() -> float:
        with profile(activities=[ProfilerActivity.CPU], acc_events=True) as found:
            train()
        events = found.key_averages()
        drawing = sum(event.self_cpu_time_total for event in events if event.key in DRAWING)
        return drawing / sum(event.self_cpu_time_total for event in events)

    return statistics.median(share() for _ in range(repeats))
