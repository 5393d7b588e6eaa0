"""Methods, classes, videos and seeds whose true figures are known, for the simulation of the statistics.

A run is right about a video where

    role + level of the method + class + class for the method + seed + seed for the role + seed for the class
    + video + video for the method + chance of the run  >  0

each term but the first two normal. Sizes are those of UCF-GZSL, split `cls`; the standard deviations give class
accuracies, figures and spreads over seeds like those of the committed records.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.special import ndtr

from avgzsl_bench.gzsl.curve import harmonic_mean
from avgzsl_bench.report.stats.correctness import Correctness

Array = NDArray[np.float64]

SEEN = (10, *[11] * 10, *[12] * 4, *[13] * 8, *[14] * 7, *[15] * 5, *[16] * 6, 17)
UNSEEN = (110, 131, 131, 155, 157, 161)
ROLE = {"seen": 0.35, "unseen": -0.15}
CLASS_SD, METHOD_CLASS_SD = 1.3, 0.7
SEED_SD, SEED_ROLE_SD, SEED_CLASS_SD = 0.08, 0.08, 0.25
VIDEO_SD, METHOD_VIDEO_SD, CHANCE_SD = 1.0, 0.7, 1.0
ZSL_GAIN = 0.4
_SCALE = float(np.sqrt(VIDEO_SD**2 + METHOD_VIDEO_SD**2 + CHANCE_SD**2))
_HALF_SEEDS = 100
"""Pairs of opposite seeds over which true figures are averaged."""


@dataclass(frozen=True)
class Study:
    """Classes, and methods by what they add in each class.

    Attributes:
        size: int64 `[C]`, test videos of each class.
        seen: bool `[C]`.
        ease: float64 `[M, C]`, of the methods without their levels.
        level: float64 `[M]`.
        scatter: float64 `[M]`, by which the standard deviations of a method's seeds are multiplied.
    """

    size: NDArray[np.int64]
    seen: NDArray[np.bool_]
    ease: Array
    level: Array
    scatter: Array

    @property
    def label(self) -> NDArray[np.int64]:
        return np.repeat(np.arange(len(self.size)), self.size)

    def with_hm(self, target: Array) -> Study:
        """Set the levels that give each method its target: the true mean HM on all videos of these classes."""
        rng = np.random.default_rng(0)
        half = [rng.normal(size=(_HALF_SEEDS, n)) for n in (1, 1, len(self.size))]
        together, role, own = (np.concatenate([part, -part]) for part in half)
        seeds = _seeds(together, role * np.where(self.seen, 1.0, -1.0), own)
        found = [
            brentq(_excess, -8, 8, args=(ease + scatter * seeds, self.seen, hm), xtol=1e-5)
            for ease, scatter, hm in zip(self.ease, self.scatter, target, strict=True)
        ]
        return replace(self, level=np.array(found))

    def draw(self, rng: np.random.Generator, runs: int) -> list[Correctness]:
        """Draw test videos, and runs of every method on them."""
        label, methods = self.label, len(self.level)
        sides = np.where(self.seen, 1.0, -1.0)
        together, role = rng.normal(size=(2, methods, runs, 1))
        own = rng.normal(size=(methods, runs, len(self.size)))
        seeds = _seeds(together, role * sides, own) * self.scatter[:, None, None]
        video = rng.normal(0, VIDEO_SD, len(label)) + rng.normal(0, METHOD_VIDEO_SD, (methods, 1, len(label)))
        score = ((self.ease + self.level[:, None])[:, None] + seeds)[:, :, label] + video
        score += CHANCE_SD * rng.standard_normal(score.shape, dtype=np.float32)
        correct, zsl = score > 0, (score > -ZSL_GAIN) & ~self.seen[label]
        return [
            Correctness(f"method {m}", tuple(range(runs)), label, self.seen, correct[m], zsl[m])
            for m in range(methods)
        ]


def study(
    rng: np.random.Generator, scatter: Array, seen: tuple[int, ...] = SEEN, unseen: tuple[int, ...] = UNSEEN
) -> Study:
    """Draw classes and what the methods make of them; levels are 0."""
    roles = np.arange(len(seen) + len(unseen)) < len(seen)
    shared = rng.normal(np.where(roles, ROLE["seen"], ROLE["unseen"]), CLASS_SD)
    ease = shared + rng.normal(0, METHOD_CLASS_SD, (len(scatter), len(roles)))
    return Study(np.array([*seen, *unseen]), roles, ease, np.zeros(len(scatter)), scatter)


def population_hm(level: float, scatter: float) -> float:
    """Compute the mean over seeds of HM of S and U over all classes and all their videos."""
    node, weight = np.polynomial.hermite_e.hermegauss(40)
    together, role = np.meshgrid(node, node)
    share = np.outer(weight, weight) / weight.sum() ** 2
    classes = np.sqrt(_SCALE**2 + CLASS_SD**2 + METHOD_CLASS_SD**2 + (SEED_CLASS_SD * scatter) ** 2)
    s, u = (
        ndtr((ROLE[name] + level + scatter * _seeds(together, side * role, 0.0)) / classes)
        for name, side in (("seen", 1), ("unseen", -1))
    )
    return float((share * harmonic_mean(s, u)).sum())


def scatter_of(rng: np.random.Generator, methods: int, factor: float) -> Array:
    """Draw how seeds scatter: alike for a factor of 1, else log-uniform between the ends of the factor."""
    end = np.log(factor) / 2
    return np.exp(rng.uniform(-end, end, methods))


def _seeds(together: Array, role: Array, own: Array | float) -> Array:
    return SEED_SD * together + SEED_ROLE_SD * role + SEED_CLASS_SD * own


def _excess(level: float, ease: Array, seen: NDArray[np.bool_], target: float) -> float:
    """Compute by how much the mean over seeds of HM exceeds a target; `ease` `[seeds, C]`."""
    accuracy = ndtr((ease + level) / _SCALE)
    return float(harmonic_mean(accuracy[:, seen].mean(axis=1), accuracy[:, ~seen].mean(axis=1)).mean()) - target
