"""A user's own features: from arrays and a table to a store, with all checks of imported features."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avgzsl_bench.data.cards.cards import Card
from avgzsl_bench.data.cards.own import card_path, card_text, read_card
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, SEQUENCE_SUFFIX, SIMULATED, SIMULATED_ENCODER
from avgzsl_bench.data.layouts.marker import refuse_simulated
from avgzsl_bench.data.own.array_file import read_vectors
from avgzsl_bench.data.own.class_vectors import class_ids, read_text
from avgzsl_bench.data.own.installing import install_features, require_free
from avgzsl_bench.data.own.own_classes import find_dataset
from avgzsl_bench.data.own.video_table import read_video_table
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.origin import ADDED
from avgzsl_bench.data.store.spilled import spill_folder
from avgzsl_bench.data.store.table import FeatureTable
from avgzsl_bench.data.store.verify import Finding
from avgzsl_bench.errors import DataError
from avgzsl_bench.system.files import nearest_folder, require_writable
from avgzsl_bench.system.identifiers import require_names

_PUBLISHED = frozenset(f.name for f in PUBLISHED)


@dataclass(frozen=True)
class FeatureSources:
    """The files and names that make up a feature set.

    Attributes:
        dataset, features: names of the dataset and of the feature set.
        videos: table of videos, see `video_table`.
        audio, visual: files of arrays, see `array_file`.
        text: file of class vectors by encoder, see `vector_files`.
        classes: table of classes, for a new dataset; see `own_classes`.
        card: a card of the features, see `cards`.
    """

    dataset: str
    features: str
    videos: Path
    audio: str
    visual: str
    text: Mapping[str, Path]
    classes: Path | None = None
    card: Path | None = None


@dataclass(frozen=True)
class AddResult:
    """The added store, and its differences from the standard; `dataset_file` has the dataset's facts if new."""

    path: Path
    videos: int
    dataset_file: Path | None
    findings: tuple[Finding, ...]


def add_features(
    root: Path, sources: FeatureSources, *, force: bool, report: Callable[[str], None] = lambda line: None
) -> AddResult:
    """Make a store of arrays and a table in a data folder; nothing is written unless everything fits.

    Args:
        root, sources: the data folder; files and names.
        force: replace features of this name.
        report: called with a line if another program has to be waited for.

    Raises:
        DataError: a name, file or value that is not valid, files that contradict each other or the dataset, or
            features that are there already.
        AvbenchError: the data folder cannot be written to.
    """
    _check_names(sources)
    target = store_path(root, sources.dataset, sources.features)
    require_free(target, force=force)
    require_writable(root)
    card = None if sources.card is None else read_card(sources.card, sources.features)
    videos = read_video_table(sources.videos)
    dataset, new_file = find_dataset(root, sources.dataset, sources.classes, videos, sources.videos)
    label = class_ids(videos, dataset, sources.videos)
    by_id = np.array(sorted(range(len(label)), key=videos.video_id.__getitem__), np.int64)
    order = by_id[np.argsort(label[by_id], kind="stable")]
    text = {encoder: read_text(path, dataset, encoder) for encoder, path in sources.text.items()}
    with spill_folder(nearest_folder(root)):
        audio, visual = read_vectors(sources.audio, order), read_vectors(sources.visual, order)
    table = FeatureTable(
        dataset=dataset.name,
        features=sources.features,
        simulated=False,
        audio=audio,
        visual=visual,
        label=label[order],
        video_id=[videos.video_id[i] for i in order],
        partition=videos.partition[order],
        text=text,
        source=ADDED,
    )
    refuse_simulated(table.video_id, simulated=False, where=sources.videos)
    _check_widths(table, card)
    beside = {} if card is None else {card_path(root, dataset.name, table.features).name: card_text(card)}
    findings = install_features(target, table, dataset, new_file, beside, force=force, report=report)
    return AddResult(target, len(table), new_file, findings)


def _check_names(sources: FeatureSources) -> None:
    require_names(sources.dataset, sources.features, *sources.text)
    if sources.features in (SIMULATED, "auto") or SIMULATED_ENCODER in sources.text:
        taken = SIMULATED_ENCODER if SIMULATED_ENCODER in sources.text else sources.features
        raise DataError(
            f"{taken!r} is what simulated features or 'the best there is' are called; choose another name"
        )
    if sources.features in _PUBLISHED:
        raise DataError(
            f"--features {sources.features}: the name of a published feature set; choose another name for vectors "
            "of your own, or import the published files with 'avbench data import DIR'"
        )
    if sources.features.endswith(SEQUENCE_SUFFIX):
        raise DataError(f"--features {sources.features}: {SEQUENCE_SUFFIX!r} marks sequences; choose another name")
    if not sources.text:
        raise DataError(
            "no text embeddings of the classes: bring some with --text ENCODER=FILE, such as clip=text.npz"
        )


def _check_widths(table: FeatureTable, card: Card | None) -> None:
    """Refuse features with a card that states other widths or text encoders."""
    if card is None:
        return
    assert isinstance(table.audio, np.ndarray)
    assert isinstance(table.visual, np.ndarray)
    text = {encoder: vectors.shape[1] for encoder, vectors in table.text.items()}
    widths = table.audio.shape[1], table.visual.shape[1], text
    stated = card.audio.width, card.visual.width, {part.encoder: part.width for part in card.text}
    if stated != widths:
        raise DataError(f"the card of {table.features} states widths {stated}, and the features have {widths}")
