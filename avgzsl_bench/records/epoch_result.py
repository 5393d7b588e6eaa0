"""The result of one epoch, as the stages produce it, plugins receive it and records keep it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avgzsl_bench.gzsl.metrics import Metrics


@dataclass(frozen=True)
class EpochResult:
    """One finished epoch.

    Attributes:
        stage: 1 (selection) or 2 (final).
        epoch: counted from 1.
        epochs: number of epochs of this stage.
        learning_rate: in use during the epoch; None for a method that has none.
        losses: means over the epoch, as the method names them.
        validation: metrics on the validation videos at the bias that is best for these very scores; None in
            stage 2.
        bias: the bias that this epoch would hand on to stage 2: as a rule that bias; None in stage 2.
        seconds: duration of training and evaluation.
    """

    stage: int
    epoch: int
    epochs: int
    learning_rate: float | None
    losses: Mapping[str, float]
    validation: Metrics | None
    bias: float | None
    seconds: float

    @property
    def hm(self) -> float | None:
        """Validation HM as a fraction; None in stage 2."""
        return None if self.validation is None else self.validation.hm
