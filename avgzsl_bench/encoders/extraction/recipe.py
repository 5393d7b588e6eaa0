"""The recipe of a feature set: every choice that changes a number in it, and its hash."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from avgzsl_bench.data.store.extraction import recipe_sha256
from avgzsl_bench.encoders.encoder import AudioInput, VisualInput
from avgzsl_bench.encoders.extraction.chosen import LoadedEncoder

_SHORT = 12


@dataclass(frozen=True)
class Recipe:
    """A recipe as values of JSON. Not in it: versions of libraries, the device, and how the work was divided."""

    content: Mapping[str, Any]

    @property
    def sha256(self) -> str:
        """Hash of the recipe."""
        return recipe_sha256(self.content)

    @property
    def short(self) -> str:
        """First digits of the hash, for names and people."""
        return self.sha256[:_SHORT]


def recipe_of(
    name: str, frames: str, *, sequences: bool, visual: LoadedEncoder, audio: LoadedEncoder
) -> dict[str, Any]:
    """Describe how clips become vectors: the recipe but for the texts of the classes.

    Args:
        name: `default` or `published`.
        frames: which frames stand for a clip, e.g. `uniform:8`.
        sequences: whether there is a vector for each step.
        visual, audio: the encoders.
    """
    return {
        "name": name,
        "sequences": sequences,
        "frames": "each second" if sequences else frames,
        "visual": {**encoder_part(visual), "input": _input(visual.encoder.visual_input), "colours": "rgb"},
        "audio": {**encoder_part(audio), "input": _input(audio.encoder.audio_input), "mixing": "mean of channels"},
    }


def text_part(text: LoadedEncoder, templates: list[str], names: list[str]) -> dict[str, Any]:
    """Describe how class names become vectors.

    Args:
        text: the encoder.
        templates: with `{}` for the name.
        names: of the classes, as they are put in.
    """
    return {**encoder_part(text), "templates": templates, "names": names}


def encoder_part(part: LoadedEncoder) -> dict[str, Any]:
    """Describe an encoder: what of it changes vectors, but for its input."""
    return {
        "encoder": part.spec.name,
        "weights": dict(part.hashes),
        "unit_length": part.encoder.unit_length,
        "settings": part.encoder.settings(),
    }


def _input(wanted: VisualInput | AudioInput | None) -> dict[str, Any]:
    assert wanted is not None
    return asdict(wanted)
