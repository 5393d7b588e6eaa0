"""The outcome of stage 1."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from avgzsl_bench.records.epoch_result import EpochResult

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Selection:
    """What stage 1 decides: the best epoch (counted from 1), the bias, and the learning rates to replay.

    `state` is the method's state dict after the best epoch, where it is kept.
    """

    best_epoch: int
    bias: float
    epochs: tuple[EpochResult, ...]
    state: Mapping[str, Tensor] | None = None

    @property
    def highest_hm(self) -> float:
        """Validation HM of the best epoch, a fraction."""
        hm = self.epochs[self.best_epoch - 1].hm
        assert hm is not None, "epochs of stage 1 are validated"
        return hm
