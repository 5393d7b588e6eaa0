"""The two stages: choose epoch and bias on validation videos, then train afresh and score the test once.

Methods are handed training samples, class embeddings and videos without labels.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import replace
from typing import Generic, NamedTuple, TypeVar

from avgzsl_bench.errors import PluginError, RunError
from avgzsl_bench.execution.alone import Sample
from avgzsl_bench.execution.random_streams import seed_everything
from avgzsl_bench.execution.scoring import score, validate
from avgzsl_bench.execution.selection import Selection
from avgzsl_bench.execution.unfinished import Snapshot
from avgzsl_bench.gzsl.calibration import Calibration
from avgzsl_bench.gzsl.curve import EQUAL
from avgzsl_bench.gzsl.decisions import Decisions
from avgzsl_bench.gzsl.task import Task
from avgzsl_bench.method.base import Method
from avgzsl_bench.method.precision import Precision, precision_context
from avgzsl_bench.records.epoch_result import EpochResult

MethodFactory = Callable[[Task], Method]
"""Builds an untrained method for a task."""


Report = Callable[[EpochResult], None]
"""Receives the result of every epoch."""

Keep = Callable[[int, Selection, Method], None]
"""Receives, after every epoch of a stage, its number, what stage 1 has found, and the method."""


def keep_nothing(epoch: int, selection: Selection, method: Method) -> None:
    """Keep nothing of a stage that is under way."""


Outcome = TypeVar("Outcome")


class EpochLosses(NamedTuple):
    """Mean losses and duration of one epoch of training."""

    losses: Mapping[str, float]
    seconds: float


Stage = Generator[int, EpochLosses, Outcome]
"""Yields the number of an epoch to be trained, is sent its losses, and returns the outcome."""


class StageDriver(Generic[Outcome]):
    """Drive one stage of a method: it requests epochs of training, one at a time, and does all else.

    Attributes:
        next_epoch: the epoch to train next; None once the stage is over.
        outcome: of the stage, once it is over.
        seconds: duration so far, training included.
    """

    def __init__(self, stage: Stage[Outcome]) -> None:
        self._stage = stage
        self.outcome: Outcome
        self.seconds = 0.0
        self.next_epoch = self._timed(lambda: next(stage))

    def send(self, trained: EpochLosses) -> None:
        """Go on after the epoch that was `next_epoch`.

        Raises:
            RunError: scores of the wrong shape, or that are not finite, or that depend on the other videos.
        """
        self.seconds += trained.seconds
        self.next_epoch = self._timed(lambda: self._stage.send(trained))

    def _timed(self, resume: Callable[[], int]) -> int | None:
        start = time.perf_counter()
        try:
            return resume()
        except StopIteration as end:
            self.outcome = end.value
            return None
        finally:
            self.seconds += time.perf_counter() - start


def drive(driver: StageDriver[Outcome], method: Method, task: Task, precision: Precision) -> Outcome:
    """Train a method by itself, in a precision that it has, for as long as its driver requests epochs.

    Raises:
        RunError: a loss or a score is not finite, or scores have the wrong shape or depend on the other videos.
    """
    while driver.next_epoch is not None:
        start = time.perf_counter()
        losses = train(method, task, driver.next_epoch, precision)
        driver.send(EpochLosses(losses, time.perf_counter() - start))
    return driver.outcome


def run_stage1(
    factory: MethodFactory,
    task: Task,
    *,
    epochs: int,
    calibration: Calibration,
    seed: int,
    report: Report,
    precision: Precision = "full",
    save: bool = False,
    keep: Keep = keep_nothing,
    begun: Snapshot | None = None,
) -> Selection:
    """Stage 1: train on `stage1_train`, validate after each epoch, keep the first of the highest HM and its bias.

    Args:
        save: whether the selection has the state of the best epoch.
        keep: called after each epoch.
        begun: where an interrupted stage goes on from.

    Raises:
        RunError: scores of the wrong shape, or that are not finite, or that depend on the other videos.
    """
    seed_everything(seed)
    method = factory(task)
    found = None
    if begun is not None:
        begun.restore(method)
        found = begun.selection
    stage = stage1(
        method, task, epochs=epochs, calibration=calibration, report=report, save=save, keep=keep, found=found
    )
    return drive(StageDriver(stage), method, task, precision)


def stage1(
    method: Method,
    task: Task,
    *,
    epochs: int,
    calibration: Calibration,
    report: Report,
    save: bool = False,
    keep: Keep = keep_nothing,
    found: Selection | None = None,
) -> Stage[Selection]:
    """Stage 1 of a method that is trained elsewhere, see `StageDriver`; arguments as of `run_stage1`.

    `found` is what the epochs before have found.
    """
    for number in range(len(found.epochs) + 1 if found else 1, epochs + 1):
        learning_rate = method.learning_rate
        trained = yield number
        start = time.perf_counter()
        sample = Sample(task.videos, method) if number == 1 else None  # once will do: it costs time, most on a GPU
        validation, bias = validate(method, task, calibration, sample)
        method.after_validation(validation.hm)
        seconds = trained.seconds + time.perf_counter() - start
        result = EpochResult(1, number, epochs, learning_rate, trained.losses, validation, bias, seconds)
        if found is None or validation.hm > found.highest_hm + EQUAL:
            before = () if found is None else found.epochs
            found = Selection(number, bias, (*before, result), method.state_dict() if save else None)
        else:
            found = replace(found, epochs=(*found.epochs, result))
        report(result)
        keep(number, found, method)
    if found is None:
        raise RunError("a run needs at least one epoch")
    return found


def run_stage2(
    factory: MethodFactory,
    task: Task,
    selection: Selection,
    *,
    seed: int,
    report: Report,
    schedule_on: Callable[[Method], None] | None = None,
    precision: Precision = "full",
    keep: Keep = keep_nothing,
    begun: Snapshot | None = None,
) -> tuple[Method, Decisions]:
    """Stage 2: train afresh on all of stage 1's videos for the selected number of epochs, score the test once.

    Learning rates are those that stage 1 used.

    Args:
        schedule_on: called after each epoch in place of replaying stage 1's learning rates.
        keep: called after each epoch.
        begun: where an interrupted stage goes on from.

    Returns:
        The trained method, and the decisions in the order of `task.videos`.

    Raises:
        RunError: scores of the wrong shape, or that are not finite, or that depend on the other videos.
    """
    seed_everything(seed)
    method = factory(task)
    over = 0
    if begun is not None:
        begun.restore(method)
        over = begun.epoch
    stage = stage2(method, task, selection, report=report, schedule_on=schedule_on, keep=keep, over=over)
    return drive(StageDriver(stage), method, task, precision)


def stage2(
    method: Method,
    task: Task,
    selection: Selection,
    *,
    report: Report,
    schedule_on: Callable[[Method], None] | None = None,
    keep: Keep = keep_nothing,
    over: int = 0,
) -> Stage[tuple[Method, Decisions]]:
    """Stage 2 of a method that is trained elsewhere, see `StageDriver`; arguments as of `run_stage2`.

    `over` is the number of its epochs that are over.
    """
    for earlier in selection.epochs[over : selection.best_epoch]:
        if schedule_on is None and earlier.learning_rate is not None:
            method.learning_rate = earlier.learning_rate
        learning_rate = method.learning_rate
        trained = yield earlier.epoch
        start = time.perf_counter()
        if schedule_on is not None:
            schedule_on(method)
        seconds = trained.seconds + time.perf_counter() - start
        report(
            EpochResult(2, earlier.epoch, selection.best_epoch, learning_rate, trained.losses, None, None, seconds)
        )
        keep(earlier.epoch, selection, method)
    return method, score(method, task, Sample(task.videos, method))


def official_schedule(task: Task, calibration: Calibration) -> Callable[[Method], None]:
    """Make a function that steps the schedule after an epoch of stage 2 as the published code does.

    It steps on the validation videos of stage 1's `task`, which are training videos by then.
    """
    return lambda method: method.after_validation(validate(method, task, calibration)[0].hm)


def train(method: Method, task: Task, epoch: int, precision: Precision = "full") -> dict[str, float]:
    """Train for one epoch, in a precision that the method has.

    Raises:
        PluginError: the method did not give a mapping of numbers.
        RunError: a loss is not finite.
    """
    with precision_context(precision, task.train.label.device):
        given: object = method.train_epoch(task.train)
    return checked_means(method, given, epoch)


def checked_means(method: Method, given: object, epoch: int) -> dict[str, float]:
    """Check the mean losses that a method returned after an epoch.

    Raises:
        PluginError: they are not a mapping of numbers.
        RunError: one is not finite.
    """
    contract = f"{type(method).__name__}.train_epoch must return a mapping of names to numbers"
    if not isinstance(given, Mapping):
        raise PluginError(f"{contract}; got {type(given).__name__}")
    try:
        losses = {str(name): float(value) for name, value in given.items()}
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: a tensor of several numbers
        raise PluginError(f"{contract}: {error}") from error
    for name, value in losses.items():
        if not math.isfinite(value):
            raise RunError(
                f"{type(method).__name__}: loss {name!r} is {value} in epoch {epoch}; try a lower learning rate"
            )
    return losses
