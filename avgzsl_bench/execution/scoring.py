"""Scoring the videos of a task: blocks of scores to decisions, and validation metrics with the bias to use.

The labels of scored videos are read here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from avgzsl_bench.errors import PluginError, RunError
from avgzsl_bench.execution.alone import Sample, require_alone
from avgzsl_bench.gzsl.calibration import Calibration
from avgzsl_bench.gzsl.curve import curve_of
from avgzsl_bench.gzsl.decisions import Decisions, GroundTruth, decide
from avgzsl_bench.gzsl.metrics import Metrics, metrics_of
from avgzsl_bench.gzsl.task import Task, Videos
from avgzsl_bench.method.base import Method

Scorer = Callable[[Videos], Iterable[object]]
"""Gives the score matrices of some videos; what a plugin gives is not checked yet."""

SCORES_AT_A_TIME = 2**22
"""So many are kept until they are decisions: 16 MiB in single precision, whatever the videos and classes."""

VIDEOS_AT_A_TIME = 4096
"""Blocks of videos are made for multiples of this, which is what methods embed at a time."""


def validate(
    method: Method, task: Task, calibration: Calibration, sample: Sample | None = None
) -> tuple[Metrics, float]:
    """Figures of a task's videos at the bias that suits them, and the bias to hand on.

    The two biases are the same unless the method averages those of several score matrices.

    Args:
        sample: of the task's videos, to be scored alone too.
    """
    truth = task.ground_truth
    decisions = score(method, task, sample)
    curve = curve_of(decisions, truth)
    own = calibration.choose(curve)
    figures = metrics_of(decisions, truth, own, curve)

    def scorer_of(one: Method) -> Scorer | None:
        return one.calibration_scorer(task.classes)

    several = _decisions(method, "calibration_scorer", scorer_of, task, sample)
    if not several:
        return figures, own
    curves = [curve_of(of_one, truth) for of_one in several]
    return figures, float(np.mean([calibration.choose(curve) for curve in curves]))


def score(method: Method, task: Task, sample: Sample | None = None) -> Decisions:
    """Score a task's videos and reduce the scores to decisions, `SCORES_AT_A_TIME` of them in memory.

    Args:
        sample: of the task's videos, to be scored alone too.

    Raises:
        PluginError: the method did not give a tensor of floats.
        RunError: scores of the wrong shape, or that are not finite, or others for a sample that is scored alone.
    """

    def scorer_of(one: Method) -> Scorer:
        scorer = one.scorer(task.classes)
        return lambda videos: [scorer(videos)]

    (decisions,) = _decisions(method, "score", scorer_of, task, sample)
    return decisions


def _decisions(
    method: Method,
    function: str,
    scorer_of: Callable[[Method], Scorer | None],
    task: Task,
    sample: Sample | None,
) -> list[Decisions]:
    """Make the decisions of each matrix that a method's scorer gives, none without a scorer.

    Nothing keeps a block's scores after that.
    """
    where, classes = f"{type(method).__name__}.{function}", len(task.classes)

    def checked(scorer: Scorer, videos: Videos) -> Iterator[Tensor]:
        return (checked_scores(where, scores, (len(videos), classes)) for scores in scorer(videos))

    alone = [] if sample is None else _alone(sample, scorer_of, checked)
    scorer = scorer_of(method)
    if scorer is None:
        return []
    among = [torch.empty_like(scores) for scores in alone]

    def decisions_of(number: int, start: int, scores: Tensor) -> Decisions:
        if sample is not None:
            sample.put(among[number], start, scores)
        return _decided(where, scores, task.ground_truth)

    decided: list[Decisions] = []
    for start, videos in _blocks(task):
        block = [decisions_of(number, start, scores) for number, scores in enumerate(checked(scorer, videos))]
        decided = decided or [_undecided(task) for _ in block]
        for decisions, of_block in zip(decided, block, strict=True):
            _put(decisions, start, of_block)
    for by_itself, with_others in zip(alone, among, strict=True):
        require_alone(where, by_itself, with_others, sample.odd if sample else 0)
    return decided


def _alone(
    sample: Sample,
    scorer_of: Callable[[Method], Scorer | None],
    checked: Callable[[Scorer, Videos], Iterator[Tensor]],
) -> list[Tensor]:
    """Score a sample by itself: its matrices `[M, K]` on the host; random streams stay where they are.

    It is scored twice, and the second scores count: what depends on the number of calls is another number then.
    """
    device = sample.videos.audio.device
    with torch.random.fork_rng([device] if device.type == "cuda" else []):
        scorer = scorer_of(sample.method)
        if scorer is None:
            return []
        for _ in checked(scorer, sample.videos):
            pass
        return [scores.to("cpu", copy=True) for scores in checked(scorer, sample.videos)]


def _blocks(task: Task) -> Iterator[tuple[int, Videos]]:
    """Split a task's videos into blocks with their offsets; one block up to `SCORES_AT_A_TIME` scores."""
    size = max(SCORES_AT_A_TIME // len(task.classes) // VIDEOS_AT_A_TIME, 1) * VIDEOS_AT_A_TIME
    if len(task.videos) <= size:
        return iter([(0, task.videos)])
    return task.videos.blocks(size)


def _undecided(task: Task) -> Decisions:
    """Room for the decisions of all videos, taken at once: a block's would scatter over what scores leave free."""
    videos = len(task.videos)
    return Decisions(np.empty(videos, np.int64), np.empty(videos, np.int64), np.empty(videos, np.float64))


def _put(decisions: Decisions, start: int, block: Decisions) -> None:
    rows = slice(start, min(start + len(block), len(decisions)))
    count = rows.stop - start
    decisions.best_seen[rows] = block.best_seen[:count]
    decisions.best_unseen[rows] = block.best_unseen[:count]
    decisions.gap[rows] = block.gap[:count]


def checked_scores(where: str, scores: object, wanted: tuple[int, int]) -> Tensor:
    """Check the form of what a method's function scored, as `score` documents; give it without its gradients."""
    contract = f"{where}: scores must be a torch.Tensor of floats"
    if not isinstance(scores, Tensor):
        raise PluginError(f"{contract}; got {type(scores).__module__}.{type(scores).__name__}")
    if not scores.is_floating_point():
        raise PluginError(f"{contract}; got {scores.dtype}")
    if tuple(scores.shape) != wanted:
        raise RunError(f"{where} gave shape {tuple(scores.shape)}, not {wanted}")
    return scores.detach()


def _decided(where: str, scores: Tensor, truth: GroundTruth) -> Decisions:
    """Decisions of scores.

    Gaps must be finite: NaN anywhere and infinity at the top leave none that is. Minus infinity below the top
    changes no decision and passes.
    """
    decisions = decide(scores, truth.seen, truth.unseen)
    if not np.isfinite(decisions.gap).all():
        raise RunError(f"{where} gave NaN or infinite scores; try a lower learning rate")
    return decisions
