"""A dropout stream for each seed of a stack, whatever the others draw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode


def global_stream(seed: int, device: torch.device) -> Generator:
    """Make a stream that draws what PyTorch's global one would, if it drew it now.

    Args:
        seed: what the global generators were seeded with.
        device: where it draws. Off the CPU it begins where the seed does: networks are initialised on the CPU.
    """
    stream = Generator(device)
    return stream.set_state(torch.get_rng_state()) if device.type == "cpu" else stream.manual_seed(seed)


class SeedsDropout(TorchFunctionMode):
    """Inside its block `torch.nn.functional.dropout` draws each seed's mask from that seed's stream.

    On the CPU a stream is drawn from just as PyTorch's own dropout draws from the global one.

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
        return self._dropout(*args, **named) if function is F.dropout else function(*args, **named)

    def _dropout(self, input: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
        if not training or p == 0 or input.numel() == 0:
            return input
        mask: Tensor = _Mask.apply(self._seed, input.detach(), 1 - p, self._streams)  # type: ignore[no-untyped-call]
        scaled = mask.div(1 - p) if p < 1 else mask
        return input.mul_(scaled) if inplace else input * scaled


class _Mask(torch.autograd.Function):
    """Ones with a probability, else zeros; drawn anew for each seed also where all have the same input.

    A mask does not depend on how its input lies in memory, which is another way in a stack than alone.
    """

    @staticmethod
    def forward(seed: Tensor, like: Tensor, keep: float, streams: Sequence[Generator]) -> Tensor:
        (stream,) = streams
        return like.new_empty(like.shape).bernoulli_(keep, generator=stream)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        ctx.mark_non_differentiable(output)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, None, None, None]:
        return None, None, None, None

    @staticmethod
    def vmap(
        info: Any,
        in_dims: tuple[int | None, ...],
        seed: Tensor,
        like: Tensor,
        keep: float,
        streams: Sequence[Generator],
    ) -> tuple[Tensor, int]:
        axis = in_dims[1]
        shape = like.shape if axis is None else like.select(axis, 0).shape
        masks = like.new_empty((len(streams), *shape))
        for mask, stream in zip(masks, streams, strict=True):
            mask.bernoulli_(keep, generator=stream)
        return masks, 0
