"""From cut frames to the pixels that a network expects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avgzsl_bench.encoders.encoder import VisualInput

if TYPE_CHECKING:
    import numpy as np
    import torch


def pixels_of(frames: np.ndarray, visual: VisualInput, device: torch.device) -> torch.Tensor:
    """Bring frames to the range of a network: divided by 255, less the mean, over the standard deviation.

    Args:
        frames: scaled and cut, uint8 `[n, h, w, 3]`; the channels meet mean and deviation in their order.
        visual: mean and deviation by channel.
        device: where the pixels are made.

    Returns:
        Float32 `[n, 3, h, w]`.
    """
    import torch

    values = torch.from_numpy(frames.copy()).to(device).permute(0, 3, 1, 2).to(torch.float32) / 255
    mean, std = (torch.tensor(numbers, device=device).view(3, 1, 1) for numbers in (visual.mean, visual.std))
    return ((values - mean) / std).contiguous()
