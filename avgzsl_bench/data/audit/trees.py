"""Survey of a feature-set folder of the published layouts, class file by class file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from avgzsl_bench.data.audit.class_files import fitting, read_class_file
from avgzsl_bench.data.audit.finding import Audit, Findings, some
from avgzsl_bench.data.audit.list_files import read_lists
from avgzsl_bench.data.audit.survey import MODALITIES, WIDEST, Collector, Survey
from avgzsl_bench.data.audit.tree_text import check_encoders, read_text, text_names
from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset, partition_bit
from avgzsl_bench.data.layouts.marker import FILE_NAME, Marker, marked_datasets, read_marker, simulated_video
from avgzsl_bench.data.layouts.tree import FeatureTree, dataset_of, disk_name, feature_folders, refuse_link_out
from avgzsl_bench.errors import DataError

_EXTENSIONS = (".h5", ".pkl")
_BELOW = ("", "*/", "features/*/", "*/features/*/")
"""Places of feature-set folders, as in `layouts.tree`."""
_SAMPLED = 5
"""Number of files, the smallest ones, whose most common width is that of the modality."""


class _Tree(FeatureTree):
    """A tree that skips links out of it, where `FeatureTree` refuses the whole folder."""

    def class_files(self, modality: str, partition: str) -> dict[str, Path]:
        """List the class files of a partition by class name, without links out of the tree."""
        sound, _ = self.sorted_out(self.path / modality / disk_name(partition), self.extension)
        return {path.name.removesuffix(self.extension): path for path in sound}

    def text_files(self) -> list[Path]:
        """List the `.npy` files of the text folder, without links out of the tree."""
        return self.sorted_out(self.path / "text", ".npy")[0]

    def sorted_out(self, folder: Path, extension: str) -> tuple[list[Path], dict[Path, str]]:
        """List the files of a folder that may be read, and why the others may not."""
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
    directory: Path, datasets: Sequence[Dataset], report: Callable[[str], None]
) -> Iterator[Survey | Audit]:
    """Survey each feature-set folder at or below a directory, also one that lacks a modality.

    Raises:
        DataError: a folder is a link that leads out of the directory.
    """
    for extension in _EXTENSIONS:
        for folder in _folders(directory):
            tree = _Tree(folder, extension)
            names = sorted(tree.class_names())
            if names:
                report(f"reading {tree.path}")
                yield _survey(tree, names, datasets)


def _folders(directory: Path) -> list[Path]:
    """Find the feature-set folders, including those with class files of one modality only."""
    patterns = [f"{below}{modality}/stage_[12]_*" for below in _BELOW for modality in MODALITIES.values()]
    folders = {p.parent.parent for pattern in patterns for p in directory.glob(pattern)}
    inside = {p for p in folders if p.resolve().is_relative_to(directory.resolve())}
    return sorted({*feature_folders(directory), *inside})


def _survey(tree: _Tree, names: list[str], datasets: Sequence[Dataset]) -> Survey | Audit:
    faults = Findings()
    mark, possible = _read_mark(tree, datasets, faults)
    try:
        dataset = dataset_of(tree, possible, text_names(tree.text_files()))
        reason = f"{len(names)} class files are named like no class of a known dataset: {some(names)}"
    except DataError as error:
        dataset, reason = None, str(error).removeprefix(f"{tree.path}: ")
    if dataset is None:
        faults.add("unknown-class", tree.extension, reason)
        return Audit(str(tree.path), "tree", tuple(faults))
    place = Path(os.path.abspath(tree.path))
    survey = Survey(str(tree.path), "tree", dataset, folder=place.name, findings=faults)
    survey.split = next((s for s in dataset.splits if place.name.startswith(f"{s}_")), None)
    read_text(tree.text_files(), survey)
    collectors: dict[str, Collector] = {}
    sequences = False
    for modality, folder in MODALITIES.items():
        width, steps = _form(tree, folder)
        sequences |= steps
        collectors[modality] = Collector(width)
        for partition in PARTITIONS:
            _read_partition(tree, folder, partition, collectors[modality], survey)
    survey.take(collectors, sequences=sequences)
    _heed_mark(survey, mark)
    check_encoders(survey, mark.text_files if mark else None)
    read_lists(place, survey)
    return survey


def _read_partition(tree: _Tree, folder: str, partition: str, collector: Collector, survey: Survey) -> None:
    place = f"{folder}/{disk_name(partition)}"
    paths, refusals = tree.sorted_out(tree.path / place, tree.extension)
    for path, text in refusals.items():
        survey.findings.add("unreadable", str(path.relative_to(tree.path)), text)
    owner: dict[int, str] = {}
    for path in paths:
        name = path.name.removesuffix(tree.extension)
        where = f"{place}/{path.name}"
        label = survey.dataset.class_id(name)
        if label is None:
            survey.findings.add("unknown-class", where, f"{name!r} is no class of {survey.dataset.name}")
            continue
        if label in owner:
            survey.findings.add("class-file-twice", where, f"{owner[label]!r} and {name!r} are the same class")
            continue
        owner[label] = name
        file = read_class_file(path, where)
        ids, arrays = fitting(file, collector.width, where)
        collector.add(label, partition_bit(partition), ids, arrays)
        survey.findings += file.findings


def _form(tree: _Tree, folder: str) -> tuple[int, bool]:
    """Find the most common width among the smallest files, and whether any of them has sequences."""
    widths: Counter[int] = Counter()
    sequences = False
    for path in tree.smallest_files(folder):
        arrays = [a for a in read_class_file(path, path.name).arrays if a.ndim in (1, 2) and a.size]
        widths.update({a.shape[-1] for a in arrays if a.shape[-1] <= WIDEST})
        sequences |= any(a.ndim == 2 and len(a) > 1 for a in arrays)
        if widths.total() >= _SAMPLED:
            break
    return (widths.most_common(1)[0][0] if widths else 1), sequences


def _read_mark(
    tree: FeatureTree, datasets: Sequence[Dataset], findings: Findings
) -> tuple[Marker | None, Sequence[Dataset]]:
    """Read the marker of a tree: the marker, and the datasets that the tree may be of."""
    try:
        return read_marker(tree), marked_datasets(tree, datasets)
    except DataError as error:
        findings.add("tree-mark", FILE_NAME, str(error).removeprefix(f"{tree.path / FILE_NAME}: "))
        return None, datasets


def _heed_mark(survey: Survey, mark: Marker | None) -> None:
    """Take the feature set from a marker, once the vectors are known; adds a finding where the two disagree."""
    ids = {video for vectors in survey.vectors.values() for video in vectors.video_id}
    if mark is None:
        if simulated_video(ids) is not None:
            text = "absent or unreadable, but ids are of the form sim_NNN_NNNNN: the features are simulated"
            survey.findings.add("tree-mark", FILE_NAME, text)
            survey.simulated = True
        return
    survey.simulated = mark.simulated
    widths = [survey.vectors[m].width for m in MODALITIES if m in survey.vectors]
    if widths == [mark.audio, mark.visual]:
        survey.features = mark.feature_set
    elif len(widths) > 1:
        text = f"says {mark.features} of widths {mark.audio}/{mark.visual}, found {widths[0]}/{widths[1]}"
        survey.findings.add("tree-mark", FILE_NAME, text)
