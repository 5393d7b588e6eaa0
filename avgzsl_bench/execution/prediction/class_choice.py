"""The classes of a prediction: those of the checkpoint, and new ones by name or by vector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.class_names import shown
from avgzsl_bench.data.own.vector_files import read_vectors_by_name
from avgzsl_bench.encoders.extraction.chosen import LoadedEncoder
from avgzsl_bench.encoders.extraction.recipe_encoders import Load, text_encoder_of
from avgzsl_bench.encoders.registry import REGISTRY
from avgzsl_bench.encoders.texts.class_texts import class_texts
from avgzsl_bench.encoders.texts.given_names import checked_names
from avgzsl_bench.encoders.texts.names import free_words
from avgzsl_bench.encoders.texts.templates import templates_for
from avgzsl_bench.errors import ConfigError, DataError
from avgzsl_bench.execution.prediction.prediction import Candidates, Role
from avgzsl_bench.execution.prediction.trained import Trained
from avgzsl_bench.execution.prediction.video_encoding import PUBLISHED_ENCODERS
from avgzsl_bench.gzsl.task import Classes

Vectors = Mapping[str, NDArray[np.float32]]
"""Float32 `[K, D]` by text encoder."""


@dataclass(frozen=True)
class ClassChoice:
    """What was asked for.

    Attributes:
        names: of classes to be added; those of the checkpoint are known already.
        vectors: file of vectors of classes to be added, by name.
        only: `names` and `vectors` are the only candidates.
    """

    names: tuple[str, ...] = ()
    vectors: Path | None = None
    only: bool = False

    def __post_init__(self) -> None:
        if self.only and not self.names and self.vectors is None:
            raise ConfigError("--only: no class is left; give --classes or --class-vectors too")


def chosen_classes(
    trained: Trained, choice: ClassChoice, recipe: Literal["published"] | None, load: Load
) -> tuple[Classes, Candidates]:
    """Put together the classes that videos are compared with.

    Classes of the checkpoint keep their vectors and roles, however their names are written.

    Args:
        trained: the checkpoint.
        choice: what was asked for.
        recipe: `published` for texts of the published recipe; None: those of the checkpoint's recipe.
        load: loads an encoder.

    Raises:
        ConfigError: a name whose vector cannot be made, or a file of vectors where each class needs several.
        DataError: a file, an encoder or weights that cannot be used.
    """
    classes, bias = trained.classes, trained.part.bias
    roles: list[Role] = ["seen" if known.seen else "unseen" for known in trained.part.classes]
    if not choice.names and choice.vectors is None:
        return classes, Candidates(classes.names, tuple(roles), bias)
    trained.require_open_vocabulary()
    known = _known(trained)
    asked = {free_words(name): name for name in choice.names}
    brought = {} if choice.vectors is None else _brought(trained, choice.vectors, known)
    named = {words: name for words, name in asked.items() if words not in known and words not in brought}
    new = [*named, *brought]
    vectors = _joined(_embedded(trained, [*named], recipe, load) if named else {}, _side_by_side(trained, brought))
    names = [*named.values(), *(name for name, _ in brought.values())]
    wider = _with_new(classes, names, vectors)
    roles += ["new"] * len(new)
    if choice.only:
        places = {**{words: len(classes) + place for place, words in enumerate(new)}, **known}
        chosen = [places[words] for words in dict.fromkeys([*asked, *brought])]
        wider = wider.take(torch.tensor(chosen, device=wider.seen.device))
        roles = [roles[place] for place in chosen]
    return wider, Candidates(wider.names, tuple(roles), bias)


def _known(trained: Trained) -> dict[str, int]:
    """Find the classes of a checkpoint by name and by name in words."""
    places: dict[str, int] = {}
    for place, known in enumerate(trained.part.classes):
        for name in (known.name, known.words):
            places.setdefault(free_words(name), place)
    return places


def _brought(trained: Trained, path: Path, known: Mapping[str, int]) -> dict[str, tuple[str, NDArray[np.float32]]]:
    """Read names and vectors of new classes, by name in words."""
    widths = trained.shape.text
    if len(widths) > 1:
        raise ConfigError(
            f"--class-vectors {path}: a class has {len(widths)} vectors here, by {' and '.join(widths)}, and a "
            "file gives one; name new classes with --classes"
        )
    ((encoder, width),) = widths.items()
    found = read_vectors_by_name(
        path, {spelt for known in trained.part.classes for spelt in (known.name, known.words)}
    )
    brought: dict[str, tuple[str, NDArray[np.float32]]] = {}
    checked_names([*found], f"{path}: ")
    for name, vector in found.items():
        words = free_words(name)
        if words in known:
            other = shown(trained.classes.names[known[words]])
            raise DataError(
                f"{path}: {shown(name)}: the checkpoint has a vector of this class, {other}; leave it out"
            )
        if len(vector) != width:
            raise DataError(
                f"{path}: the vector of {shown(name)} has width {len(vector)}, those of the checkpoint, by "
                f"{encoder}, have {width}"
            )
        if not vector.any():
            raise DataError(
                f"{path}: the vector of {shown(name)} is all zeros, which has no direction; leave it out"
            )
        brought[words] = name, vector
    return brought


def _embedded(
    trained: Trained, words: Sequence[str], recipe: Literal["published"] | None, load: Load
) -> dict[str, NDArray[np.float32]]:
    """Encode names in words, by each text encoder that the classes of the checkpoint were encoded by."""
    vectors = {}
    for name, width in trained.shape.text.items():
        encoder, templates = _text_encoder(trained, name, recipe, load)
        vectors[name] = class_texts(encoder.encoder, words, templates)
        if vectors[name].shape[1] != width:
            raise DataError(
                f"texts by {encoder.spec.name!r} have width {vectors[name].shape[1]}, the checkpoint's {width}"
            )
    return vectors


def _text_encoder(
    trained: Trained, name: str, recipe: Literal["published"] | None, load: Load
) -> tuple[LoadedEncoder, tuple[str, ...]]:
    """Find the encoder of a name of texts, with its templates."""
    if recipe is not None:
        specs = {spec.text_name: spec for spec in map(REGISTRY.item, PUBLISHED_ENCODERS)}
        if name in specs:
            return load(specs[name]), templates_for(trained.run.data.dataset, specs[name].modality, recipe)
    texts = (trained.part.recipe or {}).get("texts")
    made: Any = texts.get(name) if isinstance(texts, dict) else None
    if isinstance(made, dict) and "encoder" in made:
        return text_encoder_of(made, load)
    source = (
        f"came from a file, {made['file']}" if isinstance(made, dict) and "file" in made else "came with the data"
    )
    raise ConfigError(
        f"--classes: the {name} vectors of the checkpoint's classes {source}, so that none can be made of a new "
        "name; give --class-vectors FILE"
    )


def _side_by_side(
    trained: Trained, brought: Mapping[str, tuple[str, NDArray[np.float32]]]
) -> dict[str, NDArray[np.float32]]:
    if not brought:
        return {}
    (encoder,) = trained.shape.text
    return {encoder: np.stack([vector for _, vector in brought.values()])}


def _joined(*parts: Vectors) -> dict[str, NDArray[np.float32]]:
    encoders = dict.fromkeys(encoder for part in parts for encoder in part)
    return {encoder: np.concatenate([part[encoder] for part in parts if part]) for encoder in encoders}


def _with_new(classes: Classes, names: Sequence[str], vectors: Vectors) -> Classes:
    """Add classes without training videos."""
    if not names:
        return classes
    device = classes.seen.device
    text = {e: torch.cat([known, torch.from_numpy(vectors[e]).to(device)]) for e, known in classes.text.items()}
    seen = torch.cat([classes.seen, torch.zeros(len(names), dtype=torch.bool, device=device)])
    return Classes((*classes.names, *names), text, seen)
