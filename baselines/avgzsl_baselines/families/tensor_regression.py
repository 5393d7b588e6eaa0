"""The tensor regression layer of MSTR: a linear map whose weight is in low-rank Tucker form.

After the program of Yang, Li, Hou, Cheng: "Multi-modal spiking tensor regression network for audio-visual
zero-shot learning", Neurocomputing, 2025.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

_BOUND = 0.1
"""Factors are uniform between minus this and this at the start."""


class TensorRegression(nn.Module):
    """`TRL(x) = c_1 c_2 x U G V^T + b`: `inputs * rank + rank * outputs + outputs^2 + 3` parameters.

    The weight is a tensor of shape `inputs x 1 x 1 x outputs` with ranks `rank, 1, 1, outputs`: U and V are its
    outer factors, G its core, and the factors between, of one entry each, are c_1 and c_2. Its shift b is one
    number for all outputs.

    At the start the map is next to silent, as three factors and two numbers of size 0.1 multiply.
    """

    def __init__(self, inputs: int, outputs: int, rank: int) -> None:
        super().__init__()

        def factor(*size: int) -> nn.Parameter:
            return nn.Parameter(torch.empty(size).uniform_(-_BOUND, _BOUND))

        self.input_factor = factor(inputs, rank)  # U
        self.core = factor(rank, outputs)  # G
        self.output_factor = factor(outputs, outputs)  # V
        self.middle_factors = factor(2)  # c_1, c_2
        self.bias = nn.Parameter(torch.zeros(()))  # b

    def forward(self, inputs: Tensor) -> Tensor:
        """Map `[N, inputs]` to `[N, outputs]`."""
        mapped = inputs @ self.input_factor @ self.core @ self.output_factor.T
        return self.middle_factors.prod() * mapped + self.bias
