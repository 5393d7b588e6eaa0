"""Facts gathered from data in one pass, in memory that does not grow with the width of the vectors.

Of each vector stay its class, partitions, id, length and a sketch: its product with a fixed random matrix of
`SKETCH` columns, which keeps distances to about an eighth. Of each dimension stay the lowest and highest value, of
sequences how many steps there are. Lengths and sketches are float64: those of large float32 numbers overflow.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.audit.finding import Findings
from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset, partition_bit
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, FeatureSet

SKETCH = 32
WIDEST = 1 << 16
"""Wider vectors are treated as damage: the widest published ones have 4096 numbers."""
MODALITIES = {"audio": "audio", "visual": "video"}
"""Modalities, and the folder or part that holds each in published files."""


@dataclass
class Vectors:
    """The vectors of one modality: entry `i` is a video in one place, or in the several partitions of its mask.

    Attributes:
        width: of the vectors.
        label: class id of each entry: int64 `[n]`.
        mask: partitions of each entry: uint8 `[n]`.
        video_id: `n` ids.
        finite: whether all numbers of an entry are finite: bool `[n]`; other entries do not count below.
        norm: length of each vector, of a sequence that of its mean: float64 `[n]`.
        sketch: float64 `[n, SKETCH]`.
        digest: hash of the numbers of each entry: uint64 `[n]`.
        steps: of each entry, 1 for a vector: int64 `[n]`.
        step_norm: lowest and highest length of any step that is not zero; nan without one.
        whole: whether all numbers are whole.
        low, high: of each dimension: float32 `[width]`.
    """

    width: int
    label: NDArray[np.int64]
    mask: NDArray[np.uint8]
    video_id: list[str]
    finite: NDArray[np.bool_]
    norm: NDArray[np.float64]
    sketch: NDArray[np.float64]
    digest: NDArray[np.uint64]
    steps: NDArray[np.int64]
    step_norm: tuple[float, float]
    whole: bool
    low: NDArray[np.float32]
    high: NDArray[np.float32]

    def inside(self, partition: str) -> NDArray[np.bool_]:
        """Mark the entries in a partition: bool `[n]`."""
        return np.asarray((self.mask & partition_bit(partition)) != 0)

    def ids(self, partition: str) -> list[str]:
        """List the ids of a partition, in order of entries."""
        return [self.video_id[i] for i in np.flatnonzero(self.inside(partition))]


@dataclass
class Text:
    """Class vectors of one encoder, with the stated class of each.

    Attributes:
        where: name of the file.
        vectors: float32 `[n, E]`.
        target: class id of each row: int64 `[n]`.
        by_row: whether the published code would take row `r` for class `r` as it stands (a cache), rather than
            sort by name first (a dictionary of a feature tree).
        names: the key of each class, by class id, of a dictionary; None elsewhere.
    """

    where: str
    vectors: NDArray[np.float32]
    target: NDArray[np.int64]
    by_row: bool
    names: list[str] | None = None


@dataclass
class ClassList:
    """A partition's class list and csv, as they lie beside the features.

    Attributes:
        where: path of the list without its ending, relative to the target.
        partition: of the six.
        listed: names in the txt; None without a txt.
        rows: `(video id, label, class id or None)` of the csv; None without one.
        ends: whether the txt ends with a line feed.
    """

    where: str
    partition: str
    listed: list[str] | None
    rows: list[tuple[str, str, int | None]] | None
    ends: bool = True


@dataclass
class Survey:
    """Everything that the checks read.

    Attributes:
        target: the audited data, for people.
        kind: `tree`, `cache` or `store`.
        dataset: the dataset.
        features: the feature set by widths; None if they are of none that is known.
        folder: name of the feature folder; empty where there is none.
        split: class lists that a tree or cache belongs to by its name; None: by any.
        simulated: whether its features are called simulated.
        vectors: by modality.
        text: by encoder.
        lists: class lists beside a tree, by split.
        class_names: lines of `all_class.txt`; None if it is not there.
        names: rows of the csvs that name the classes, by name of the file.
        findings: faults found while reading.
    """

    target: str
    kind: str
    dataset: Dataset
    features: FeatureSet | None = None
    folder: str = ""
    split: str | None = None
    simulated: bool = False
    vectors: dict[str, Vectors] = field(default_factory=dict)
    text: dict[str, Text] = field(default_factory=dict)
    lists: dict[str, list[ClassList]] = field(default_factory=dict)
    class_names: list[str] | None = None
    names: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)

    def take(self, collectors: Mapping[str, Collector], *, sequences: bool) -> None:
        """Take the gathered vectors of each modality, and the published feature set of their widths, if any."""
        self.vectors = {m: v for m, c in collectors.items() if (v := c.finished()) is not None}
        if len(self.vectors) == len(MODALITIES):
            form = self.vectors["audio"].width, self.vectors["visual"].width, sequences
            fitting = (f for f in PUBLISHED if (f.audio, f.visual, f.sequences) == form)
            self.features = next(fitting, None)

    def name(self, label: int) -> str:
        """Give a class's name, also where there is no such class."""
        names = self.dataset.class_names
        return names[label] if 0 <= label < len(names) else f"id {label}"


class Collector:
    """Gathers the vectors of a modality, `[width]` each, block by block."""

    def __init__(self, width: int) -> None:
        self.width = width
        random = np.random.RandomState(width)
        self._matrix = random.standard_normal((width, SKETCH)) / np.sqrt(SKETCH)
        self._ids: list[str] = []
        self._blocks: list[tuple[NDArray[Any], ...]] = []
        self._step_norms: list[float] = []
        self._whole = True
        self._low = np.full(width, np.inf, np.float32)
        self._high = np.full(width, -np.inf, np.float32)

    def add(
        self,
        label: NDArray[np.int64] | int,
        mask: NDArray[np.uint8] | int,
        video_ids: Sequence[str],
        arrays: Sequence[NDArray[np.float32]] | NDArray[np.float32],
    ) -> None:
        """Add a block of videos.

        Args:
            label, mask: `[n]`, or one for all.
            video_ids: `n` ids.
            arrays: a vector `[width]` or a sequence `[T, width]` each, float32.
        """
        n = len(video_ids)
        if not n:
            return
        values = np.stack([np.atleast_2d(a).mean(axis=0, dtype=np.float64) for a in arrays])
        finite = np.isfinite(values).all(axis=1)
        sound = values[finite]
        digest, counts = np.empty(n, np.uint64), np.empty(n, np.int64)
        for i, array in enumerate(arrays):
            steps = np.atleast_2d(array)
            counts[i] = len(steps)
            if finite[i]:
                self._low = np.minimum(self._low, steps.min(axis=0))
                self._high = np.maximum(self._high, steps.max(axis=0))
                self._whole = self._whole and bool((steps == np.rint(steps)).all())
                lengths = np.linalg.norm(steps.astype(np.float64), axis=1)
                lengths = lengths[lengths > 0]
                self._step_norms += [lengths.min(), lengths.max()] if len(lengths) else []
            content = np.ascontiguousarray(array, np.float32).tobytes()
            digest[i] = int.from_bytes(hashlib.blake2b(content, digest_size=8).digest(), "little")
        norm, sketch = np.zeros(n), np.zeros((n, SKETCH))
        norm[finite] = np.linalg.norm(sound, axis=1)
        sketch[finite] = sound @ self._matrix
        labels = np.broadcast_to(np.asarray(label, np.int64), n)
        masks = np.broadcast_to(np.asarray(mask, np.uint8), n)
        self._ids += video_ids
        self._blocks.append((labels, masks, finite, norm, sketch, digest, counts))

    def finished(self) -> Vectors | None:
        """Give the gathered vectors; None if there are none."""
        if not self._ids:
            return None
        columns = (np.concatenate(parts) for parts in zip(*self._blocks, strict=True))
        label, mask, finite, norm, sketch, digest, steps = columns
        return Vectors(
            width=self.width,
            label=label,
            mask=mask,
            video_id=self._ids,
            finite=finite,
            norm=norm,
            sketch=sketch,
            digest=digest,
            steps=steps,
            step_norm=(min(self._step_norms, default=np.nan), max(self._step_norms, default=np.nan)),
            whole=self._whole,
            low=self._low,
            high=self._high,
        )


def partitions_of(dataset: Dataset, split: str | None) -> dict[str, set[int]]:
    """Collect the classes that each partition may hold: of one split, or of any."""
    splits = [split] if split else list(dataset.splits)
    return {p: {c for s in splits for c in dataset.facts(s)[p].classes} for p in PARTITIONS}
