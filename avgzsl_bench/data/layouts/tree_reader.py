"""The reader of a published layout: what AVCA, ClipClap and TCAF trees have in common."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, FeatureSet
from avgzsl_bench.data.layouts.assemble import assemble
from avgzsl_bench.data.layouts.class_file import ClassFileReader
from avgzsl_bench.data.layouts.marker import marked_datasets, read_marker
from avgzsl_bench.data.layouts.readers import DetectedFeatures
from avgzsl_bench.data.layouts.text import read_text, text_keys
from avgzsl_bench.data.layouts.tree import FeatureTree, dataset_of, feature_folders
from avgzsl_bench.data.store.origin import ADDED
from avgzsl_bench.data.store.table import FeatureTable

_PUBLISHED = {f.name: f for f in PUBLISHED}


@dataclass(frozen=True)
class TreeReader:
    """Reads `features/<set>/{audio,video}/<partition>/<class><extension>`; a `FeatureReader`.

    Attributes:
        name: layout name.
        extension: suffix of class files, with the dot.
        sequences: whether the layout keeps sequences.
        feature_set: finds the published feature set of a tree by structure and widths; DataError if there is none.
        read_file: reads a class file.
    """

    name: str
    extension: str
    sequences: bool
    feature_set: Callable[[FeatureTree], FeatureSet]
    read_file: ClassFileReader

    def recognise(self, directory: Path, datasets: Sequence[Dataset]) -> list[DetectedFeatures]:
        """Find the feature-set folders at or below a directory; see `FeatureReader`."""
        found = []
        trees = [FeatureTree(path, self.extension) for path in feature_folders(directory)]
        for tree in [tree for tree in trees if tree.class_names()]:
            dataset = dataset_of(tree, marked_datasets(tree, datasets), text_keys(tree))
            if dataset is not None:
                marker = read_marker(tree)
                features = marker.feature_set if marker else self.feature_set(tree)
                if features.sequences == self.sequences:
                    found.append(DetectedFeatures(self.name, dataset.name, features.name, tree.path))
        return found

    def read(self, found: DetectedFeatures, dataset: Dataset) -> FeatureTable:
        """Read a whole feature set; see `FeatureReader`."""
        tree = FeatureTree(found.path, self.extension)
        marker = read_marker(tree)
        features = marker.feature_set if marker else _PUBLISHED[found.features]
        source = ADDED if marker and marker.added else self.name
        text = read_text(tree, dataset, features, marker.text_files if marker else None)
        return assemble(tree, dataset, features, self.read_file, text, source)
