"""What the run events tell a plugin: which run it is, and what an epoch gave."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from avgzsl_bench.method.precision import Precision


@dataclass(frozen=True)
class RunInfo:
    """A run that is under way.

    Attributes:
        method, dataset, features, split, seed, device: what is run, and where.
        simulated: true where the features are simulated.
        epochs: epochs of stage 1.
        config: the method's full configuration.
        record_path: where the record will be written.
        precision: of training.
        together: the seeds that train together with this one, itself included, whose events come between its
            own; empty if it runs by itself.
    """

    method: str
    dataset: str
    features: str
    split: str
    seed: int
    device: str
    simulated: bool
    epochs: int
    config: Mapping[str, object]
    record_path: Path
    precision: Precision = "full"
    together: tuple[int, ...] = ()


@dataclass(frozen=True)
class EpochReport:
    """One finished epoch.

    Attributes:
        stage: 1 (selection) or 2 (final).
        epoch: counted from 1.
        epochs: epochs of this stage.
        losses: means over the epoch, as the method names them.
        hm: validation HM as a fraction at the calibrated bias; None in stage 2.
        seconds: time that the epoch took, evaluation included.
    """

    stage: int
    epoch: int
    epochs: int
    losses: Mapping[str, float]
    hm: float | None
    seconds: float
