"""Survey of the caches that the published code writes beside the features.

`_features_processed/<feature folder>/{training,val,train_val,test}<split folder>.pkl`, each a dictionary with the
parts `audio`, `video`, `text`, each of these with `data`, `target`, `url`. A cache is one pickle, so it is read
whole; one at a time is in memory.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.audit.class_files import clean_ids
from avgzsl_bench.data.audit.finding import Audit, Findings
from avgzsl_bench.data.audit.survey import MODALITIES, WIDEST, Collector, Survey, Text
from avgzsl_bench.data.datasets.facts import Dataset, partition_bit
from avgzsl_bench.data.datasets.recordings import UNKNOWN, recordings
from avgzsl_bench.data.layouts.marker import simulated_video
from avgzsl_bench.data.layouts.pickled import listed
from avgzsl_bench.data.layouts.tree import refuse_link_out
from avgzsl_bench.data.untrusted.unpickle import load_pickle
from avgzsl_bench.errors import DataError

_NAME = re.compile(r"(training|val|train_val|test)(\w+)_split\.pkl")
_PHASES = {
    "training": ("stage1_train", None),
    "val": ("stage1_val_seen", "stage1_val_unseen"),
    "train_val": ("stage2_train", None),
    "test": ("stage2_test_seen", "stage2_test_unseen"),
}
"""Partitions of a cache: that of seen classes, and that of unseen ones."""

_LARGEST = 1 << 31
"""Upper bound of class ids."""


def find_surveys(
    place: Path, datasets: Sequence[Dataset], report: Callable[[str], None]
) -> Iterator[Survey | Audit]:
    """Survey each set of caches in or below a folder, or the one file."""
    if place.is_file():
        paths = [place]
    else:
        below = ("*.pkl", "*/*.pkl", "*/*/*.pkl", "*/*/*/*.pkl")
        paths = sorted({path for pattern in below for path in place.glob(pattern)})
    sets: dict[tuple[Path, str], dict[str, Path]] = defaultdict(dict)
    for path in paths:
        name = _NAME.fullmatch(path.name)
        if name is not None and (path.is_file() or path.is_symlink()):
            sets[path.parent, name[2]][name[1]] = path
    for (folder, split), files in sorted(sets.items()):
        report(f"reading caches in {folder}")
        yield _survey(place if place.is_dir() else place.parent, folder, split, files, datasets)


def _survey(
    place: Path, folder: Path, split: str, files: dict[str, Path], datasets: Sequence[Dataset]
) -> Survey | Audit:
    target = f"{folder} ({split})"
    survey: Survey | None = None
    faults = Findings()
    collectors: dict[str, Collector] = {}
    sequences = False
    for phase in _PHASES:
        if phase not in files:
            continue
        where = files[phase].name
        try:
            refuse_link_out(files[phase], place)
            parts = _parts(files[phase])
        except DataError as error:
            faults.add("unreadable", where, str(error).removeprefix(f"{files[phase]}: "))
            continue
        if survey is None:
            dataset = _dataset(parts, datasets)
            if dataset is None:
                text = "neither the rows of its text nor its ids are those of a known dataset"
                faults.add("cache-form", where, text)
                continue
            name = Path(os.path.abspath(folder)).name
            survey = Survey(target, "cache", dataset, folder=name)
            survey.split = split if split in dataset.splits else None
        sequences |= _add(parts, phase, where, survey, collectors)
    if survey is None:
        return Audit(target, "cache", tuple(faults))
    survey.findings[:0] = faults
    survey.take(collectors, sequences=sequences)
    ids = chain.from_iterable(v.video_id for v in survey.vectors.values())
    survey.simulated = simulated_video(ids) is not None
    return survey


def _parts(path: Path) -> dict[str, dict[str, Any]]:
    content = load_pickle(path)
    if not isinstance(content, dict):
        raise DataError(f"{path}: expected a dictionary with 'audio', 'video' and 'text'")
    for name in ("audio", "video", "text"):
        part = content.get(name)
        if not isinstance(part, dict) or not {"data", "target"} <= part.keys():
            raise DataError(f"{path}: part {name!r} is no dictionary with 'data' and 'target'")
    return content


def _dataset(parts: dict[str, dict[str, Any]], datasets: Sequence[Dataset]) -> Dataset | None:
    """Find the dataset by the number of text rows, or of their targets; else by the form of the ids."""
    for rows in (_length(parts["text"]["data"]), _length(parts["text"]["target"])):
        for dataset in datasets:
            if len(dataset.classes) == rows:
                return dataset
    raw = listed(parts["audio"].get("url")) or []
    ids = [video for video in clean_ids(raw, "", Findings()) if video is not None]
    fitting = [d for d in datasets if ids and (recordings(d, ids) != UNKNOWN).all()]
    return fitting[0] if len(fitting) == 1 else None


def _add(
    parts: dict[str, dict[str, Any]], phase: str, where: str, survey: Survey, collectors: dict[str, Collector]
) -> bool:
    """Add a cache to the survey; True if it holds sequences."""
    sequences = False
    paired: list[list[tuple[int, str | None]]] = []
    for modality, name in MODALITIES.items():
        arrays, target = _arrays(parts[name]["data"]), _targets(parts[name]["target"])
        raw = listed(parts[name].get("url")) or []
        if arrays is None or target is None or not len(arrays) == len(target) == len(raw):
            lengths = [_length(parts[name].get(key)) for key in ("data", "target", "url")]
            text = f"{name}: data, target and url have lengths {lengths}, or do not hold vectors and class ids"
            survey.findings.add("cache-form", where, text)
            continue
        ids = clean_ids(raw, f"{where}, {name}", survey.findings)
        paired.append(list(zip(target.tolist(), ids, strict=True)))
        sequences |= any(a.ndim == 2 and len(a) > 1 for a in arrays)
        width = next((a.shape[-1] for a in arrays if a.size and a.ndim in (1, 2) and a.shape[-1] <= WIDEST), 1)
        collector = collectors.setdefault(modality, Collector(width))
        mask = _masks(target, phase, survey.dataset)
        inside = (target >= 0) & (target < len(survey.dataset.classes))
        sound = [
            i
            for i, a in enumerate(arrays)
            if ids[i] is not None and inside[i] and a.size and a.ndim in (1, 2) and a.shape[-1] == collector.width
        ]
        if len(sound) < len(arrays):
            lost = len(arrays) - len(sound)
            text = f"{name}: {lost} rows without id, without steps, of another width or of no class"
            survey.findings.add("cache-form", where, text)
        collector.add(
            target[sound],
            mask[sound],
            [str(ids[i]) for i in sound],
            [np.asarray(arrays[i], np.float32) for i in sound],
        )
    if len(paired) == len(MODALITIES) and paired[0] != paired[1]:
        differing = sum(a != b for a, b in zip(*paired, strict=False)) + abs(len(paired[0]) - len(paired[1]))
        survey.findings.add("cache-pairs", where, f"{differing} rows of audio and video differ in class or id")
    _add_text(parts["text"], phase, where, survey)
    return sequences


def _add_text(part: dict[str, Any], phase: str, where: str, survey: Survey) -> None:
    rows, target = _arrays(part["data"]), _targets(part["target"])
    if rows is None or target is None or len(rows) != len(target) or {a.ndim for a in rows} != {1}:
        survey.findings.add("cache-form", where, "text: not as many vectors of one width as targets")
        return
    if len({len(a) for a in rows}) != 1:
        survey.findings.add("cache-form", where, "text: vectors of several widths")
        return
    if len(rows) != len(survey.dataset.classes):
        text = f"text: {len(rows)} rows, {survey.dataset.name} has {len(survey.dataset.classes)} classes"
        survey.findings.add("cache-form", where, text)
    survey.text[f"{phase} text"] = Text(where, np.stack(rows).astype(np.float32), target, by_row=True)


def _masks(target: NDArray[np.int64], phase: str, dataset: Dataset) -> NDArray[np.uint8]:
    """Find the partition of each row by its class: a cache holds videos of seen and unseen classes together."""
    first, second = _PHASES[phase]
    mask = np.full(len(target), partition_bit(first), np.uint8)
    if second is not None:
        unseen = {c for split in dataset.splits for c in dataset.facts(split)[second].classes}
        mask[np.isin(target, sorted(unseen))] = partition_bit(second)
    return mask


def _arrays(value: object) -> Sequence[NDArray[Any]] | None:
    """Rows of a matrix, or a list of arrays; None if it is neither or holds no numbers."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        return list(value) if value.ndim >= 2 and value.dtype.kind in "fiu" else None
    rows = listed(value)
    return rows if rows and all(isinstance(a, np.ndarray) and a.dtype.kind in "fiu" for a in rows) else None


def _targets(value: object) -> NDArray[np.int64] | None:
    if isinstance(value, list) and all(_is_number(v) for v in value):
        value = np.array([float(v) for v in value])
    if not isinstance(value, np.ndarray) or value.ndim != 1 or value.dtype.kind not in "iuf":
        return None
    value = value.astype(np.float64)
    whole = np.isfinite(value).all() and (value == np.rint(value)).all() and (np.abs(value) < _LARGEST).all()
    return value.astype(np.int64) if whole else None


def _is_number(value: object) -> bool:
    if isinstance(value, np.ndarray):
        return value.size == 1 and value.dtype.kind in "iu"
    return isinstance(value, int | np.integer) and abs(int(value)) < _LARGEST


def _length(value: object) -> int | None:
    counts = isinstance(value, list | tuple) or (isinstance(value, np.ndarray) and value.ndim)
    return len(value) if counts else None  # type: ignore[arg-type]
