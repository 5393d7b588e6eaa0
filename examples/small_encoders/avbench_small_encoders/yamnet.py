"""YAMNet, trained on AudioSet (Plakal and Ellis): a MobileNet of sound, in torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn.functional import pad, relu

import avgzsl_bench as ab

from .spectrogram import HOP, RATE, log_mel
from .weights import fill, only_file, unreadable

WINDOW, STEP = 15_600, 7_680
"""Samples of a window, and from one to the next: 0.975 s and 0.48 s."""

WINDOW_FRAMES, STEP_FRAMES = 96, STEP // HOP

WINDOWS_AT_ONCE = 16

WIDTHS = (64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024)
HALVED = (3, 5, 7, 13)
"""Layers that halve time and frequency, besides the first."""

NETWORK = "YAMNet"


class Yamnet(ab.Encoder):
    """Activations before the classifier, averaged over the windows of a sound; not brought to unit length.

    Args:
        weights: folder with the one `.safetensors` file that the README describes.
        device: of the network.

    Raises:
        DataError: weights are missing, cut short, or those of another model.
    """

    audio_input = ab.AudioInput(rate=RATE, window=None, step=STEP / RATE, step_window=WINDOW / RATE)
    unit_length = False

    def __init__(self, weights: Path | None, device: torch.device) -> None:
        super().__init__(weights, device)
        if weights is None:
            raise ab.DataError("YAMNet's weights are yours to bring: give their folder with --weights yamnet=DIR")
        self.network = _load(only_file(weights, "*.safetensors", NETWORK)).to(device)

    @torch.inference_mode()
    def encode_sound(self, sound: Sequence[np.ndarray]) -> np.ndarray:
        """Encode whole sounds, float32 `[L]` each: float32 `[n, 1024]`.

        One shorter than a window is filled with zeros; a rest after the last whole window is dropped.
        """
        return np.stack([self._mean_over_windows(samples) for samples in sound])

    def _mean_over_windows(self, samples: np.ndarray) -> np.ndarray:
        if len(samples) < WINDOW:
            samples = np.pad(samples, (0, WINDOW - len(samples)))
        windows = 1 + (len(samples) - WINDOW) // STEP
        total = torch.zeros(WIDTHS[-1], dtype=torch.float64)
        for first in range(0, windows, WINDOWS_AT_ONCE):
            last = min(first + WINDOWS_AT_ONCE, windows) - 1
            spectrogram = torch.from_numpy(log_mel(samples[first * STEP : last * STEP + WINDOW])).float()
            batch = spectrogram.unfold(0, WINDOW_FRAMES, STEP_FRAMES).transpose(1, 2)
            total += self.network(batch.to(self.device)).double().sum(0).cpu()
        return (total / windows).float().numpy()


class Network(nn.Module):
    """A convolution, then 13 separable ones; batch normalisation is part of their weights."""

    def __init__(self) -> None:
        super().__init__()
        self.layer1 = nn.Conv2d(1, 32, 3, stride=2)
        inner = (32, *WIDTHS[:-1])
        for number, (width_in, width_out) in enumerate(zip(inner, WIDTHS, strict=True), start=2):
            self.add_module(f"layer{number}", Separable(width_in, width_out, 2 if number in HALVED else 1))
        self.classifier = nn.Linear(WIDTHS[-1], 521)
        """Logits of AudioSet's classes; a part of the model's file."""

    def forward(self, spectrograms: Tensor) -> Tensor:
        """Encode log-mel spectrograms of a window, `[n, 96, 64]`: `[n, 1024]`."""
        x = relu(self.layer1(_padded(spectrograms[:, None], self.layer1)))
        for number in range(2, 2 + len(WIDTHS)):
            x = self.get_submodule(f"layer{number}")(x)
        return x.mean((2, 3))


class Separable(nn.Module):
    """A 3 x 3 convolution of each channel, then a 1 x 1 one across channels."""

    def __init__(self, width_in: int, width_out: int, stride: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(width_in, width_in, 3, stride=stride, groups=width_in)
        self.pointwise = nn.Conv2d(width_in, width_out, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[n, width_in, h, w]` to `[n, width_out, h / stride, w / stride]`."""
        return relu(self.pointwise(relu(self.depthwise(_padded(x, self.depthwise)))))


def _padded(x: Tensor, convolution: nn.Conv2d) -> Tensor:
    """Add zeros as TensorFlow does on even sides: all around, or at the end only where sides are halved."""
    return pad(x, (1, 1, 1, 1) if convolution.stride == (1, 1) else (0, 1, 0, 1))


def _load(path: Path) -> Network:
    try:
        weights = _scaled(load_file(path))
    except Exception as error:  # a damaged file can raise anything
        raise unreadable(path, NETWORK, error) from error
    with torch.device("meta"):
        network = Network()
    fill(network, weights, path, NETWORK)
    return network


def _scaled(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Multiply each tensor by its scale, `<name>_scale`, where the file has one for it."""
    weights = {name: tensor.float() for name, tensor in tensors.items()}
    scales = {name: weights.pop(f"{name}_scale") for name in tensors if f"{name}_scale" in tensors}
    return weights | {name: weights[name] * scale.expand(weights[name].shape) for name, scale in scales.items()}
