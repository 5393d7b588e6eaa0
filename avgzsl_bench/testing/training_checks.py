"""Checks of training: losses, seeds, learned state, precisions, both stages, and seeds that train together."""

from __future__ import annotations

import io
import pickle
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from avgzsl_bench.errors import ConfigError, RunError
from avgzsl_bench.execution.random_streams import random_state, restore_random_state
from avgzsl_bench.execution.seeds.learner import TOLERANCE, Learner, trains_together
from avgzsl_bench.execution.seeds.stack import stacked
from avgzsl_bench.execution.stages import run_stage1, run_stage2, train
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.method.base import Method
from avgzsl_bench.method.precision import checked_precision, require_device
from avgzsl_bench.testing.checking import require, require_close
from avgzsl_bench.testing.trial import Trial


def check_training(trial: Trial) -> None:
    """Require finite losses by name, and samples left as they were."""
    samples = trial.task.train
    before = [t.clone() for t in (samples.videos.audio, samples.videos.visual, samples.label)]
    losses = trial.build().train_epoch(samples)
    require(isinstance(losses, Mapping), f"train_epoch must return a mapping, not {type(losses).__name__}")
    require(all(np.isfinite(float(value)) for value in losses.values()), f"losses must be finite: {losses}")
    after = (samples.videos.audio, samples.videos.visual, samples.label)
    require(all(map(torch.equal, before, after)), "training changed the samples in place")


def check_same_seed(trial: Trial) -> None:
    """Require equal scores from two trainings with the same seed."""
    first, second = (trial.trained().score(trial.task.videos, trial.task.classes) for _ in range(2))
    require(torch.equal(first, second), "two trainings with the same seed give different scores")


def check_state_dict(trial: Trial) -> None:
    """Require a `state_dict` of tensors with which an untrained method scores the same."""
    method = trial.trained()
    state = method.state_dict()
    require(all(isinstance(value, Tensor) for value in state.values()), "state_dict holds more than tensors")
    fresh = trial.build()
    fresh.load_state_dict({name: value.clone() for name, value in state.items()})
    expected = method.score(trial.task.videos, trial.task.classes)
    require_close(fresh.score(trial.task.videos, trial.task.classes), expected, "scores differ after loading")


def check_resumable(trial: Trial) -> None:
    """Require that training goes on from a kept state as if nothing had been between, if the method says so."""
    if not trial.method.resumable:
        return
    first = trial.trained()
    first.after_validation(0.25)
    kept = io.BytesIO()
    torch.save({"training": dict(first.training_state()), "random": random_state(trial.device)}, kept)
    expected = first.train_epoch(trial.task.train)
    kept.seek(0)
    try:
        state = torch.load(kept, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise AssertionError(f"training_state holds more than tensors and plain values: {error}") from error
    second = trial.build()
    second.load_training_state(state["training"])
    restore_random_state(state["random"], trial.device)
    losses = second.train_epoch(trial.task.train)
    advice = "training depends on something else; keep it in training_state, or say resumable = False"
    rule = f"losses are {dict(losses)} after going on, {dict(expected)} without a break: {advice}"
    require(dict(losses) == dict(expected), rule)
    learnt, other = first.state_dict(), second.state_dict()
    differing = [name for name, value in learnt.items() if not torch.equal(value, other[name])]
    require(not differing, f"{', '.join(differing)} differ after going on: {advice}")


def check_learning_rate(trial: Trial) -> None:
    """Require that a learning rate, if there is one, can be set: stage 2 replays that of stage 1."""
    method = trial.build()
    if method.learning_rate is not None:
        method.learning_rate = 0.125
        require(method.learning_rate == 0.125, "setting learning_rate has no effect")


def check_precisions(trial: Trial) -> None:
    """Require training in each precision that the method names and the device has; its state keeps its types."""
    for precision in trial.method.precisions:
        if precision == "full":
            continue
        try:
            computed = checked_precision(trial.spec.name, precision, trial.method.precisions)
            require_device(computed, trial.device)
        except ConfigError:
            continue
        method = trial.build()
        before = _types(method)
        train(method, trial.task, 1, computed)
        require(_types(method) == before, f"training in {precision} changes the types of what was learnt")


def check_protocol(trial: Trial) -> None:
    """Require that both stages run and give a decision for each video."""
    task, factory, exact = trial.task, trial.factory(), parse_calibration("exact")

    def ignore(_: object) -> None:
        return None

    selection = run_stage1(factory, task, epochs=trial.config.epochs, calibration=exact, seed=0, report=ignore)
    _, decisions = run_stage2(factory, task, selection, seed=0, report=ignore)
    require(len(decisions) == len(task.videos), "a video without a decision")


def check_seeds_together(trial: Trial) -> None:
    """Require that seeds trained together learn what each learns by itself, also at different learning rates.

    Compared in double precision, where only rounding may differ: in single precision it can make another neuron of
    a spiking network fire. A method that does not train in double precision is compared in single, with
    `TOLERANCE`.
    """
    if not trains_together(trial.method) or trial.spec.needs.sequences == "required":
        return
    bare = replace(trial.shape, sequences=False)
    try:
        trial.method.check(trial.config, bare)
    except ConfigError:
        return
    trial = replace(trial, shape=bare)
    if _trains_in_double(trial):
        with default_dtype(torch.float64):
            _compare_seeds(trial.on(bare), _ROUNDING)
    else:
        _compare_seeds(trial.on(bare), TOLERANCE)


_ROUNDING = 1e-6
"""What rounding may change in double precision, over the largest loss or score. It is mostly below 1e-9; but
Adam makes large steps of gradients that are nothing but rounding."""


def _compare_seeds(trial: Trial, tolerance: float) -> None:
    """Train seeds alone and together for two epochs, of which the second with another rate for one of them."""
    task, seeds = trial.task, (3, 0, 5)
    alone, together = ([Learner.built(trial.factory(seed), task, seed) for seed in seeds] for _ in range(2))
    try:
        stack = stacked(together, trial.factory(seeds[0]), task)
    except RunError:
        return  # found before training, and seeds run one after another
    for _ in range(2):
        try:
            means = stack.train_epoch()
        except Exception as error:  # a method's code may raise anything
            raise AssertionError(
                f"seeds cannot be stacked, say so with seeds_together = False: {error}"
            ) from error
        for one, mean in zip(alone, means, strict=True):
            losses = one.train_epoch(task.train)
            largest = max(map(abs, losses.values()))
            for name, value in losses.items():
                rule = f"loss {name!r} is {mean[name]:.6g} together with other seeds, by itself {value:.6g}"
                require(abs(mean[name] - value) <= tolerance * largest, rule)
        for one, other in zip(alone, together, strict=True):
            expected = one.method.score(task.videos, task.classes)
            apart = (other.method.score(task.videos, task.classes) - expected).abs().mean() / expected.abs().max()
            require(float(apart) <= tolerance, f"scores differ by {float(apart):.1e} of the largest, in the mean")
        for learners in (alone, together):
            learners[1].method.learning_rate *= 0.5


def _trains_in_double(trial: Trial) -> bool:
    """Try a step of training in double precision, which a device may lack and a method may not be written for."""
    if trial.device.type == "mps":
        return False
    try:
        with default_dtype(torch.float64):
            trial.on(trial.shape).trained()
    except Exception:  # a method's code may raise anything
        return False
    return True


@contextmanager
def default_dtype(dtype: torch.dtype) -> Iterator[None]:
    """Make tensors of another type by default inside the block."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def _types(method: Method) -> dict[str, torch.dtype]:
    return {name: value.dtype for name, value in method.state_dict().items() if isinstance(value, Tensor)}
