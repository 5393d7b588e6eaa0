"""From a store on disk to a benchmark: two tasks on the device, with the truth kept apart."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from avgzsl_bench.data.datasets import Dataset, PartitionFacts, partition_bit
from avgzsl_bench.data.feature_sets import PUBLISHED, SIMULATED, preferred
from avgzsl_bench.data.installed import Installed, scan, store_path
from avgzsl_bench.data.installed import data_root as resolve_data_root
from avgzsl_bench.data.simulated import ENCODER, ensure_simulated
from avgzsl_bench.data.store import StoreHeader, fingerprint, read_header, read_store
from avgzsl_bench.data.table import Feature, FeatureTable, Ragged
from avgzsl_bench.data.text_order import text_rows
from avgzsl_bench.device import choose_device
from avgzsl_bench.errors import DataError, UnknownNameError
from avgzsl_bench.plugins import dataset as find_dataset
from avgzsl_bench.task import Benchmark, Classes, Samples, Shape, Task, Truth, Videos


def find_store(dataset: Dataset, features: str, root: Path, text_needed: Sequence[str] = ()) -> StoreHeader:
    """The installed store to use.

    Args:
        dataset: the dataset.
        features: a feature set, or `auto`: the best installed real one that has the text encoders needed,
            else the simulated one, which is made on first use.
        root: the data folder.
        text_needed: text encoders that the method cannot do without.

    Raises:
        UnknownNameError: no such feature set.
        DataError: not installed, damaged, or without a text encoder that is needed; with `auto` also a
            damaged store of the dataset, which is never passed over.
    """
    there = scan(root)
    headers = [header for header in there.headers if header.dataset == dataset.name]
    if features == "auto":
        _require_readable(there, store_path(root, dataset.name, "any").parents[1])
        real = {h.features for h in headers if not h.simulated and set(text_needed) <= set(h.text)}
        features = next(iter(preferred(real)), SIMULATED)
    if features == SIMULATED:
        _require_text(text_needed, {ENCODER}, f"{dataset.name}, {SIMULATED} features")
        return read_header(ensure_simulated(root, dataset))
    _require_readable(there, store_path(root, dataset.name, features))
    found = next((header for header in headers if header.features == features), None)
    if found is None:
        installed = [h.features for h in headers]
        known = {*installed, *(f.name for f in PUBLISHED), SIMULATED, "auto"}
        if features not in known:
            raise UnknownNameError("feature set", features, known)
        raise DataError(
            f"no {features!r} features of {dataset.name} in {root} (installed: {', '.join(installed) or 'none'}); "
            f"import them with 'avbench data import DIR', or use --features {SIMULATED}"
        )
    _require_text(text_needed, set(found.text), f"{dataset.name}, {features} features")
    return found


def _require_readable(there: Installed, place: Path) -> None:
    """Refuse to pass over a damaged store at or below a place: the next best would be taken in silence."""
    for path, error in there.unreadable:
        if (path == place or place in path.parents) and path.parent.name != SIMULATED:
            raise DataError(f"{error}; or name other features with --features")


def warn_simulated(dataset: Dataset) -> None:
    """Say that simulated features stand in for real ones that were not found."""
    warnings.warn(
        f"no real features of {dataset.title} that can be used are installed: these are SIMULATED features, "
        "figures from them say nothing about real videos; import real ones with 'avbench data import DIR'",
        stacklevel=3,
    )


def _require_text(needed: Sequence[str], have: set[str], what: str) -> None:
    missing = [encoder for encoder in needed if encoder not in have]
    if missing:
        raise DataError(
            f"the method needs text embeddings by {', '.join(missing)}; "
            f"{what} have {', '.join(sorted(have))}; import a feature set that has them"
        )


def load_benchmark(
    dataset: str,
    features: str = "auto",
    split: str = "cls",
    *,
    data_root: Path | str | None = None,
    device: torch.device | str = "cpu",
    text_order: str = "by-name",
) -> Benchmark:
    """Load a dataset, ready to run.

    Args:
        dataset: dataset name.
        features: feature set, or `auto` for the best installed real one, else simulated.
        split: class split, `cls` or `main`.
        data_root: data folder; default `AVBENCH_DATA`, else the platform's.
        device: where the tensors go.
        text_order: `by-name`, or `official` for the class embeddings as the published loaders place them.

    Raises:
        UnknownNameError: no such dataset or split.
        DataError: not installed or damaged, or a partition without videos.
    """
    facts = find_dataset(dataset)
    root = resolve_data_root(Path(data_root) if data_root is not None else None)
    header = find_store(facts, features, root)
    if features == "auto" and header.simulated:
        warn_simulated(facts)
    return benchmark_of(header, facts, split, choose_device(str(device)), text_order)


def benchmark_of(
    header: StoreHeader, dataset: Dataset, split: str, device: torch.device, text_order: str
) -> Benchmark:
    """The benchmark of an installed store; see `load_benchmark`."""
    partitions = dataset.facts(split)
    _, table = read_store(header.path)
    if fingerprint(table) != header.fingerprint:
        raise DataError(f"{header.path}: altered: not the data that its fingerprint stands for; import it again")
    rows = {name: _rows(table, name, facts) for name, facts in partitions.items()}
    for name, found in rows.items():
        if not len(found):
            raise DataError(f"{header.path}: no video in partition {name} of split {split}; import it again")
    builder = _TaskBuilder(table, dataset, device, text_order, header)
    return Benchmark(
        dataset=dataset.name,
        features=table.features,
        split=split,
        simulated=table.simulated,
        shape=Shape(
            audio=builder.audio.shape[1],
            visual=builder.visual.shape[1],
            text={encoder: vectors.shape[1] for encoder, vectors in table.text.items()},
        ),
        selection=builder.task(
            partitions["stage1_train"].classes,
            partitions["stage1_val_unseen"].classes,
            rows["stage1_train"],
            np.concatenate([rows["stage1_val_seen"], rows["stage1_val_unseen"]]),
        ),
        final=builder.task(
            partitions["stage2_train"].classes,
            partitions["stage2_test_unseen"].classes,
            rows["stage2_train"],
            np.concatenate([rows["stage2_test_seen"], rows["stage2_test_unseen"]]),
        ),
        counts={name: len(found) for name, found in rows.items()},
        fingerprint=header.fingerprint,
        split_hash=dataset.split_hash(split),
        text_order=text_order,
        device=device,
    )


def _rows(table: FeatureTable, partition: str, facts: PartitionFacts) -> NDArray[np.int64]:
    """Rows of a partition's videos, ascending; videos of classes outside the split's list are left out."""
    inside = (table.partition & partition_bit(partition)) != 0
    return np.flatnonzero(inside & np.isin(table.label, facts.classes))


def _vectors(feature: Feature) -> NDArray[np.float32]:
    """One vector a video: sequences are averaged over time, as the published averaged sets are."""
    return feature.mean() if isinstance(feature, Ragged) else feature


class _TaskBuilder:
    """Makes the tasks of one store, sharing what they have in common."""

    def __init__(
        self, table: FeatureTable, dataset: Dataset, device: torch.device, text_order: str, header: StoreHeader
    ) -> None:
        self.table = table
        self.dataset = dataset
        self.device = device
        self.text_order = text_order
        self.source = header.path
        # Videos are scored in an order that says nothing of their class: the same for all runs on these data,
        # and not to be had without the data's fingerprint, which no method is told.
        self.order_seed = int(header.fingerprint[:8], 16)
        self.audio = torch.from_numpy(_vectors(table.audio))
        self.visual = torch.from_numpy(_vectors(table.visual))

    def task(
        self,
        seen: Sequence[int],
        unseen: Sequence[int],
        train_rows: NDArray[np.int64],
        scored_rows: NDArray[np.int64],
    ) -> Task:
        ids = np.sort(np.array([*seen, *unseen]))
        is_seen = np.isin(ids, seen)
        shuffled = np.random.RandomState(self.order_seed).permutation(scored_rows)
        label = self.table.label
        train_label = np.searchsorted(ids[is_seen], label[train_rows])
        return Task(
            classes=Classes(
                names=tuple(self.dataset.class_names[i] for i in ids),
                text={encoder: self._text(encoder, ids) for encoder in self.table.text},
                seen=torch.from_numpy(is_seen).to(self.device),
            ),
            train=Samples(self._videos(train_rows), torch.from_numpy(train_label).to(self.device)),
            videos=self._videos(shuffled),
            truth=Truth(label=np.searchsorted(ids, label[shuffled]), row=shuffled),
        )

    def _videos(self, rows: NDArray[np.int64]) -> Videos:
        index = torch.from_numpy(rows)
        return Videos(self.audio[index].to(self.device), self.visual[index].to(self.device))

    def _text(self, encoder: str, ids: NDArray[np.int64]) -> torch.Tensor:
        rows = text_rows(self.dataset, encoder, self.text_order)[ids]
        vectors = self.table.text[encoder][rows]
        if np.isnan(vectors).any():
            missing = self.dataset.class_names[int(rows[np.isnan(vectors).any(axis=1)][0])]
            raise DataError(f"{self.source}: no {encoder} text embedding of class {missing!r}; import it again")
        return torch.from_numpy(vectors).to(self.device)
