"""The epochs of seeds that train together, summed up to one line each."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from statistics import fmean

from avgzsl_bench.records.epoch_result import EpochResult


@dataclass(frozen=True)
class Summed:
    """An epoch of several seeds.

    Attributes:
        mean: losses and HM are means over the seeds, seconds their sum, the epochs those of the longest stage.
        spread: the range of the seeds' HM, for people; empty in stage 2.
    """

    mean: EpochResult
    spread: str


class SeedsSummary:
    """Collects the results of an epoch until each of `seeds` that is still training has reported it."""

    def __init__(self, seeds: Collection[int]) -> None:
        self._training = set(seeds)
        self._unfinished = set(seeds)
        self._results: dict[int, EpochResult] = {}

    def add(self, seed: int, epoch: EpochResult) -> Iterator[Summed]:
        """Take in a result; yields the epochs that it completes, as a rule one or none.

        A seed that failed reports no more: the others' next epoch shows that this one is complete.
        """
        before = next(iter(self._results.values()), None)
        if before is not None and (before.stage, before.epoch) != (epoch.stage, epoch.epoch):
            yield self._complete()
        self._results[seed] = epoch
        if self._training <= self._results.keys():
            yield self._complete()

    def finished(self, seed: int) -> bool:
        """Take in that a seed's record is written; true once that is so of all that still train."""
        self._unfinished.discard(seed)
        return not self._unfinished & self._training

    def _complete(self) -> Summed:
        reports, self._results = self._results, {}
        self._training = {seed for seed, r in reports.items() if r.stage == 1 or r.epoch < r.epochs}
        return _summed(list(reports.values()))


def _summed(reports: list[EpochResult]) -> Summed:
    longest = max(reports, key=lambda report: report.epochs)
    found = [report.hm for report in reports if report.hm is not None]
    mean = replace(
        longest,
        losses={name: fmean(report.losses[name] for report in reports) for name in longest.losses},
        validation=longest.validation and replace(longest.validation, hm=fmean(found)),
        seconds=sum(report.seconds for report in reports),
    )
    spread = f" ({100 * min(found):.2f} to {100 * max(found):.2f})" if found else ""
    return Summed(mean, spread)
