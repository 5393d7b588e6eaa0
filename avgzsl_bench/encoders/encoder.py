"""What an encoder is: a network, or none, that turns frames, sound or text into vectors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

if TYPE_CHECKING:
    import numpy as np
    import torch

Interpolation = Literal["bilinear", "bicubic"]
Filling = Literal["zeros", "repeat", "none"]


@dataclass(frozen=True)
class VisualInput:
    """How a frame becomes pixels: scaled, cut to a square, then brought to the range that a network expects.

    Workers scale and cut, in uint8; the encoder divides by 255, subtracts `mean` and divides by `std`.

    Attributes:
        short_side: pixels of the frame's short side after scaling.
        cut: side of the square that is cut from the middle.
        interpolation: of the scaling, as Pillow has it.
        mean, std: of red, green and blue, for values from 0 to 1.
    """

    short_side: int
    cut: int
    interpolation: Interpolation
    mean: tuple[float, float, float]
    std: tuple[float, float, float]


@dataclass(frozen=True)
class AudioInput:
    """How sound reaches an encoder: mono, float32, as decoded, which may exceed 1.

    Attributes:
        rate: samples a second.
        window: seconds of a window; None: the encoder is handed the whole sound of a clip.
        filling: of a sound shorter than a window: with zeros, repeated, or none, where the encoder does it itself.
        step: seconds between the steps of a sequence.
        step_window: seconds of sound that a step is made of.
    """

    rate: int
    window: float | None = 10.0
    filling: Filling = "none"
    step: float = 1.0
    step_window: float = 1.0


class Encoder:
    """An encoder, built once and used for many clips, in one process.

    A subclass sets `visual_input` or `audio_input` and writes the `encode_*` that it has. They run in inference
    mode and full precision. A vector depends on its own input alone, not on the rest of the batch, and comes out
    the same twice, bit for bit; nothing is drawn at random.

    Args:
        weights: folder with the weights; None for an encoder without.
        device: of the network.

    Raises:
        DataError: weights are missing, cut short, or those of another model.
    """

    visual_input: ClassVar[VisualInput | None] = None
    audio_input: ClassVar[AudioInput | None] = None
    unit_length: ClassVar[bool] = True
    """Whether vectors are brought to unit length: each, and again the mean of several."""

    def __init__(self, weights: Path | None, device: torch.device) -> None:
        self.weights = weights
        self.device = device

    def settings(self) -> dict[str, object]:
        """Give, as values of JSON, what changes vectors beside inputs, code and weights; part of the recipe."""
        return {}

    def encode_frames(self, frames: np.ndarray) -> np.ndarray:
        """Encode scaled and cut frames, uint8 `[n, h, w, 3]` in RGB: float32 `[n, d]`."""
        raise NotImplementedError

    def encode_sound(self, sound: Sequence[np.ndarray]) -> np.ndarray:
        """Encode windows of sound, or whole sounds where they have none, float32 `[L]` each: float32 `[n, d]`."""
        raise NotImplementedError

    def encode_text(self, text: Sequence[str]) -> np.ndarray:
        """Encode texts: float32 `[n, d]`."""
        raise NotImplementedError
