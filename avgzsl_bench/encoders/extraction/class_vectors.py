"""Text embeddings of the classes of an extracted set: by encoders, from files, or from another set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.cards.cards import TextCard
from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.own.class_vectors import read_text
from avgzsl_bench.data.store.installed import installed
from avgzsl_bench.data.store.store import read_table
from avgzsl_bench.encoders.extraction.chosen import LoadedEncoder
from avgzsl_bench.encoders.extraction.recipe import text_part
from avgzsl_bench.encoders.registry import REGISTRY
from avgzsl_bench.encoders.texts.class_texts import class_texts
from avgzsl_bench.encoders.texts.names import class_words
from avgzsl_bench.encoders.texts.templates import Recipe, templates_for
from avgzsl_bench.errors import ConfigError, DataError
from avgzsl_bench.plugins.specs import EncoderSpec
from avgzsl_bench.system.folders import user_path

Load = Callable[[EncoderSpec], LoadedEncoder]


@dataclass(frozen=True)
class ClassVectors:
    """The vectors of the classes in one space.

    Attributes:
        name: in the feature set.
        vectors: float32 `[C, D]`, by class id.
        recipe: how they were made, as values of JSON.
        card: the same for people.
    """

    name: str
    vectors: NDArray[np.float32]
    recipe: Mapping[str, Any]
    card: TextCard


@dataclass(frozen=True)
class TextSource:
    """Where vectors of classes come from: an encoder, or a file where one is given."""

    name: str
    encoder: EncoderSpec | None = None
    file: Path | None = None


def text_sources(given: Sequence[str], encoders: Sequence[EncoderSpec]) -> list[TextSource]:
    """Choose the sources: those that are given, else the text sides of the encoders of frames and sound.

    Args:
        given: names of encoders, or `NAME=FILE`.
        encoders: of frames and sound.

    Returns:
        None at all where nothing is given and no encoder has a text side.

    Raises:
        UnknownNameError: no encoder of that name is registered.
        ConfigError: an encoder that encodes no texts, two sources of one name, or `=` without name or file.
    """
    if not given:
        names = dict.fromkeys(spec.text for spec in encoders if spec.text)
        return [_by_encoder(name) for name in names]
    sources = [_by_file(text) if "=" in text else _by_encoder(text) for text in given]
    names = dict.fromkeys(source.name for source in sources)
    if len(names) < len(sources):
        raise ConfigError(f"--text {' --text '.join(given)}: two of them are called the same; leave one out")
    return sources


def _by_encoder(name: str) -> TextSource:
    spec = REGISTRY.item(name)
    if "text" not in spec.widths:
        raise ConfigError(f"--text {name}: this encoder encodes no texts; see 'avbench encoders'")
    return TextSource(spec.text_name or spec.name, encoder=spec)


def _by_file(text: str) -> TextSource:
    name, _, path = text.partition("=")
    if not (name and path):
        raise ConfigError(f"--text {text}: write ENCODER, or NAME=FILE, such as word2vec=text.npz")
    return TextSource(name, file=user_path(path))


def class_vectors(
    sources: Sequence[TextSource],
    dataset: Dataset,
    root: Path,
    load: Load,
    prompts: Mapping[str, Sequence[str]],
    recipe: Recipe,
) -> list[ClassVectors]:
    """Make, or read, the vectors of a dataset's classes.

    Args:
        sources: where from; where there are none, an installed set of the dataset has them.
        dataset: with the names of the classes.
        root: the data folder.
        load: loads an encoder.
        prompts: the user's templates by encoder, which go before ours.
        recipe: `default` or `published`.

    Raises:
        DataError: a file that cannot be used, or no source of any kind.
        PluginError: an encoder that cannot be used.
    """
    if not sources:
        return _of_installed(dataset, root)
    return [
        _from_file(source.name, source.file, dataset)
        if source.file is not None
        else _encoded(source, dataset, load, prompts, recipe)
        for source in sources
    ]


def _encoded(
    source: TextSource, dataset: Dataset, load: Load, prompts: Mapping[str, Sequence[str]], recipe: Recipe
) -> ClassVectors:
    spec = source.encoder
    assert spec is not None
    templates = tuple(prompts.get(spec.name) or templates_for(dataset.name, spec.modality, recipe))
    loaded, words = load(spec), class_words(dataset)
    vectors = class_texts(loaded.encoder, words, templates)
    card = TextCard(
        encoder=source.name,
        model=spec.title,
        width=vectors.shape[1],
        made=_made(templates),
    )
    return ClassVectors(source.name, vectors, text_part(loaded, list(templates), words), card)


def _made(templates: Sequence[str]) -> str:
    if len(templates) == 1:
        return f"template {templates[0]!r}; of unit length"
    return f"mean over {len(templates)} templates, such as {templates[0]!r}, each and the mean of unit length"


def _from_file(name: str, path: Path, dataset: Dataset) -> ClassVectors:
    vectors = read_text(path, dataset, name)
    made = f"read from {path.name}"
    card = TextCard(encoder=name, model="not known", width=vectors.shape[1], made=made)
    return ClassVectors(name, vectors, {"file": path.name}, card)


def _of_installed(dataset: Dataset, root: Path) -> list[ClassVectors]:
    """Take the vectors of a real set of the dataset that is installed."""
    store = next((s for s in installed(root) if s.dataset == dataset.name and not s.simulated), None)
    if store is None:
        raise DataError(
            "no text embeddings: neither encoder has a text side; give --text ENCODER (see 'avbench encoders') or "
            "--text NAME=FILE, such as word2vec=text.npz"
        )
    made = f"taken from {store.features}, fingerprint {store.fingerprint[:12]}"
    return [
        ClassVectors(
            name,
            vectors,
            {"features": store.features, "fingerprint": store.fingerprint},
            TextCard(encoder=name, model="not known", width=vectors.shape[1], made=made),
        )
        for name, vectors in read_table(store).text.items()
    ]
