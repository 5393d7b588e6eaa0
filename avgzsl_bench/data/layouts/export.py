"""From a store back to a published layout, so that the published code can run on its features.

Importing an exported tree with `avbench data import`, here or on another machine, gives the same store. A user's
own dataset has its facts beside its features.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import PARTITIONS, STAGE1_BITS, ClassNames, Dataset, partition_bit
from avgzsl_bench.data.datasets.registry import FILE_NAME as FACTS_FILE
from avgzsl_bench.data.datasets.registry import registered_datasets, write_own_dataset
from avgzsl_bench.data.layouts.export_files import ClassFileWriter, write_hdf5, write_pickle, write_text
from avgzsl_bench.data.layouts.export_lists import disk_folder, write_lists
from avgzsl_bench.data.layouts.marker import FILE_NAME, Marker
from avgzsl_bench.data.layouts.tree import disk_name
from avgzsl_bench.data.store.fingerprint import fingerprint
from avgzsl_bench.data.store.origin import ADDED
from avgzsl_bench.data.store.store import read_store
from avgzsl_bench.data.store.table import Feature, FeatureTable, Ragged
from avgzsl_bench.errors import DataError, UnknownNameError
from avgzsl_bench.system.files import new_folder


@dataclass(frozen=True)
class _Layout:
    """A layout to write.

    Attributes:
        extension: of class files.
        write: writes a class file.
        text: names of the text files, in the order of the encoders; `{}` is the dataset.
        folders: by published feature set; any other has its own name.
        sequences: whether a video is a sequence of vectors.
        clip_names: whether the text files have the names of classes that ClipClap-GZSL uses.
        activitynet: name of ActivityNet in the text files.
    """

    extension: str
    write: ClassFileWriter
    text: tuple[str, ...]
    folders: dict[str, str]
    sequences: bool = False
    clip_names: bool = False
    activitynet: str = "activity"


_WORDS = "word_embeddings_{}_normed.npy"
_MORE_WORDS = f"wavcaps_{_WORDS}"

_LAYOUTS = {
    "avca": _Layout(".h5", write_hdf5, (_WORDS,), {"selavi": "main_features", "c3d_vggish": "cls_features"}),
    "clipclap": _Layout(
        ".pkl",
        write_pickle,
        (_WORDS, _MORE_WORDS),
        {"clip_clap": "cls_features_non_averaged"},
        clip_names=True,
        activitynet="activitynet",
    ),
    # TCAF's code opens the first text file alone; the second keeps what features of one's own may have.
    "tcaf": _Layout(
        ".pkl",
        write_pickle,
        (_WORDS, _MORE_WORDS),
        {"selavi_seq": "main_features_non_averaged", "c3d_vggish_seq": "cls_features_non_averaged"},
        sequences=True,
    ),
}

LAYOUTS = tuple(_LAYOUTS)
"""Names of the layouts that can be written."""


def export_tree(store: Path, dataset: Dataset, layout: str, directory: Path) -> Path:
    """Write the features of a store as a tree of a published layout.

    Args:
        store: file of the store.
        dataset: its dataset.
        layout: one of `LAYOUTS`.
        directory: the folder to create; the dataset's folder goes below it.

    Returns:
        The feature-set folder.

    Raises:
        UnknownNameError: no such layout.
        DataError: the store is damaged or altered, or its content does not fit the layout.
        AvbenchError: `directory` exists already, or cannot be written.
    """
    if layout not in _LAYOUTS:
        raise UnknownNameError("layout to export", layout, _LAYOUTS)
    form = _LAYOUTS[layout]
    header, table = read_store(store)
    if fingerprint(table) != header.fingerprint:
        raise DataError(f"{store}: altered: its content does not match its fingerprint; import it again")
    problem = _problem(table, dataset, form)
    if problem is not None:
        raise DataError(f"{table.features} of {table.dataset} cannot be written in the {layout} layout: {problem}")
    below = Path(disk_folder(dataset.name), "features", form.folders.get(table.features, table.features))
    with new_folder(directory) as folder:
        write_lists(folder / below.parts[0] / "class-split", dataset, table)
        _write_features(folder / below, form, dataset, table)
        text_files = _write_text(folder / below / "text", form, dataset, table)
        marker = Marker(
            dataset=table.dataset,
            features=table.features,
            simulated=table.simulated,
            audio=header.audio,
            visual=header.visual,
            text=dict(header.text),
            audio_seconds=header.audio_seconds,
            visual_seconds=header.visual_seconds,
            text_files=text_files if _same_widths(table) else None,
            added=header.origin == ADDED,
        )
        (folder / below / FILE_NAME).write_bytes(marker.content())
        if dataset.name not in registered_datasets():  # else another data folder does not know it
            write_own_dataset(folder / below / FACTS_FILE, dataset)
    return directory / below


def _problem(table: FeatureTable, dataset: Dataset, form: _Layout) -> str | None:
    """Find why published code or the import would misread a table in a layout; None if neither would."""
    if isinstance(table.audio, Ragged) != form.sequences:
        fitting = " or ".join(name for name, other in _LAYOUTS.items() if other.sequences != form.sequences)
        shown = {True: "sequences", False: "one vector per video"}
        return f"it has {shown[form.sequences]}, and these are {shown[not form.sequences]}; use {fitting}"
    encoders = len(form.text)
    if len(table.text) > encoders:
        return f"text encoders it has room for: {encoders}; these features have {', '.join(table.text)}"
    bare = [dataset.class_names[i] for v in table.text.values() for i in np.flatnonzero(np.isnan(v).any(axis=1))]
    if bare:
        return f"the published code needs one text vector per class, and {bare[0]!r} has none"
    empty = [p for p in PARTITIONS if not (table.partition & partition_bit(p)).any()]
    if empty:
        return f"it has no videos in {', '.join(empty)}"
    stage1 = (table.partition & STAGE1_BITS) != 0
    if (stage1 & ((table.partition & partition_bit("stage2_train")) == 0)).any():
        return "videos of the stage-1 partitions are missing from stage2_train"
    return _class_problem(dataset, form)


def _same_widths(table: FeatureTable) -> bool:
    """Whether two text encoders have the same width, by which the readers distinguish them otherwise."""
    widths = [vectors.shape[1] for vectors in table.text.values()]
    return len(set(widths)) != len(widths)


def _class_problem(dataset: Dataset, form: _Layout) -> str | None:
    listed = [c.listed for c in dataset.classes]
    if sorted(listed) != listed:
        return "the published code numbers classes by the sort of their names, and this dataset does not"
    repeated = [name for name, n in Counter(_key(c, form) for c in dataset.classes).items() if n > 1]
    if repeated:
        return f"two classes are called {repeated[0]!r} in its text files"
    unfit = [name for name in dataset.class_names if name.startswith(".") or set("/\\\n\r\0") & set(name)]
    if unfit:
        return f"class {unfit[0]!r} cannot be the name of a file"
    return None


def _key(names: ClassNames, form: _Layout) -> str:
    """Give the name of a class in the layout's text files."""
    return names.clip if form.clip_names else names.readable


def _write_features(folder: Path, form: _Layout, dataset: Dataset, table: FeatureTable) -> None:
    """Write one file per modality, partition and class; rows of a class are adjacent in a table."""
    bounds = np.searchsorted(table.label, np.arange(len(dataset.classes) + 1))
    for modality, feature in (("audio", table.audio), ("video", table.visual)):
        for partition in PARTITIONS:
            place = folder / modality / disk_name(partition)
            place.mkdir(parents=True)
            inside = (table.partition & partition_bit(partition)) != 0
            for name, start, stop in zip(dataset.class_names, bounds, bounds[1:], strict=False):
                rows = start + np.flatnonzero(inside[start:stop])
                if len(rows):
                    ids = [table.video_id[i] for i in rows]
                    form.write(place / f"{name}{form.extension}", ids, [_values(feature, i) for i in rows])


def _values(feature: Feature, row: int) -> NDArray[np.float32]:
    """Give a video as the files hold it: `[D]`, or `[T, D]` of a sequence."""
    if isinstance(feature, Ragged):
        return feature.values[feature.offsets[row] : feature.offsets[row + 1]]
    vector: NDArray[np.float32] = feature[row]
    return vector


def _write_text(folder: Path, form: _Layout, dataset: Dataset, table: FeatureTable) -> dict[str, str]:
    """Write a text file per encoder, and give their names by encoder."""
    folder.mkdir()
    stem = form.activitynet if dataset.name == "activitynet" else dataset.name
    keys = [_key(c, form) for c in dataset.classes]
    names = {e: file.format(stem) for e, file in zip(table.text, form.text, strict=False)}
    for encoder, name in names.items():
        write_text(folder / name, dict(zip(keys, table.text[encoder], strict=True)))
    return names
