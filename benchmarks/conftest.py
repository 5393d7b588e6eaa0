"""Two ways of doing the same, in one run: the ratio is what counts, since machines are noisy."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

import pytest

RATIOS: dict[str, str] = {}


@pytest.fixture
def paired(request: pytest.FixtureRequest) -> Callable[..., float]:
    """Measure two ways in turn, and report the median of the ratios of neighbouring measurements."""

    def measure(one: Callable[[], object], other: Callable[[], object], *, repeats: int, meaning: str) -> float:
        one(), other()  # warm up
        ratios = [_seconds(one) / _seconds(other) for _ in range(repeats)]
        low, middle, high = min(ratios), statistics.median(ratios), max(ratios)
        RATIOS[request.node.nodeid] = f"{meaning}: {middle:.2f} (of {repeats} pairs, {low:.2f} to {high:.2f})"
        return middle

    return measure


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if RATIOS:
        terminalreporter.section("ratios")
        for line in RATIOS.values():
            terminalreporter.write_line(line)
