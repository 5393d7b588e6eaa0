"""Dropout whose masks are cheap to draw on the CPU, where drawing them was up to a quarter of a training step.

PyTorch's own dropout draws a random number for each entry there; here one of 64 bits serves four entries, with 16
bits each.
"""

from __future__ import annotations

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional as F
from torch.overrides import handle_torch_function, has_torch_function_unary

LEVELS = 2**16
"""A rate is rounded to a whole number of these: an entry is decided by 16 random bits."""


class Dropout(nn.Dropout):
    """Set entries to zero with probability `p` in training, and multiply the others by `1 / (1 - p)`.

    On the CPU `p` is rounded to a multiple of `2**-16`, in the factor too. A mask depends on the shape of an input
    and on the random stream, not on how it lies in memory. Other devices have PyTorch's own dropout.

    Args:
        p: rate, from 0 to 1.

    Raises:
        ValueError: the rate is not from 0 to 1.

    Source: Srivastava, Hinton, Krizhevsky, Sutskever, Salakhutdinov: "Dropout: a simple way to prevent neural
    networks from overfitting", JMLR 15, 2014.
    """

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p)

    def forward(self, input: Tensor) -> Tensor:
        """Map a tensor of any shape and floating-point type to one of the same shape and type."""
        return dropout(input, self.p) if self.training else input


def dropout(input: Tensor, p: float) -> Tensor:
    """Drop out entries of a tensor, as `Dropout` does in training."""
    if input.device.type != "cpu":
        return F.dropout(input, p)
    level = round(p * LEVELS)
    if level in (0, LEVELS):
        return input if level == 0 else input * 0
    exact = torch.promote_types(input.dtype, torch.float32)  # half precision would round the factor
    mask = kept_entries(input, level).to(exact).mul_(LEVELS / (LEVELS - level))
    return (input * mask).to(input.dtype)


def kept_entries(input: Tensor, level: int) -> Tensor:
    """Draw what is kept of an input from the global stream; a `TorchFunctionMode` may draw from another one.

    Args:
        input: of which the shape counts.
        level: from 1 to `LEVELS - 1`; the rate is `level / LEVELS`.

    Returns:
        1 where an entry is kept, else 0; int16 of the input's shape.
    """
    if has_torch_function_unary(input):
        kept: Tensor = handle_torch_function(kept_entries, (input,), input, level)
        return kept
    return draw_kept(input.shape, level)


def draw_kept(shape: torch.Size, level: int, stream: Generator | None = None) -> Tensor:
    """Draw as `kept_entries` does, from a stream (None: the global one).

    Each 64-bit random number decides four neighbouring entries; what is left of the last one is thrown away.
    """
    size = shape.numel()
    numbers = torch.empty(-(-size // 4), dtype=torch.int64).random_(-(2**63), None, generator=stream)
    kept = numbers.view(torch.int16).ge_(level - LEVELS // 2)  # 16 bits are from -2**15 to 2**15 - 1
    return (kept[:size] if size % 4 else kept).view(shape)
