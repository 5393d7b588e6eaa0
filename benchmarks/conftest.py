"""Two ways of doing the same, in one run: the ratio is what counts, since machines are noisy."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from pairs import pairs

RATIOS: dict[str, str] = {}


def pytest_xdist_auto_num_workers() -> int:
    """Measurements run one after another, in this process: what is measured has the machine to itself."""
    return 0


@pytest.fixture
def paired(request: pytest.FixtureRequest) -> Callable[..., float]:
    """Measure two ways in turn, and report the median of the ratios of neighbouring measurements."""

    def measure(one: Callable[[], object], other: Callable[[], object], *, repeats: int, meaning: str) -> float:
        found = pairs(one, other, repeats=repeats)
        ratios = f"{found.median:.2f} (of {repeats} pairs, {found.low:.2f} to {found.high:.2f})"
        RATIOS[request.node.nodeid] = f"{meaning}: {ratios}"
        return found.median

    return measure


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if RATIOS:
        terminalreporter.section("ratios")
        for line in RATIOS.values():
            terminalreporter.write_line(line)
