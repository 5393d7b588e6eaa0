"""Scoring the videos of a task: blocks of scores to decisions, and validation metrics with the bias to use.

The labels of scored videos are read here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch

from avgzsl_bench.errors import PluginError, RunError
from avgzsl_bench.gzsl.calibration import Calibration
from avgzsl_bench.gzsl.curve import curve_of
from avgzsl_bench.gzsl.decisions import Decisions, GroundTruth, decide
from avgzsl_bench.gzsl.metrics import Metrics, metrics_of
from avgzsl_bench.gzsl.task import Task, Videos
from avgzsl_bench.method.base import Method

SCORES_AT_A_TIME = 2**22
"""So many are kept until they are decisions: 16 MiB in single precision, whatever the videos and classes."""

VIDEOS_AT_A_TIME = 4096
"""BlockStack of videos are multiples of this, which is what methods embed at a time."""


def validate(method: Method, task: Task, calibration: Calibration) -> tuple[Metrics, float]:
    """Figures of a task's videos at the bias that suits them, and the bias to hand on.

    The two biases are the same unless the method averages those of several score matrices.
    """
    truth = task.ground_truth
    decisions = score(method, task)
    curve = curve_of(decisions, truth)
    own = calibration.choose(curve)
    figures = metrics_of(decisions, truth, own, curve)
    scorer = method.calibration_scorer(task.classes)
    if scorer is None:
        return figures, own
    several = _decisions(method, "calibration_scorer", scorer, task)
    curves = [curve_of(of_one, truth) for of_one in several]
    return figures, float(np.mean([calibration.choose(curve) for curve in curves]))


def score(method: Method, task: Task) -> Decisions:
    """Score a task's videos and reduce the scores to decisions, `SCORES_AT_A_TIME` of them in memory.

    Raises:
        PluginError: the method did not give a tensor of floats.
        RunError: scores of the wrong shape or that are not finite.
    """
    scorer = method.scorer(task.classes)
    (decisions,) = _decisions(method, "score", lambda videos: [scorer(videos)], task)
    return decisions


def _decisions(
    method: Method, function: str, scorer: Callable[[Videos], Iterable[object]], task: Task
) -> list[Decisions]:
    """Make the decisions of each matrix that a scorer gives; nothing keeps a block's scores after that."""
    decided: list[Decisions] = []
    for start, videos in _blocks(task):
        size = len(videos), len(task.classes)
        block = [_decided(method, function, scores, size, task.ground_truth) for scores in scorer(videos)]
        decided = decided or [_undecided(task) for _ in block]
        for decisions, of_block in zip(decided, block, strict=True):
            _put(decisions, start, of_block)
    return decided


def _blocks(task: Task) -> Iterator[tuple[int, Videos]]:
    """Split a task's videos into blocks with their offsets; one block up to `SCORES_AT_A_TIME` scores."""
    size = max(SCORES_AT_A_TIME // len(task.classes) // VIDEOS_AT_A_TIME, 1) * VIDEOS_AT_A_TIME
    if len(task.videos) <= size:
        yield 0, task.videos
        return
    for start in range(0, len(task.videos), size):
        yield start, task.videos.take(slice(start, start + size))


def _undecided(task: Task) -> Decisions:
    """Room for the decisions of all videos, taken at once: a block's would scatter over what scores leave free."""
    videos = len(task.videos)
    return Decisions(np.empty(videos, np.int64), np.empty(videos, np.int64), np.empty(videos, np.float64))


def _put(decisions: Decisions, start: int, block: Decisions) -> None:
    rows = slice(start, start + len(block))
    decisions.best_seen[rows] = block.best_seen
    decisions.best_unseen[rows] = block.best_unseen
    decisions.gap[rows] = block.gap


def _decided(
    method: Method, function: str, scores: object, wanted: tuple[int, int], truth: GroundTruth
) -> Decisions:
    """Decisions of what a method's function scored, after the checks that `score` documents.

    Gaps must be finite: NaN anywhere and infinity at the top leave none that is. Minus infinity below the top
    changes no decision and passes.
    """
    where = f"{type(method).__name__}.{function}"
    contract = f"{where}: scores must be a torch.Tensor of floats"
    if not isinstance(scores, torch.Tensor):
        raise PluginError(f"{contract}; got {type(scores).__module__}.{type(scores).__name__}")
    if not scores.is_floating_point():
        raise PluginError(f"{contract}; got {scores.dtype}")
    if tuple(scores.shape) != wanted:
        raise RunError(f"{where} gave shape {tuple(scores.shape)}, not {wanted}")
    decisions = decide(scores, truth.seen, truth.unseen)
    if not np.isfinite(decisions.gap).all():
        raise RunError(f"{where} gave NaN or infinite scores; try a lower learning rate")
    return decisions
