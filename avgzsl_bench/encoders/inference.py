"""How networks of encoders run: without gradients, in full precision, in blocks of a bounded size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    import numpy as np
    import torch

Inputs = TypeVar("Inputs", bound="Sequence[object] | np.ndarray | torch.Tensor")


def encode_blocks(
    encode: Callable[[Inputs], torch.Tensor], inputs: Inputs, size: int, device: torch.device
) -> np.ndarray:
    """Encode inputs block by block, so that memory does not grow with their number.

    Args:
        encode: gives vectors `[n, d]` for n inputs.
        inputs: at least one.
        size: inputs of a block.
        device: where `encode` computes; TF32 is off on it meanwhile.

    Returns:
        Float32 `[n, d]`.
    """
    import torch

    from avgzsl_bench.system.device import tf32

    with torch.inference_mode(), tf32(device, allowed=False):
        blocks = [encode(inputs[start : start + size]) for start in range(0, len(inputs), size)]  # type: ignore[arg-type]
        vectors: np.ndarray = torch.cat(blocks).to("cpu", torch.float32).numpy()
    return vectors


def unit_length(vectors: torch.Tensor) -> torch.Tensor:
    """Bring vectors `[n, d]` to unit length; one of zeros stays as it is."""
    import torch

    return torch.nn.functional.normalize(vectors, dim=1)
