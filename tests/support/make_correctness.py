"""Correctness of simulated runs whose true figures are known."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from avgzsl_bench.gzsl.curve import harmonic_mean
from avgzsl_bench.report.stats.correctness import Correctness

VIDEO_SD = 1.5
ZSL_GAIN = 0.4


@dataclass(frozen=True)
class World:
    """Classes with a given ease; a video is right where ease, seed, video and chance add up to more than 0.

    A seed moves all classes together, trades seen for unseen ones, and moves each class for itself.
    """

    size: NDArray[np.int64]
    seen: NDArray[np.bool_]
    ease: NDArray[np.float64]
    seed_sd: float
    trade_sd: float
    class_sd: float

    @property
    def label(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(len(self.size)), self.size)

    def level(self, rng: np.random.Generator, runs: int) -> NDArray[np.float64]:
        """What each run adds up to in each class: `[runs, C]`."""
        together, trade = rng.normal(size=(2, runs, 1))
        own = rng.normal(size=(runs, len(self.size)))
        sides = np.where(self.seen, 1, -1)
        return self.ease + self.seed_sd * together + self.trade_sd * trade * sides + self.class_sd * own

    def draw(self, rng: np.random.Generator, runs: int, method: str = "m") -> Correctness:
        label = self.label
        score = self.level(rng, runs)[:, label] + rng.normal(0, VIDEO_SD, len(label))
        score += rng.normal(size=score.shape)
        zsl = (score + ZSL_GAIN > 0) & ~self.seen[label]
        return Correctness(method, tuple(range(runs)), label, self.seen, score > 0, zsl)

    def truth(self, rng: np.random.Generator) -> dict[str, float]:
        """Mean figures over all seeds, on all videos."""
        scale = np.sqrt(1 + VIDEO_SD**2)
        level = self.level(rng, 20000)
        accuracy = norm.cdf(level / scale)
        s, u = accuracy[:, self.seen].mean(axis=1), accuracy[:, ~self.seen].mean(axis=1)
        zsl = norm.cdf((level + ZSL_GAIN) / scale)[:, ~self.seen].mean()
        return {"seen": s.mean(), "unseen": u.mean(), "hm": harmonic_mean(s, u).mean(), "zsl": zsl}


def world(seen: int, unseen: int, videos: tuple[int, int], sd: tuple[float, float, float]) -> World:
    """Classes of two sizes and of different ease, the same ones each time."""
    roles = np.arange(seen + unseen) < seen
    ease = np.random.default_rng(5).normal(np.where(roles, 0.5, 0.0), 0.8)
    return World(np.where(roles, *videos), roles, ease, *sd)
