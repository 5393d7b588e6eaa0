"""Feed-forward blocks that AVCA, ClipClap-GZSL and their relatives are made of.

After the program of Kurzendörfer, Mercea, Koepke, Akata: "Audio-Visual Generalized Zero-Shot Learning using
Pre-Trained Large Multi-Modal Models", CVPR Workshops 2024. ReLU and dropout close every block, the last one
included: all that leaves one is non-negative, and in training each coordinate is dropped with the given rate.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_bench import Dropout


class LinearBlock(nn.Module):
    """Linear, batch normalisation, ReLU, dropout: `inputs * outputs + 3 * outputs` parameters.

    `momentum` is the share of a pass's statistics in the running ones.
    """

    def __init__(self, inputs: int, outputs: int, dropout: float, momentum: float = 0.1) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.norm = nn.BatchNorm1d(outputs, momentum=momentum)
        self.dropout = Dropout(dropout)

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `[N, inputs]` to `[N, outputs]`."""
        return self.activate(self.linear(inputs))

    def activate(self, outputs: Tensor) -> Tensor:
        """Apply what follows the linear map, `[N, outputs]`; on its own where one map serves several batches."""
        activated: Tensor = self.dropout(F.relu(self.norm(outputs), inplace=True))
        return activated

    def update_statistics(self, inputs: Tensor) -> None:
        """Do what a call in training does to the running statistics, and nothing else."""
        self.norm(self.linear(inputs))

    def passes(self, inputs: Tensor, sizes: list[int]) -> Tensor:
        """Compute what calls for several batches in turn would, running statistics included.

        Args:
            inputs: the batches one below the other, `[sum of sizes, inputs]`.
            sizes: rows of each batch.

        Returns:
            `[sum of sizes, outputs]`.
        """
        return self.activate_passes(self.linear(inputs), sizes)

    def activate_passes(self, outputs: Tensor, sizes: list[int]) -> Tensor:
        """Apply `activate` to several batches in turn; only normalisation treats them apart."""
        if len(sizes) == 1:
            return self.activate(outputs)
        normed = torch.cat([self.norm(part) for part in torch.split(outputs, sizes)])
        activated: Tensor = self.dropout(F.relu(normed, inplace=True))
        return activated


class BlockStack(nn.Sequential):
    """`LinearBlock`s in a row."""

    def __init__(self, *blocks: LinearBlock) -> None:
        super().__init__(*blocks)

    def passes(self, inputs: Tensor, sizes: list[int]) -> Tensor:
        """Compute what calls for several batches in turn would; see `LinearBlock.passes`."""
        outputs = inputs
        for block in self:
            assert isinstance(block, LinearBlock)
            outputs = block.passes(outputs, sizes)
        return outputs

    def update_statistics(self, inputs: Tensor) -> None:
        """Do what a call in training does to the running statistics, and nothing else."""
        *others, last = self
        assert isinstance(last, LinearBlock)
        for block in others:
            inputs = block(inputs)
        last.update_statistics(inputs)


class TwoLayerBlock(BlockStack):
    """Two `LinearBlock` in a row: `[N, inputs]` over `[N, hidden]` to `[N, outputs]`.

    `momentum` is that of the second's batch normalisation; the first keeps the default.
    """

    def __init__(self, inputs: int, hidden: int, outputs: int, dropout: float, momentum: float = 0.1) -> None:
        super().__init__(LinearBlock(inputs, hidden, dropout), LinearBlock(hidden, outputs, dropout, momentum))
