"""Feed-forward blocks that ClipClap-GZSL and its relatives are made of.

After the program of Kurzendörfer, Mercea, Koepke, Akata: "Audio-Visual Generalized Zero-Shot Learning using
Pre-Trained Large Multi-Modal Models", CVPR Workshops 2024. ReLU and dropout close every block, the last one
included: all that leaves one is non-negative, and in training each coordinate is dropped with the given rate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn
from torch.nn import functional as F

if TYPE_CHECKING:
    from torch import Tensor


class Block1(nn.Module):
    """Linear, batch normalisation, ReLU, dropout: `inputs * outputs + 3 * outputs` parameters."""

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.norm = nn.BatchNorm1d(outputs)
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor) -> Tensor:
        """`[N, inputs]` to `[N, outputs]`."""
        return self.activate(self.linear(inputs))

    def activate(self, outputs: Tensor) -> Tensor:
        """What follows the linear map, `[N, outputs]`; on its own where one map serves several batches."""
        activated: Tensor = self.dropout(F.relu(self.norm(outputs)))
        return activated


class Block2(nn.Sequential):
    """Two `Block1` in a row: `[N, inputs]` over `[N, hidden]` to `[N, outputs]`."""

    def __init__(self, inputs: int, hidden: int, outputs: int, dropout: float) -> None:
        super().__init__(Block1(inputs, hidden, dropout), Block1(hidden, outputs, dropout))
