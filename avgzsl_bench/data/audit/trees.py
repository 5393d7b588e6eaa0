"""A survey of a feature-set folder of the published layouts, class file by class file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from avgzsl_bench.data.audit.class_files import UNREADABLE, fitting, read_class_file
from avgzsl_bench.data.audit.finding import Check, Finding, Severity
from avgzsl_bench.data.audit.list_files import read_lists
from avgzsl_bench.data.audit.survey import WIDEST, Collector, Survey, Text, feature_set
from avgzsl_bench.data.datasets import PARTITIONS, Dataset, partition_bit
from avgzsl_bench.data.official.tree import FeatureTree, dataset_of, disk_name, feature_folders, refuse_link_out
from avgzsl_bench.data.unpickle import load_object_array
from avgzsl_bench.errors import DataError

_EXTENSIONS = (".h5", ".pkl")
_FOLDERS = {"audio": "audio", "visual": "video"}
_SAMPLED = 5
"""Files that the width of a modality is told by: the smallest ones, the most common width."""

_UNKNOWN_CLASS = Check(
    "unknown-class",
    Severity.ERROR,
    "'data import' refuses the tree; the published loaders stop, too",
    "remove the file, or give it the name of its class in the class lists",
)
_TWO_FILES = Check(
    "class-file-twice",
    Severity.ERROR,
    "the class's videos are in two files, of which one may be out of date",
    "keep one file for a class",
)
_TEXT_FILE = Check(
    "text-file",
    Severity.ERROR,
    "classes without a vector cannot be told by their name: 'data import' refuses the tree",
    "download the text file again; its keys are the readable class names",
)


class _Tree(FeatureTree):
    """A tree that passes over what leads out of it; its parent refuses all of the folder then."""

    def class_files(self, modality: str, partition: str) -> dict[str, Path]:
        """The class files of a partition by class name, without links out of the tree."""
        sound, _ = self.sorted_out(self.path / modality / disk_name(partition), self.extension)
        return {path.name.removesuffix(self.extension): path for path in sound}

    def text_files(self) -> list[Path]:
        """The `.npy` files of the text folder, without links out of the tree."""
        return self.sorted_out(self.path / "text", ".npy")[0]

    def sorted_out(self, folder: Path, extension: str) -> tuple[list[Path], dict[Path, str]]:
        """The files of a folder that may be read, and why the others may not."""
        refused = self._refusal(folder.parent) or self._refusal(folder)
        if refused is not None:
            return [], {folder: refused}
        if not folder.is_dir():
            return [], {}
        names = sorted(n for n in os.listdir(folder) if n.endswith(extension) and not n.startswith("."))
        paths = [folder / name for name in names if not (folder / name).is_dir()]
        refusals = {path: text for path in paths if (text := self._refusal(path)) is not None}
        return [path for path in paths if path not in refusals], refusals

    def _refusal(self, path: Path) -> str | None:
        try:
            refuse_link_out(path, self.path)
        except DataError as error:
            return str(error).removeprefix(f"{path}: ")
        return None


def find_surveys(
    directory: Path, datasets: Sequence[Dataset], announce: Callable[[str], None]
) -> Iterator[Survey]:
    """A survey of each feature-set folder at or below a directory.

    Raises:
        DataError: a folder is a link that leads out of the directory.
    """
    for extension in _EXTENSIONS:
        for folder in feature_folders(directory):
            tree = _Tree(folder, extension)
            keys = {key for path in tree.text_files() for key in _dictionary(path, [])}
            dataset = dataset_of(tree, datasets, keys)
            if dataset is not None:
                announce(f"reading {tree.path}")
                yield _survey(tree, dataset)


def _survey(tree: _Tree, dataset: Dataset) -> Survey:
    survey = Survey(str(tree.path), "tree", dataset, folder=tree.path.name)
    survey.split = next((s for s in dataset.splits if tree.path.name.startswith(f"{s}_")), None)
    _read_text(tree, survey)
    sequences = False
    for modality, folder in _FOLDERS.items():
        width, steps = _form(tree, folder)
        sequences |= steps
        collector = Collector(width)
        for partition in PARTITIONS:
            _read_partition(tree, folder, partition, collector, survey)
        gathered = collector.finished()
        if gathered is not None:
            survey.vectors[modality] = gathered
    if len(survey.vectors) == len(_FOLDERS):
        audio, visual = (survey.vectors[m].width for m in _FOLDERS)
        survey.features = feature_set((audio, visual), sequences)
        _check_encoders(survey)
    read_lists(tree.path, survey)
    return survey


def _read_partition(tree: _Tree, folder: str, partition: str, collector: Collector, survey: Survey) -> None:
    place = f"{folder}/{disk_name(partition)}"
    paths, refusals = tree.sorted_out(tree.path / place, tree.extension)
    survey.findings += [
        UNREADABLE.found(str(path.relative_to(tree.path)), text) for path, text in refusals.items()
    ]
    owner: dict[int, str] = {}
    for path in paths:
        name = path.name.removesuffix(tree.extension)
        where = f"{place}/{path.name}"
        label = survey.dataset.class_id(name)
        if label is None:
            survey.findings.append(_UNKNOWN_CLASS.found(where, f"{name!r} is no class of {survey.dataset.name}"))
            continue
        if label in owner:
            survey.findings.append(_TWO_FILES.found(where, f"{owner[label]!r} and {name!r} are the same class"))
            continue
        owner[label] = name
        file = read_class_file(path, where)
        ids, arrays = fitting(file, collector.width, where)
        collector.add(label, partition_bit(partition), ids, arrays)
        survey.findings += file.findings


def _form(tree: _Tree, folder: str) -> tuple[int, bool]:
    """Most common width among the smallest files that have vectors, and whether any of them has sequences."""
    widths: Counter[int] = Counter()
    sequences = False
    for path in tree.smallest_files(folder):
        arrays = [a for a in read_class_file(path, path.name).arrays if a.ndim in (1, 2) and a.size]
        widths.update({a.shape[-1] for a in arrays if a.shape[-1] <= WIDEST})
        sequences |= any(a.ndim == 2 and len(a) > 1 for a in arrays)
        if widths.total() >= _SAMPLED:
            break
    return (widths.most_common(1)[0][0] if widths else 1), sequences


def _read_text(tree: _Tree, survey: Survey) -> None:
    """Class vectors of each file; their names tell the class, by either list of readable names."""
    dataset = survey.dataset
    for path in tree.text_files():
        where = f"text/{path.name}"
        content = _dictionary(path, survey.findings)
        namings = [[c.readable for c in dataset.classes], [c.clip for c in dataset.classes]]
        names = max(namings, key=lambda naming: len(content.keys() & set(naming)))
        ids = {name: i for i, name in enumerate(names)}
        unknown = sorted(content.keys() - ids.keys())
        missing = [name for name in names if name not in content]
        if content and (unknown or missing):
            parts = [f"{len(unknown)} names of no class, such as {unknown[0]!r}"] if unknown else []
            parts += [f"no vector for {len(missing)} classes, such as {missing[0]!r}"] if missing else []
            survey.findings.append(_TEXT_FILE.found(where, "; ".join(parts)))
        known = sorted(content.keys() & ids.keys(), key=ids.__getitem__)
        widths = Counter(len(content[name]) for name in known)
        if len(widths) > 1:
            survey.findings.append(_TEXT_FILE.found(where, f"vectors of several widths: {sorted(widths)}"))
        rows = [name for name in known if len(content[name]) == widths.most_common(1)[0][0]]
        if rows:
            vectors = np.stack([content[name] for name in rows]).astype(np.float32)
            target = np.array([ids[name] for name in rows], np.int64)
            survey.text[path.name] = Text(where, vectors, target, by_row=False)


def _check_encoders(survey: Survey) -> None:
    """One text file for each encoder of the feature set; an encoder is told by the width of its vectors."""
    for encoder, width in (survey.features.text if survey.features else {}).items():
        files = [text.where for text in survey.text.values() if text.vectors.shape[1] == width]
        if len(files) != 1:
            text = f"{len(files)} files with vectors of width {width} ({encoder}), expected one"
            survey.findings.append(_TEXT_FILE.found("text", text))


def _dictionary(path: Path, findings: list[Finding]) -> dict[str, np.ndarray]:
    """The vectors of a text file by name; what is none is left out, and told."""
    where = f"text/{path.name}"
    try:
        content = load_object_array(path)
    except DataError as error:
        findings.append(_TEXT_FILE.found(where, str(error).removeprefix(f"{path}: ")))
        return {}
    if not isinstance(content, dict):
        findings.append(_TEXT_FILE.found(where, "not a dictionary from class name to vector"))
        return {}
    named = {k.decode("utf-8", "replace") if isinstance(k, bytes) else str(k): v for k, v in content.items()}
    sound = {
        k: v
        for k, v in named.items()
        if isinstance(v, np.ndarray) and v.ndim == 1 and v.size and v.dtype.kind == "f"
    }
    if len(sound) < len(named):
        findings.append(_TEXT_FILE.found(where, f"{len(named) - len(sound)} entries are no vectors"))
    return sound
