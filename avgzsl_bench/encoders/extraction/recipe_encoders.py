"""The encoders that a recipe names, loaded here, and refused where they are not those that it was made with."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from avgzsl_bench.encoders.decoding.frame_choice import FrameChoice, parse_frame_choice
from avgzsl_bench.encoders.decoding.request import ClipRequest
from avgzsl_bench.encoders.extraction.chosen import LoadedEncoder
from avgzsl_bench.encoders.extraction.clip_encoders import ClipEncoders
from avgzsl_bench.encoders.extraction.recipe import encoder_part, recipe_of
from avgzsl_bench.encoders.published import published_frames
from avgzsl_bench.encoders.registry import REGISTRY
from avgzsl_bench.encoders.texts.prompts import Template
from avgzsl_bench.errors import DataError, UnknownNameError, first_fault
from avgzsl_bench.plugins.specs import EncoderSpec, Modality

Load = Callable[[EncoderSpec], LoadedEncoder]

_SHOWN = 8
"""Digits of a hash in a message."""


class _Read(BaseModel):
    """What is read of a recipe; whatever else it holds is compared."""

    model_config = ConfigDict(frozen=True, extra="allow", strict=True)


class _Part(_Read):
    encoder: str
    weights: dict[str, str]


Model = TypeVar("Model", bound=_Read)


class _Clips(_Read):
    name: Literal["default", "published"]
    sequences: bool
    frames: str
    visual: _Part
    audio: _Part


class _Text(_Part):
    templates: list[Template]


def clip_part(recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Give the part of a recipe that says how clips become vectors, without the texts of the classes."""
    return {name: value for name, value in recipe.items() if name != "texts"}


def encoders_of(recipe: Mapping[str, Any], dataset: str, load: Load) -> tuple[ClipEncoders, ClipRequest]:
    """Load the encoders of frames and sound of a recipe.

    Args:
        recipe: as `extraction.json` and checkpoints have it.
        dataset: that it was used on; the published recipe differs by dataset.
        load: loads an encoder.

    Returns:
        The encoders, and what is decoded of a clip.

    Raises:
        DataError: it is no recipe; an encoder is not installed, has other weights, or works in another way.
        AvbenchError: an encoder cannot be loaded.
    """
    wanted = _read(_Clips, recipe)
    visual, audio = _loaded(wanted.visual, "visual", load), _loaded(wanted.audio, "audio", load)
    ours = recipe_of(wanted.name, wanted.frames, sequences=wanted.sequences, visual=visual, audio=audio)
    _require_same(ours["visual"], recipe["visual"])
    _require_same(ours["audio"], recipe["audio"])
    encoders = ClipEncoders(visual, audio, wanted.sequences)
    frames = FrameChoice(None) if wanted.sequences else parse_frame_choice(wanted.frames)
    published = published_frames(dataset) if wanted.name == "published" else None
    return encoders, encoders.request(frames, published)


def text_encoder_of(part: Mapping[str, Any], load: Load) -> tuple[LoadedEncoder, tuple[str, ...]]:
    """Load the encoder of texts that a part of a recipe names; gives it with the templates for names.

    Raises:
        DataError: as `encoders_of`.
    """
    wanted = _read(_Text, part)
    loaded = _loaded(wanted, "text", load)
    _require_same(encoder_part(loaded), part)
    return loaded, tuple(wanted.templates)


def _read(model: type[Model], content: Mapping[str, Any]) -> Model:
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise DataError(f"the recipe of the features cannot be read: {first_fault(error)}") from error


def _loaded(part: _Part, kind: Modality, load: Load) -> LoadedEncoder:
    """Load the encoder of a part, which has to give vectors of that kind."""
    try:
        spec = REGISTRY.item(part.encoder)
    except UnknownNameError as error:
        raise DataError(f"the features were made by an encoder that is not installed here: {error}") from error
    if kind not in spec.widths:
        raise DataError(f"the recipe of the features cannot be read: {spec.name!r} gives no {kind} vectors")
    return load(spec)


def _require_same(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> None:
    """Refuse an encoder with other weights, or one that works in another way, than the recipe says."""
    ours = json.loads(json.dumps(ours))
    name = ours["encoder"]
    if ours["weights"] != theirs["weights"]:
        file = min(dict(ours["weights"].items() ^ theirs["weights"].items()))
        here, there = (_shown(part["weights"].get(file)) for part in (ours, theirs))
        raise DataError(f"{name!r} here is {here}, the checkpoint was trained on {there} (sha256 of {file})")
    differing = [key for key in ours if ours[key] != theirs.get(key)]
    if differing:
        raise DataError(
            f"{name!r} here does not work as it did when the features were made ({', '.join(differing)} differ); "
            "install the version that was used then"
        )


def _shown(digest: str | None) -> str:
    return "without weights" if digest is None else f"{digest[:_SHOWN]}.."
