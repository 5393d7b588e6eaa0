"""Encoders without a network: mean colours, the level of sound, letters of a text. Registered by hand."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from avgzsl_bench.encoders.encoder import AudioInput, Encoder, VisualInput
from avgzsl_bench.plugins.hookspecs import hookimpl
from avgzsl_bench.plugins.specs import EncoderSpec

LETTERS = 26


class Colour(Encoder):
    """Mean red, green and blue from 0 to 1, as they are."""

    visual_input = VisualInput(
        short_side=32, cut=32, interpolation="bilinear", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
    )
    unit_length = False

    def encode_frames(self, frames: np.ndarray) -> np.ndarray:
        return (frames.mean(axis=(1, 2), dtype=np.float64) / 255).astype(np.float32)


class Level(Encoder):
    """Root mean square of a window, and the number of its seconds."""

    audio_input = AudioInput(rate=8_000)
    unit_length = False

    def encode_sound(self, sound: Sequence[np.ndarray]) -> np.ndarray:
        rows = [(np.sqrt(np.mean(np.square(s, dtype=np.float64))), len(s) / 8_000) for s in sound]
        return np.array(rows, np.float32)


class Picture(Colour):
    """The same of frames as large as those of usual networks."""

    visual_input = VisualInput(
        short_side=224, cut=224, interpolation="bicubic", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0)
    )


class Loudness(Level):
    """The same of sound at the highest rate of usual networks."""

    audio_input = AudioInput(rate=48_000)


class Whole(Encoder):
    """Root mean square of a whole sound, and its seconds."""

    audio_input = AudioInput(rate=16_000, window=None)
    unit_length = False

    def encode_sound(self, sound: Sequence[np.ndarray]) -> np.ndarray:
        return np.array([((np.dot(s, s) / len(s)) ** 0.5, len(s) / 16_000) for s in sound], np.float32)


class Slow(Level):
    """The same, and takes a second for it."""

    def encode_sound(self, sound: Sequence[np.ndarray]) -> np.ndarray:
        time.sleep(1.0)
        return super().encode_sound(sound)


class Letters(Encoder):
    """How often each letter stands in a text, of unit length."""

    def encode_text(self, text: Sequence[str]) -> np.ndarray:
        rows = np.array([[t.lower().count(chr(ord("a") + i)) + 0.01 for i in range(LETTERS)] for t in text])
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


class Tints(Encoder):
    """Red, green and blue by the words of a text, in the space of mean colours."""

    def encode_text(self, text: Sequence[str]) -> np.ndarray:
        return np.array([[("grey" in t) + (name in t) + 0.0 for name in ("red", "green", "blue")] for t in text])


class Sounds(Encoder):
    """Whether a text says loud, and long, in the space of levels of sound."""

    def encode_text(self, text: Sequence[str]) -> np.ndarray:
        return np.array([[("loud" in t) + 0.1, ("long" in t) + 0.1] for t in text])


class Broken(Level):
    """Gives numbers that are none for loud sound."""

    def encode_sound(self, sound: Sequence[np.ndarray]) -> np.ndarray:
        rows = super().encode_sound(sound)
        rows[rows[:, 0] > 0.25] = np.nan
        return rows


@hookimpl
def avbench_encoders() -> list[EncoderSpec]:
    """Register them."""
    return [
        EncoderSpec("colour", "toy_encoders:Colour", "visual", {"visual": 3}, "mean colour", frames="uniform:4"),
        EncoderSpec("level", "toy_encoders:Level", "audio", {"audio": 2}, "level of sound"),
        EncoderSpec("picture", "toy_encoders:Picture", "visual", {"visual": 3}, "mean colour of large frames"),
        EncoderSpec("loudness", "toy_encoders:Loudness", "audio", {"audio": 2}, "level of sound at 48 kHz"),
        EncoderSpec("whole", "toy_encoders:Whole", "audio", {"audio": 2}, "level of the whole sound"),
        EncoderSpec("slow", "toy_encoders:Slow", "audio", {"audio": 2}, "level of sound, slowly"),
        EncoderSpec("broken", "toy_encoders:Broken", "audio", {"audio": 2}, "level of sound, broken"),
        EncoderSpec("tint", "toy_encoders:Colour", "visual", {"visual": 3}, "mean colour", text="tints"),
        EncoderSpec("tints", "toy_encoders:Tints", "text", {"text": 3}, "colours in texts"),
        EncoderSpec("noise", "toy_encoders:Level", "audio", {"audio": 2}, "level of sound", text="sounds"),
        EncoderSpec("sounds", "toy_encoders:Sounds", "text", {"text": 2}, "sounds in texts"),
        EncoderSpec("letters", "toy_encoders:Letters", "text", {"text": LETTERS}, "letters"),
    ]
