"""How often intervals, tests and verdicts are right, by simulation with known truth: benchmarks/STATISTICS.md.

    python benchmarks/statistics_simulation.py          # what is missing of 1,000 draws per cell, then the page
    python benchmarks/statistics_simulation.py page     # the page from what is there

Draws are made in chunks with seeds of their own; sums over finished chunks are kept in `statistics.json`, so an
interrupted run goes on where it was. After a change of the statistics remove that file.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import stdtrit
from statistics_page import page
from statistics_world import population_hm, scatter_of, study

from avgzsl_bench.report.stats import bootstrap
from avgzsl_bench.report.stats.bootstrap import replicates_of
from avgzsl_bench.report.stats.classes import class_intervals_of
from avgzsl_bench.report.stats.correctness import Correctness
from avgzsl_bench.report.stats.moderation import board_prior
from avgzsl_bench.report.stats.pairwise import LEVEL, PairwiseTests, pairwise_tests
from avgzsl_bench.report.stats.variance import Components, Interval, components_of, decompose, intervals_of

HERE = Path(__file__).parent
KEPT = HERE / "statistics.json"
FACTORS = {"alike": 1.0, "scattered 3-fold": 3.0, "scattered 10-fold": 10.0}
SEEDS = (3, 5, 10)
METHODS, HM, BETTER = 18, 0.5, 0.05
RESAMPLES = 250
CHUNKS, DRAWS = 20, 50
TINY = {"9 videos": 1, "18 videos": 2, "27 videos": 3}
"""Videos of each of 6 seen and 3 unseen classes."""
Outcome = dict[str, float]


def pairs(rng: np.random.Generator, kind: str) -> Outcome:
    """Draw 18 methods of equal HM and one that is better, and one more run of each, on the same videos."""
    found: Outcome = {}
    target = np.append(np.full(METHODS, HM), HM + BETTER)
    made = study(rng, scatter_of(rng, METHODS + 1, FACTORS[kind])).with_hm(target)
    rows = made.draw(rng, max(SEEDS) + 1)
    values = np.stack([row.figures()["hm"] for row in rows])
    replicates = replicates_of(rows, int(rng.integers(2**31)), RESAMPLES)["hm"]
    replicates = replicates.reshape(RESAMPLES, METHODS + 1, max(SEEDS) + 1)
    for seeds in SEEDS:
        own = values[:, :seeds]
        components = decompose(list(own), replicates[:, :, :seeds].reshape(RESAMPLES, -1), range(METHODS + 1))
        equal, board = np.arange(METHODS), np.arange(1, METHODS + 1)
        for rule, tested in {"before": _today, "after": _moderated}.items():
            found[f"{seeds} wrong {rule}"] = tested(components.select(equal), own[equal]).significant.any()
            found[f"{seeds} power {rule}"] = (
                tested(components.select(board), own[board]).significant[-1, :-1].mean()
            )
        intervals, further = intervals_of(components)[:METHODS], values[:METHODS, -1]
        found[f"{seeds} covers"] = np.mean([_covers(interval, HM) for interval in intervals])
        inside = [_covers(interval, run) for interval, run in zip(intervals, further, strict=True)]
        found[f"{seeds} verdict before"] = 1 - np.mean(inside)
        half = stdtrit(seeds - 1, 0.975) * own[:METHODS].std(axis=1, ddof=1) * np.sqrt(1 + 1 / seeds)
        found[f"{seeds} verdict after"] = np.mean(np.abs(further - own[:METHODS].mean(axis=1)) > half)
    return found


def classes(rng: np.random.Generator, kind: str) -> Outcome:
    """Draw classes, and one method whose HM on all classes is known."""
    found: Outcome = {}
    scatter = scatter_of(rng, 1, FACTORS[kind])
    level = brentq(lambda x: population_hm(x, float(scatter[0])) - HM, -8, 8)
    (row,) = replace(study(rng, scatter), level=np.array([level])).draw(rng, max(SEEDS))
    replicates = replicates_of([row], int(rng.integers(2**31)), RESAMPLES)["hm"]
    for seeds in SEEDS:
        some = _first(row, seeds)
        components = decompose([some.figures()["hm"]], replicates[:, :seeds], [0])
        (today,), (interval,) = intervals_of(components), class_intervals_of([some], {"hm": components})["hm"]
        found[f"{seeds} covers before"] = _covers(today, HM)
        found[f"{seeds} covers after"] = _covers(interval, HM)
        found[f"{seeds} width before"], found[f"{seeds} width after"] = (x.high - x.low for x in (today, interval))
    return found


def tiny(rng: np.random.Generator, kind: str) -> Outcome:
    """Draw two equal methods on few videos, one seed each and five."""
    size = TINY[kind]
    made = study(rng, np.ones(2), seen=(size,) * 6, unseen=(size,) * 3).with_hm(np.full(2, HM))
    rows = made.draw(rng, 5)
    found: Outcome = {}
    for seeds in (1, 5):
        some, seed = [_first(row, seeds) for row in rows], int(rng.integers(2**31))
        tests = pairwise_tests(components_of(some, seed)["hm"])
        with mock.patch.object(bootstrap, "_FEW", 0):
            by_class = components_of(some, seed)["hm"]
        today = pairwise_tests(replace(by_class, differing=np.full((2, 2), np.inf)))
        certain = np.isnan(today.p[0, 1]) and today.mean[0, 1] != 0
        found[f"{seeds} wrong before"] = certain or today.p[0, 1] < LEVEL
        found[f"{seeds} wrong after"] = tests.p[0, 1] < LEVEL
        found[f"{seeds} untestable after"] = np.isnan(tests.p[0, 1])
    return found


PARTS: Mapping[str, tuple[Callable[[np.random.Generator, str], Outcome], tuple[str, ...]]] = {
    "pairs": (pairs, tuple(FACTORS)),
    "classes": (classes, tuple(FACTORS)),
    "tiny": (tiny, tuple(TINY)),
}


def chunk(part: str, kind: str, number: int) -> dict[str, list[float]]:
    """Make the draws of one chunk: number, sum and sum of squares of each outcome."""
    draw, kinds = PARTS[part]
    rng = np.random.default_rng([list(PARTS).index(part), kinds.index(kind), number])
    found = [draw(rng, kind) for _ in range(DRAWS)]
    values = {name: np.array([float(one[name]) for one in found]) for name in found[0]}
    return {name: [DRAWS, float(own.sum()), float((own**2).sum())] for name, own in values.items()}


def main() -> None:
    kept = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    cells = {f"{part} {kind}": (part, kind) for part, (_, kinds) in PARTS.items() for kind in kinds}
    if sys.argv[1:] != ["page"]:
        missing = [
            (name, number)
            for number in range(CHUNKS)
            for name in cells
            if number not in kept.get(name, {}).get("chunks", [])
        ]
        with ProcessPoolExecutor(os.cpu_count()) as pool:
            running = {pool.submit(chunk, *cells[name], number): (name, number) for name, number in missing}
            for future in as_completed(running):
                name, number = running[future]
                _add(kept.setdefault(name, {"chunks": [], "sums": {}}), number, future.result())
                KEPT.write_text(json.dumps(kept, indent=1, sort_keys=True) + "\n")
    (HERE / "STATISTICS.md").write_text(page(kept))


def _add(cell: dict[str, dict[str, list[float]]], number: int, found: dict[str, list[float]]) -> None:
    cell["chunks"] = sorted([*cell["chunks"], number])
    for name, own in found.items():
        cell["sums"][name] = [a + b for a, b in zip(cell["sums"].get(name, [0, 0, 0]), own, strict=True)]


def _today(components: Components, values: NDArray[np.float64]) -> PairwiseTests:
    return pairwise_tests(components)


def _moderated(components: Components, values: NDArray[np.float64]) -> PairwiseTests:
    competes = np.ones(len(values), dtype=bool)
    return pairwise_tests(components.moderated(board_prior(list(values), competes), competes))


def _first(row: Correctness, seeds: int) -> Correctness:
    return replace(row, seeds=row.seeds[:seeds], correct=row.correct[:seeds], zsl_correct=row.zsl_correct[:seeds])


def _covers(interval: Interval, value: float) -> bool:
    return bool(interval.low <= value <= interval.high)


if __name__ == "__main__":
    main()
