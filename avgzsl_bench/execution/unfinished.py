"""Runs that survive an interruption: every few epochs, all that the rest depends on is kept beside the record."""

from __future__ import annotations

import hashlib
import io
import math
import warnings
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import torch

from avgzsl_bench.errors import one_line
from avgzsl_bench.execution.random_streams import random_state, restore_random_state
from avgzsl_bench.execution.selection import Selection
from avgzsl_bench.gzsl.metrics import Metrics
from avgzsl_bench.records.epoch_result import EpochResult
from avgzsl_bench.records.record import unfinished_path
from avgzsl_bench.system.environment import environment
from avgzsl_bench.system.files import content_of, os_reason, write_atomically

if TYPE_CHECKING:
    from avgzsl_bench.execution.plan import Plan
    from avgzsl_bench.method.base import Method

SCHEMA = 1


@dataclass(frozen=True)
class Snapshot:
    """A run after an epoch.

    Attributes:
        stage: 1 or 2.
        epoch: of the stage, the last one that is over.
        selection: what stage 1 found so far, or decided.
        training: `Method.training_state`.
        random: the random streams.
    """

    stage: int
    epoch: int
    selection: Selection
    training: Mapping[str, Any]
    random: Mapping[str, Any]

    def restore(self, method: Method) -> None:
        """Bring a method that was just built, and the random streams, to where they were."""
        method.load_training_state(self.training)
        restore_random_state(dict(self.random), method.device)


class UnfinishedRun:
    """The file of a run that is not finished.

    Args:
        plan: the run.
        device: name of the device that it runs on.
    """

    def __init__(self, plan: Plan, device: str) -> None:
        self.path = unfinished_path(plan.path)
        self._plan = plan
        self._device = device

    def keep(self, stage: int, epoch: int, selection: Selection, method: Method) -> None:
        """Write the file after an epoch, if it is the turn of one.

        Args:
            stage: 1 or 2.
            epoch: of the stage, that is over.
            selection: what stage 1 found so far, or decided.
            method: after the epoch.

        Raises:
            AvbenchError: the folder cannot be written to.
        """
        every = self._plan.options.checkpoint_every
        if every is None or epoch % every:
            return
        content = {
            "schema": SCHEMA,
            "made": self._made(),
            "stage": stage,
            "epoch": epoch,
            "selection": {
                "best_epoch": selection.best_epoch,
                "bias": selection.bias,
                "epochs": [asdict(result) for result in selection.epochs],
                "state": selection.state,
            },
            "training": dict(method.training_state()),
            "random": random_state(method.device),
        }
        encoded = io.BytesIO()
        torch.save(content, encoded)
        write_atomically(self.path, _digest(encoded.getvalue()) + encoded.getvalue())

    def read(self) -> Snapshot | None:
        """Read the file; None, with a warning, where it cannot be gone on from.

        Raises:
            AvbenchError: there is something else than a file, or it cannot be read.
        """
        file = content_of(self.path)
        if file is None:
            return None
        try:
            content = _decoded(file)
            made = content["made"]
            snapshot = _snapshot(content)
        except Exception as error:  # a damaged file makes torch raise anything
            reason = one_line(str(error), 200) or type(error).__name__
            warnings.warn(f"{self.path}: damaged, so that the run begins anew: {reason}", stacklevel=2)
            return None
        now = self._made()
        differing = [f"{key} {made.get(key)!r}, now {now[key]!r}" for key in now if made.get(key) != now[key]]
        if differing:
            warnings.warn(
                f"{self.path}: left by a run under other conditions ({'; '.join(differing)}), so that the run "
                "begins anew",
                stacklevel=2,
            )
            return None
        return snapshot

    def remove(self) -> None:
        """Remove the file, once the record is written; a warning says so where that cannot be done."""
        try:
            self.path.unlink(missing_ok=True)
        except OSError as error:
            warnings.warn(f"{self.path}: of no more use, and cannot be removed: {os_reason(error)}", stacklevel=2)

    def _made(self) -> dict[str, Any]:
        """Describe what figures depend on beside the run's id, and whether weights are kept."""
        around = {name: value for name, value in environment().items() if name != "revision"}
        return {**around, "device": self._device, "run": self._plan.spec.id, "save": self._plan.options.save}


def _digest(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


def _decoded(file: bytes) -> Mapping[str, Any]:
    """Decode the content of a file: a hash of 32 bytes, then tensors and plain values as torch writes them."""
    content = file[32:]
    if _digest(content) != file[:32]:
        raise ValueError("its content does not fit the hash that it begins with" if file else "it is empty")
    decoded: Mapping[str, Any] = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return decoded


def _snapshot(content: Mapping[str, Any]) -> Snapshot:
    if content["schema"] != SCHEMA:
        raise ValueError(f"schema {content['schema']!r}")
    found = dict(content["selection"])
    epochs = tuple(_epoch_result(result) for result in found.pop("epochs"))
    if not epochs or not math.isfinite(found["bias"]):
        raise ValueError("no epoch")
    return Snapshot(
        stage=content["stage"],
        epoch=content["epoch"],
        selection=Selection(epochs=epochs, **found),
        training=content["training"],
        random=content["random"],
    )


def _epoch_result(values: Mapping[str, Any]) -> EpochResult:
    given = dict(values)
    validation = given.pop("validation")
    return EpochResult(validation=None if validation is None else Metrics(**validation), **given)
