"""The encoders that extraction is measured with: real networks with random weights, and toys.

`full_clip` and `full_clap` are CLIP ViT-B/32 and CLAP's HTSAT in full size. Each is built once in a process, so
that an extraction does not load it anew. `colour` and `level` take the same inputs, do next to nothing with them,
and give vectors as long; `small_colour` and `small_level` take small inputs.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch

from avgzsl_bench import AudioInput, Encoder, EncoderSpec, VisualInput, hookimpl
from avgzsl_bench.encoders.builtin.clip import Clip
from avgzsl_bench.encoders.builtin.laion_clap import LaionClap
from avgzsl_bench.encoders.weights.libraries import quiet_transformers, transformers_class
from avgzsl_bench.plugins.manager import load_plugins

WIDTH = 512
TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "vocab_size": 600,
    "projection_dim": WIDTH,
}
"""The text halves are not measured, and small."""


class Colour(Encoder):
    """Mean red, green and blue of a frame, repeated to the width of CLIP's vectors."""

    visual_input = Clip.visual_input
    unit_length = False

    def encode_frames(self, frames: np.ndarray) -> np.ndarray:
        means = frames[:, ::8, ::8].mean(axis=(1, 2)) / 255
        return np.tile(means, WIDTH // 3 + 1)[:, :WIDTH].astype(np.float32)


class Level(Encoder):
    """Mean square of a window, repeated to the width of CLAP's vectors."""

    audio_input = LaionClap.audio_input
    unit_length = False

    def encode_sound(self, sound: Sequence[np.ndarray]) -> np.ndarray:
        return np.array([[float(samples @ samples) / len(samples)] * WIDTH for samples in sound], np.float32)


class SmallColour(Colour):
    visual_input = VisualInput(16, 16, "bilinear", mean=(0.0, 0.0, 0.0), std=(1.0, 1.0, 1.0))


class SmallLevel(Level):
    audio_input = AudioInput(rate=8_000)


class FullClip(Encoder):
    """CLIP ViT-B/32 with random weights."""

    visual_input = Clip.visual_input

    def encode_frames(self, frames: np.ndarray) -> np.ndarray:
        return built(Clip).encode_frames(frames)


class FullClap(Encoder):
    """CLAP's HTSAT with random weights."""

    audio_input = LaionClap.audio_input

    def encode_sound(self, sound: Sequence[np.ndarray]) -> np.ndarray:
        return built(LaionClap).encode_sound(sound)


class Letters(Encoder):
    """How often each letter occurs in a text: texts are not measured, and a set needs some."""

    def encode_text(self, text: Sequence[str]) -> np.ndarray:
        return np.array([[t.lower().count(chr(97 + i)) + 0.01 for i in range(26)] for t in text], np.float32)


@cache
def built(kind: type[Encoder]) -> Encoder:
    """An encoder of the harness with random weights, saved as the real ones are and read back."""
    with tempfile.TemporaryDirectory() as folder, torch.random.fork_rng(devices=[]), quiet_transformers():
        torch.manual_seed(0)
        {Clip: save_clip, LaionClap: save_clap}[kind](Path(folder))
        return kind(Path(folder), torch.device("cpu"))


def save_clip(folder: Path) -> None:
    ends = {"bos_token_id": 598, "eos_token_id": 599, "pad_token_id": 599}
    config = transformers_class("CLIPConfig")(text_config=TEXT | ends)
    transformers_class("CLIPModel")(config).save_pretrained(folder)
    tokens = {"a": 0, "a</w>": 1, "<|startoftext|>": 598, "<|endoftext|>": 599}
    transformers_class("CLIPTokenizer")(vocab=tokens, merges=[]).save_pretrained(folder)


def save_clap(folder: Path) -> None:
    config = transformers_class("ClapConfig")(text_config=TEXT | {"pad_token_id": 1})
    transformers_class("ClapModel")(config).save_pretrained(folder)
    tokens = {token: i for i, token in enumerate(("<s>", "<pad>", "</s>", "<unk>", "a", "<mask>"))}
    transformers_class("RobertaTokenizer")(vocab=tokens, merges=[]).save_pretrained(folder)
    extractor = transformers_class("ClapFeatureExtractor")(truncation="rand_trunc", padding="repeatpad")
    extractor.save_pretrained(folder)


@hookimpl
def avbench_encoders() -> list[EncoderSpec]:
    here = "extraction_encoders"
    return [
        EncoderSpec("colour", f"{here}:Colour", "visual", {"visual": WIDTH}, "mean colour"),
        EncoderSpec("level", f"{here}:Level", "audio", {"audio": WIDTH}, "level of sound"),
        EncoderSpec("small_colour", f"{here}:SmallColour", "visual", {"visual": WIDTH}, "mean colour, small"),
        EncoderSpec("small_level", f"{here}:SmallLevel", "audio", {"audio": WIDTH}, "level of sound at 8 kHz"),
        EncoderSpec("full_clip", f"{here}:FullClip", "visual", {"visual": WIDTH}, "CLIP ViT-B/32, random"),
        EncoderSpec("full_clap", f"{here}:FullClap", "audio", {"audio": WIDTH}, "CLAP's HTSAT, random"),
        EncoderSpec("letters", f"{here}:Letters", "text", {"text": 26}, "letters"),
    ]


def register() -> None:
    """Register them in this process."""
    plugin, manager = sys.modules[__name__], load_plugins().manager
    if not manager.is_registered(plugin):
        manager.register(plugin)
