"""A dropout stream for each seed of a stack, whatever the others draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from avgzsl_bench.method.dropout import draw_kept, kept_entries

Fill = Callable[[Tensor, Generator], Tensor]
"""Overwrites a tensor by a mask from a stream."""


def global_stream(seed: int, device: torch.device) -> Generator:
    """Make a stream that draws what PyTorch's global one would, if it drew it now.

    Args:
        seed: what the global generators were seeded with.
        device: where it draws. Off the CPU it begins where the seed does: networks are initialised on the CPU.
    """
    stream = Generator(device)
    return stream.set_state(torch.get_rng_state()) if device.type == "cpu" else stream.manual_seed(seed)


class SeedsDropout(TorchFunctionMode):
    """Inside its block dropout draws each seed's mask from that seed's stream.

    That holds of `avgzsl_bench.Dropout` and of `torch.nn.functional.dropout`. On the CPU a stream is drawn from
    just as each of them draws from the global one.

    Args:
        streams: one a seed.
        seed: whose turn it is: `vmap`'s view of `S` numbers, one a seed; a lone number where `S` is 1.
    """

    def __init__(self, streams: Sequence[Generator], seed: Tensor) -> None:
        super().__init__()
        self._streams = streams
        self._seed = seed

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Replace dropout, leave everything else as it is."""
        named = kwargs or {}
        if function is kept_entries:
            return self._kept_entries(*args, **named)
        return self._dropout(*args, **named) if function is F.dropout else function(*args, **named)

    def _kept_entries(self, input: Tensor, level: int) -> Tensor:
        return self._mask(
            input, torch.int16, lambda mask, stream: mask.copy_(draw_kept(mask.shape, level, stream))
        )

    def _dropout(self, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if not training or p == 0 or input.numel() == 0:
            return input
        mask = self._mask(input, input.dtype, lambda mask, stream: mask.bernoulli_(1 - p, generator=stream))
        scaled = mask.div(1 - p) if p < 1 else mask
        return input.mul_(scaled) if inplace else input * scaled

    def _mask(self, input: Tensor, dtype: torch.dtype, fill: Fill) -> Tensor:
        mask: Tensor = _Mask.apply(self._seed, input.detach(), dtype, fill, self._streams)  # type: ignore[no-untyped-call]
        return mask


class _Mask(torch.autograd.Function):
    """A mask of an input's shape; drawn anew for each seed also where all have the same input.

    A mask does not depend on how its input lies in memory, which is another way in a stack than alone.
    """

    @staticmethod
    def forward(
        seed: Tensor, like: Tensor, dtype: torch.dtype, fill: Fill, streams: Sequence[Generator]
    ) -> Tensor:
        (stream,) = streams
        return fill(like.new_empty(like.shape, dtype=dtype), stream)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.mark_non_differentiable(output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, ...]:
        return None, None, None, None, None

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[int | None, ...],
        seed: Tensor,
        like: Tensor,
        dtype: torch.dtype,
        fill: Fill,
        streams: Sequence[Generator],
    ) -> tuple[Tensor, int]:
        axis = in_dims[1]
        shape = like.shape if axis is None else like.select(axis, 0).shape
        masks = like.new_empty((len(streams), *shape), dtype=dtype)
        for mask, stream in zip(masks, streams, strict=True):
            fill(mask, stream)
        return masks, 0
