"""Checks of scoring: shape, what scores may depend on, and what scoring may change."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from avgzsl_bench.gzsl.task import Classes, Videos
from avgzsl_bench.testing.checking import require, require_close
from avgzsl_bench.testing.trial import Trial, tiny_task

_FEATURES = {"audio", "visual", "audio_steps", "visual_steps", "take", "apart", "blocks", "mapped", "longest_of"}
"""What a method may read of videos."""


def check_score_shape(trial: Trial) -> None:
    """Require finite scores in floating point, one row per video and one column per class."""
    scores = trial.trained().score(trial.task.videos, trial.task.classes)
    require(isinstance(scores, Tensor), f"score must return a tensor, not {type(scores).__name__}")
    expected = (len(trial.task.videos), len(trial.task.classes))
    require(tuple(scores.shape) == expected, f"score gave {tuple(scores.shape)}, not {expected}")
    require(scores.is_floating_point(), f"scores are {scores.dtype}, not floats")
    require(bool(torch.isfinite(scores).all()), "scores hold NaN or infinite values")
    require(not scores.requires_grad, "scores carry a gradient graph")


def check_scoring_changes_nothing(trial: Trial) -> None:
    """Require equal scores from a second scoring, and videos and classes left as they were."""
    task = tiny_task(trial.shape, trial.device)  # anew: an earlier check may have changed the trial's own
    text = {encoder: 2 * vectors for encoder, vectors in task.classes.text.items()}  # to notice a normalisation
    method, videos, classes = trial.trained(), task.videos, replace(task.classes, text=text)
    given = {"videos": (videos.audio, videos.visual), "classes": (classes.seen, *classes.text.values())}
    before = {name: [t.clone() for t in tensors] for name, tensors in given.items()}
    first = method.score(videos, classes).clone()
    for name, tensors in given.items():
        require(all(map(torch.equal, before[name], tensors)), f"scoring changed the {name} in place")
    require_close(method.score(videos, classes), first, "a second scoring differs")


def check_video_order(trial: Trial) -> None:
    """Require scores that depend neither on the order of the videos nor on which others are scored.

    `check_protocol` requires it once more, as every run does.
    """
    method, videos = trial.trained(), trial.task.videos
    scores = method.score(videos, trial.task.classes)
    order = torch.randperm(len(videos), generator=torch.Generator().manual_seed(1)).to(trial.device)
    permuted = method.score(videos.take(order), trial.task.classes)
    require_close(permuted, scores[order], "permuting the videos changes their scores")
    part = method.score(videos.apart(order[:5]), trial.task.classes)
    require_close(part, scores[order[:5]], "scoring a few videos only changes their scores")


def check_class_order(trial: Trial) -> None:
    """Require that permuting the classes permutes the columns and changes nothing else."""
    method, classes = trial.trained(), trial.task.classes
    scores = method.score(trial.task.videos, classes)
    order = torch.randperm(len(classes), generator=torch.Generator().manual_seed(2)).to(trial.device)
    permuted = method.score(trial.task.videos, classes.take(order))
    require_close(permuted, scores[:, order], "permuting the classes changes their scores")


def check_scorer(trial: Trial) -> None:
    """Require that `scorer` gives what `score` gives, for a part of the videos, also after more training."""
    method, videos, classes = trial.trained(), trial.task.videos, trial.task.classes
    for more in (False, True):
        if more:
            method.train_epoch(trial.task.train)
        scores, scorer = method.score(videos, classes), method.scorer(classes)
        for part in (slice(0, 5), slice(5, None)):
            require_close(scorer(videos.take(part)), scores[part], "scorer gives other scores than score")


def check_reads_features_only(trial: Trial) -> None:
    """Require that scoring reads nothing of the videos but their features."""
    method = trial.trained()
    watched = _WatchedVideos(**vars(trial.task.videos))
    method.score(watched, trial.task.classes)
    extra = vars(watched)["_read"] - _FEATURES
    require(not extra, f"score reads {', '.join(sorted(extra))} of the videos")


class _WatchedVideos(Videos):
    """Videos that note which of their public attributes are read."""

    def __init__(self, **features: Any) -> None:
        super().__init__(**features)
        object.__setattr__(self, "_read", set())

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_"):
            super().__getattribute__("_read").add(name)
        return super().__getattribute__(name)


def check_open_vocabulary(trial: Trial) -> None:
    """Require, of a method that says so, that scores of a class are the same whatever the other classes are."""
    if not trial.spec.open_vocabulary:
        return
    method, videos, classes = trial.trained(), trial.task.videos, trial.task.classes
    scores = method.score(videos, classes)
    part = torch.tensor([5, 2, 8], device=trial.device)
    some = method.scorer(classes.take(part))(videos)
    require_close(some, scores[:, part], "scores of a class change when other classes are left out")
    more = method.scorer(_with_others(classes))(videos)
    require_close(more[:, : len(classes)], scores, "scores of a class change when others are added")


def _with_others(classes: Classes) -> Classes:
    """Add unseen classes: each with the embedding of another one, turned around."""
    return Classes(
        names=(*classes.names, *(f"another {name}" for name in classes.names)),
        text={encoder: torch.cat([vectors, vectors.flip(1)]) for encoder, vectors in classes.text.items()},
        seen=torch.cat([classes.seen, torch.zeros_like(classes.seen)]),
    )
