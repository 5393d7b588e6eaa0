"""Features of a user's own: from arrays and a table to a store, with all checks that imported ones pass."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.cards.cards import Card
from avgzsl_bench.data.cards.own import card_path, read_card, write_card
from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset, partition_bit
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, SEQUENCE_SUFFIX, SIMULATED, SIMULATED_ENCODER
from avgzsl_bench.data.datasets.registry import (
    dataset_path,
    known_dataset,
    read_own_dataset,
    registered_datasets,
    write_own_dataset,
)
from avgzsl_bench.data.layouts.marker import refuse_simulated
from avgzsl_bench.data.own.array_file import read_vectors
from avgzsl_bench.data.own.class_vectors import read_class_vectors
from avgzsl_bench.data.own.own_classes import read_dataset_table
from avgzsl_bench.data.own.video_table import VideoTable, read_video_table
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.spilled import spill_folder
from avgzsl_bench.data.store.table import FeatureTable
from avgzsl_bench.data.store.verify import Finding, findings_of
from avgzsl_bench.data.store.writing import write_store
from avgzsl_bench.errors import DataError, UnknownNameError
from avgzsl_bench.system.files import nearest_folder, require_writable
from avgzsl_bench.system.identifiers import require_names
from avgzsl_bench.system.locks import writing_alone

SOURCE = "added"
"""What the store says it came from."""


@dataclass(frozen=True)
class FeatureSources:
    """What a user brings.

    Attributes:
        dataset, features: names.
        videos: table of videos, see `video_table`.
        audio, visual: arrays, see `array_file`.
        text: file of class vectors by encoder, see `text_file`.
        classes: table of classes, for a dataset that is not known yet; see `class_table`.
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
    """What was added.

    Attributes:
        path: the store.
        videos: number of videos.
        dataset_file: the facts of the dataset, where they are new.
        findings: how the features differ from the dataset's standard.
    """

    path: Path
    videos: int
    dataset_file: Path | None
    findings: tuple[Finding, ...]


def add_features(
    root: Path, brought: FeatureSources, *, force: bool, announce: Callable[[str], None] = lambda step: None
) -> AddResult:
    """Make a store of arrays and a table; nothing is written unless everything fits.

    Args:
        root: the data folder.
        brought: what to make it of.
        force: replace features of this name.
        announce: told, in a line, if another program has to be waited for.

    Raises:
        DataError: a name, file or value that does not do, files that contradict each other or the dataset, or
            features that are there already.
        AvbenchError: the data folder cannot be written to.
    """
    _check_names(brought)
    target = store_path(root, brought.dataset, brought.features)
    _require_free(target, force=force)
    require_writable(root)
    card = None if brought.card is None else read_card(brought.card, brought.features)
    videos = read_video_table(brought.videos)
    dataset, new_file = _dataset(root, brought, videos)
    label = _labels(videos, dataset, brought.videos)
    by_id = np.array(sorted(range(len(label)), key=videos.video_id.__getitem__), np.int64)
    order = by_id[np.argsort(label[by_id], kind="stable")]
    text = {encoder: _text(path, dataset, encoder) for encoder, path in brought.text.items()}
    with spill_folder(nearest_folder(root)):
        audio, visual = read_vectors(brought.audio, order), read_vectors(brought.visual, order)
    table = FeatureTable(
        dataset=dataset.name,
        features=brought.features,
        simulated=False,
        audio=audio,
        visual=visual,
        label=label[order],
        video_id=[videos.video_id[i] for i in order],
        partition=videos.partition[order],
        text=text,
        source=SOURCE,
    )
    refuse_simulated(table.video_id, simulated=False, where=brought.videos)
    _check_published(table)
    if card is not None:
        _check_card(card, table, brought.features)
    with writing_alone(dataset_path(root, dataset.name), announce), writing_alone(target, announce):
        _require_free(target, force=force)  # again: another may have been writing it
        if new_file is not None and os.path.lexists(new_file):
            raise DataError(f"{new_file} was written by another program just now; give the same command again")
        _write(card_path(root, dataset.name, table.features), target, table, dataset, new_file, card)
        findings = findings_of(table, dataset)
    return AddResult(target, len(table), new_file, findings)


def _require_free(target: Path, *, force: bool) -> None:
    if os.path.lexists(target) and not force:
        raise DataError(f"{target} is there already; replace it with --force")


def _check_names(brought: FeatureSources) -> None:
    require_names(brought.dataset, brought.features, *brought.text)
    if brought.features in (SIMULATED, "auto") or SIMULATED_ENCODER in brought.text:
        taken = SIMULATED_ENCODER if SIMULATED_ENCODER in brought.text else brought.features
        raise DataError(
            f"{taken!r} is what simulated features or 'the best there is' are called; choose another name"
        )
    if brought.features.endswith(SEQUENCE_SUFFIX):
        raise DataError(f"--features {brought.features}: {SEQUENCE_SUFFIX!r} marks sequences; choose another name")
    if not brought.text:
        raise DataError(
            "no text embeddings of the classes: bring some with --text ENCODER=FILE, such as clip=text.npz"
        )


def _dataset(root: Path, brought: FeatureSources, videos: VideoTable) -> tuple[Dataset, Path | None]:
    """The dataset, and where its facts are to be written if they are new."""
    if brought.classes is None:
        try:
            return known_dataset(brought.dataset, root), None
        except UnknownNameError as error:
            raise DataError(f"{error}; describe a new dataset with --classes FILE") from error
    if brought.dataset in registered_datasets():
        raise DataError(
            f"{brought.dataset!r} is a registered dataset; leave --classes out, or choose another name"
        )
    made = read_dataset_table(brought.dataset, brought.classes, videos, brought.videos)
    path = dataset_path(root, brought.dataset)
    if not os.path.lexists(path):
        return made, path
    there = read_own_dataset(path)
    if _structure(there) != _structure(made):
        others = any(path.parent.glob("*/features.h5"))
        rid = f"{path.parent}, with every feature set in it," if others else path
        raise DataError(
            f"{path} has other classes or roles; leave --classes out, choose another name, or remove {rid} to "
            "begin anew"
        )
    return there, None


def _structure(dataset: Dataset) -> object:
    """Classes and their roles, whatever the videos."""
    return dataset.classes, {split: dataset.split_hash(split) for split in dataset.splits}


def _labels(videos: VideoTable, dataset: Dataset, path: Path) -> NDArray[np.int64]:
    """Class ids of the rows: int64 `[N]`.

    Raises:
        DataError: a class that the dataset has not, or has in no split where the table puts a video of it.
    """
    ids = {name: dataset.class_id(name) for name in dict.fromkeys(videos.class_name)}
    unknown = [name for name, class_id in ids.items() if class_id is None]
    if unknown:
        more = f" and {len(unknown) - 3} more" if len(unknown) > 3 else ""
        raise DataError(f"{path}: no class of {dataset.name} is called {_quoted(unknown[:3])}{more}")
    label = np.array([ids[name] for name in videos.class_name], np.int64)
    for partition in PARTITIONS:
        listed = sorted({c for split in dataset.splits for c in dataset.facts(split)[partition].classes})
        inside = (videos.partition & partition_bit(partition)) != 0
        if not inside.any():
            raise DataError(f"{path}: no video is in {partition}")
        odd = np.flatnonzero(inside & ~np.isin(label, listed))
        if len(odd):
            raise DataError(
                f"{path}: {len(odd)} videos, such as {videos.video_id[odd[0]][:60]!r}, are in {partition}, where "
                f"no split of {dataset.name} has their class ({videos.class_name[odd[0]][:60]!r})"
            )
    return label


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(repr(name[:60]) for name in names)


def _text(path: Path, dataset: Dataset, encoder: str) -> NDArray[np.float32]:
    vectors = read_class_vectors(path, dataset)
    used = sorted({c for split in dataset.splits for f in dataset.facts(split).values() for c in f.classes})
    missing = [dataset.class_names[i] for i in used if np.isnan(vectors[i]).any()]
    if missing:
        more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
        raise DataError(f"{path}: text {encoder!r} has no vector for {_quoted(missing[:3])}{more}")
    return vectors


def _widths(table: FeatureTable) -> tuple[int, int, dict[str, int]]:
    assert isinstance(table.audio, np.ndarray)
    assert isinstance(table.visual, np.ndarray)
    return table.audio.shape[1], table.visual.shape[1], {e: v.shape[1] for e, v in table.text.items()}


def _check_published(table: FeatureTable) -> None:
    """Features that are called like published ones have their widths and text encoders."""
    known = next((f for f in PUBLISHED if f.name == table.features), None)
    if known is not None and _widths(table) != (known.audio, known.visual, dict(known.text)):
        audio, visual, text = _widths(table)
        raise DataError(
            f"{table.features} is {known.audio}/{known.visual} with text {dict(known.text)}, and these are "
            f"{audio}/{visual} with {text}; choose another name"
        )


def _check_card(card: Card, table: FeatureTable, features: str) -> None:
    stated = card.audio.width, card.visual.width, {text.encoder: text.width for text in card.text}
    if stated != _widths(table):
        raise DataError(f"the card of {features} states widths {stated}, and the features have {_widths(table)}")


def _write(
    beside: Path, target: Path, table: FeatureTable, dataset: Dataset, new_file: Path | None, card: Card | None
) -> None:
    """Facts and card before the store, without which they count for nothing; if it fails, all is as it was.

    The card there was is moved aside and back, which takes no space: a full disk is a common reason to fail.
    """
    aside = beside.with_name(f".{beside.name}.old.tmp")
    with ExitStack() as undo:
        if new_file is not None:
            write_own_dataset(new_file, dataset)
            undo.callback(new_file.unlink, missing_ok=True)
        if os.path.lexists(beside):  # of what --force replaces
            os.replace(beside, aside)
            undo.callback(os.replace, aside, beside)
        if card is not None:
            undo.callback(beside.unlink, missing_ok=True)
            write_card(beside, card)
        write_store(target, table)
        undo.pop_all()
    aside.unlink(missing_ok=True)
