"""What an encoder is checked on: itself, built from its weights, and made-up frames, sounds and texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch

from avgzsl_bench.encoders.encoder import AudioInput, Encoder, VisualInput
from avgzsl_bench.encoders.registry import REGISTRY, encoder_class
from avgzsl_bench.encoders.weights.places import find_weights
from avgzsl_bench.errors import DataError
from avgzsl_bench.plugins.specs import EncoderSpec, Modality
from avgzsl_bench.system.files import folder_fault
from avgzsl_bench.testing.checking import require

Inputs = Sequence[Any] | np.ndarray
"""Frames `[n, h, w, 3]`, sounds `[L]` each, or texts."""

_SHORTEST, _LONGEST = 0.1, 3.0
"""Seconds of made-up sound; the first is the least that is not left out."""

_TEXTS = (
    "surfing",
    "a photo of a person rowing a boat, seen from the shore.",
    "a",
    "éclair, 滑浪 and 🏄",
    "surf" * 40,
)


@dataclass(frozen=True)
class EncoderTrial:
    """An encoder with what it is built from, and inputs for each of its modalities.

    Attributes:
        spec: as registered.
        kind: its class.
        weights: folder with its weights; None for an encoder without.
        device: where it computes.
        encoder: it, built once.
    """

    spec: EncoderSpec
    kind: type[Encoder]
    weights: Path | None
    device: torch.device
    encoder: Encoder

    @classmethod
    def of(
        cls, encoder: str | EncoderSpec, weights: str | PathLike[str] | None = None, device: str = "cpu"
    ) -> EncoderTrial:
        """Make the trial of a registered encoder (by name) or of any spec; arguments as of `check_encoder`."""
        spec = REGISTRY.item(encoder) if isinstance(encoder, str) else encoder
        kind, place = encoder_class(spec), torch.device(device)
        folder = find_weights(spec) if weights is None else Path(weights)
        if folder is not None and (fault := folder_fault(folder)) is not None:
            raise DataError(f"weights folder {folder}: {fault}")
        return cls(spec, kind, folder, place, kind(folder, place))

    def build(self) -> Encoder:
        """Build the encoder once more."""
        return self.kind(self.weights, self.device)

    def modalities(self) -> list[Modality]:
        """List what it encodes."""
        return [modality for modality in get_args(Modality) if modality in self.spec.widths]

    def inputs(self, modality: Modality) -> Inputs:
        """Make five different inputs of a modality, always the same."""
        generator = np.random.default_rng(7)
        if modality == "visual":
            visual = self.kind.visual_input
            if not isinstance(visual, VisualInput):
                raise AssertionError("encodes frames, but visual_input is not a VisualInput")
            return _frames(visual.cut, generator)
        if modality == "audio":
            audio = self.kind.audio_input
            if not isinstance(audio, AudioInput):
                raise AssertionError("encodes sound, but audio_input is not an AudioInput")
            return _sounds(audio, generator)
        return list(_TEXTS)

    def encode(self, modality: Modality, inputs: Inputs, encoder: Encoder | None = None) -> np.ndarray:
        """Encode inputs of a modality, with another encoder if one is given.

        Raises:
            AssertionError: the method is not there, or gives anything but finite float32 `[n, d]` of the width
                that the spec states.
        """
        chosen = encoder or self.encoder
        methods: dict[Modality, tuple[str, Callable[[Any], np.ndarray]]] = {
            "visual": ("encode_frames", chosen.encode_frames),
            "audio": ("encode_sound", chosen.encode_sound),
            "text": ("encode_text", chosen.encode_text),
        }
        name, method = methods[modality]
        try:
            vectors = method(inputs)
        except NotImplementedError as error:
            raise AssertionError(f"the spec states a width for {modality!r}, but {name} is not written") from error
        shape = (len(inputs), self.spec.widths[modality])
        require(isinstance(vectors, np.ndarray), f"{name} must return a NumPy array, not {type(vectors).__name__}")
        require(vectors.dtype == np.float32, f"{name} must return float32, not {vectors.dtype}")
        require(vectors.shape == shape, f"{name} must return {list(shape)}, not {list(vectors.shape)}")
        require(bool(np.isfinite(vectors).all()), f"{name} returned numbers that are not finite")
        return vectors


def _frames(side: int, generator: np.random.Generator) -> np.ndarray:
    """Make frames uint8 `[5, side, side, 3]`: noise, two gradients, black, white."""
    ramp = np.broadcast_to(np.linspace(0, 255, side).astype(np.uint8)[:, None, None], (side, side, 3))
    noise = generator.integers(0, 256, (side, side, 3), dtype=np.uint8)
    return np.stack([noise, ramp, ramp.swapaxes(0, 1), np.zeros_like(noise), np.full_like(noise, 255)])


def _sounds(audio: AudioInput, generator: np.random.Generator) -> list[np.ndarray]:
    """Make sounds: the shortest, some that are longer, a silent one, and one that exceeds 1.

    They are of a whole window where the encoder wants them filled up.
    """
    whole = audio.window if audio.window is not None and audio.filling != "none" else None
    longest = audio.window or _LONGEST
    seconds = [whole or length for length in (_SHORTEST, audio.step_window, longest, longest / 2, longest / 3)]
    sounds = []
    for index, length in enumerate(seconds):
        time = np.arange(max(1, round(length * audio.rate))) / audio.rate
        tone = 0.3 * np.sin(2 * np.pi * 220 * (index + 1) * time) + 0.1 * generator.standard_normal(len(time))
        sounds.append((tone * (1, 1, 1, 0, 4)[index]).astype(np.float32))
    return sounds
