"""From a store on disk to a benchmark: two tasks on the device, with the truth kept apart."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from avgzsl_bench.data.added_texts import find_added_text
from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, SIMULATED, preferred
from avgzsl_bench.data.datasets.registry import known_dataset
from avgzsl_bench.data.datasets.splits import refuse_simulated_view, split_rows
from avgzsl_bench.data.datasets.text_order import text_rows
from avgzsl_bench.data.device_steps import DeviceSteps
from avgzsl_bench.data.simulated.extras import simulate_steps
from avgzsl_bench.data.simulated.simulated import ensure_simulated
from avgzsl_bench.data.store.added_text import AddedText
from avgzsl_bench.data.store.fingerprint import fingerprint
from avgzsl_bench.data.store.installed import Installed, scan, store_path
from avgzsl_bench.data.store.installed import data_root as resolve_data_root
from avgzsl_bench.data.store.store import StoreHeader, read_table
from avgzsl_bench.data.store.table import Feature, FeatureTable, Ragged
from avgzsl_bench.errors import DataError, UnknownNameError
from avgzsl_bench.gzsl.task import Benchmark, Classes, FeatureDims, Samples, Task, Truth, Videos
from avgzsl_bench.plugins.specs import Needs
from avgzsl_bench.system.device import choose_device


def find_store(dataset: Dataset, features: str, split: str, root: Path, needs: Needs) -> StoreHeader:
    """The installed store to use.

    Args:
        dataset: the dataset.
        features: a feature set, or `auto`: the best installed real one that has what the method needs, those
            with sequences first where it reads them; else the simulated one, which is made on first use.
        split: what it is for: simulated features serve no source-disjoint view.
        root: the data folder.
        needs: what the method cannot do without.

    Raises:
        UnknownNameError: no such feature set.
        DataError: not installed, damaged, or without what is needed; with `auto` also a damaged store of the
            dataset, which is never passed over.
    """
    there = scan(root)
    headers = [header for header in there.headers if header.dataset == dataset.name]
    if features == "auto":
        _require_readable(there, store_path(root, dataset.name, "any").parents[1])
        real = [h for h in headers if not h.simulated and _lacks(h, needs) is None]
        features = next(iter(preferred_for(real, needs)), SIMULATED)
    if features == SIMULATED:
        refuse_simulated_view(dataset, split)
        found = next((h for h in headers if h.simulated), None)
        return _suitable(ensure_simulated(root, dataset, found), needs)
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
    return _suitable(found, needs)


def preferred_for(headers: Iterable[StoreHeader], needs: Needs) -> list[str]:
    """Names of feature sets, best first for a method; those with sequences first where it reads them."""
    sequences = {header.features: header.sequences for header in headers}
    names = preferred(sequences)
    return sorted(names, key=lambda name: needs.sequences != "none" and not sequences[name])


def offers_sequences(header: StoreHeader) -> bool:
    """Whether videos can be had as sequences; those of simulated features are made, not stored."""
    return header.sequences or header.simulated


def shape_of(header: StoreHeader, needs: Needs, added: Sequence[AddedText]) -> FeatureDims:
    """The widths that a method sees."""
    return FeatureDims(
        audio=header.audio,
        visual=header.visual,
        text={**header.text, **{text.name: text.vectors.shape[1] for text in added}},
        sequences=needs.sequences != "none" and offers_sequences(header),
    )


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


def _suitable(header: StoreHeader, needs: Needs) -> StoreHeader:
    """The store, if it has what the method needs."""
    lacks = _lacks(header, needs)
    if lacks is not None:
        raise DataError(lacks)
    return header


def _lacks(header: StoreHeader, needs: Needs) -> str | None:
    what = f"{header.dataset}, {header.features} features"
    missing = [encoder for encoder in needs.text if encoder not in header.text]
    if missing:
        return (
            f"the method needs text embeddings by {', '.join(missing)}; "
            f"{what} have {', '.join(sorted(header.text))}; import a feature set that has them"
        )
    if needs.sequences == "required" and not offers_sequences(header):
        return (
            f"the method needs sequences; {what} have one vector a video; import features with their steps, such "
            f"as those of TCAF, with 'avbench data import DIR', or use --features {SIMULATED}"
        )
    return None


def load_benchmark(
    dataset: str,
    features: str = "auto",
    split: str = "cls",
    *,
    data_root: Path | str | None = None,
    device: torch.device | str = "cpu",
    text_order: str = "by-name",
    needs: Needs | None = None,
) -> Benchmark:
    """Load a dataset, ready to run.

    Args:
        dataset: dataset name.
        features: feature set, or `auto` for the best installed real one, else simulated.
        split: class split: `cls`, `main`, or the source-disjoint view of one, `cls-disjoint`, `main-disjoint`.
        data_root: data folder; default `AVBENCH_DATA`, else the platform's.
        device: where the tensors go.
        text_order: `by-name`, or `official` for the class embeddings as the published loaders place them.
        needs: what else a method reads, such as sequences; as in its `MethodSpec`.

    Raises:
        UnknownNameError: no such dataset or split.
        DataError: not installed or damaged, or a partition without videos.
    """
    root = resolve_data_root(Path(data_root) if data_root is not None else None)
    facts = known_dataset(dataset, root)
    facts.standard_split(split)
    needs = needs or Needs()
    header = find_store(facts, features, split, root, needs)
    if features == "auto" and header.simulated:
        warn_simulated(facts)
    added = find_added_text(root, facts, header, needs.added_text)
    return benchmark_of(header, facts, split, choose_device(str(device)), text_order, needs, added)


def benchmark_of(
    header: StoreHeader,
    dataset: Dataset,
    split: str,
    device: torch.device,
    text_order: str,
    needs: Needs,
    added: Sequence[AddedText],
) -> Benchmark:
    """The benchmark of an installed store, with the texts that were added to the dataset; see `load_benchmark`."""
    partitions = dataset.facts(split)
    table = read_table(header)
    if fingerprint(table) != header.fingerprint:
        raise DataError(f"{header.path}: altered: not the data that its fingerprint stands for; import it again")
    chosen = split_rows(table.label, table.partition, table.video_id, dataset, split, str(header.path))
    rows = chosen.rows
    builder = _TaskBuilder(table, dataset, device, text_order, header, added)
    selection_rows = rows["stage1_train"], np.concatenate([rows["stage1_val_seen"], rows["stage1_val_unseen"]])
    final_rows = rows["stage2_train"], np.concatenate([rows["stage2_test_seen"], rows["stage2_test_unseen"]])
    if needs.sequences != "none":
        builder.read_steps([*selection_rows, *final_rows])
    return Benchmark(
        dataset=dataset.name,
        features=table.features,
        split=split,
        simulated=table.simulated,
        shape=shape_of(header, needs, added),
        selection=builder.task(
            partitions["stage1_train"].classes,
            partitions["stage1_val_unseen"].classes,
            *selection_rows,
        ),
        final=builder.task(
            partitions["stage2_train"].classes,
            partitions["stage2_test_unseen"].classes,
            *final_rows,
        ),
        counts={name: len(found) for name, found in rows.items()},
        fingerprint=header.fingerprint,
        split_hash=chosen.hash,
        text_order=text_order,
        added_text={text.name: text.fingerprint for text in added},
        device=device,
    )


def _vectors(feature: Feature) -> NDArray[np.float32]:
    """One vector a video: sequences are averaged over time, as the published averaged sets are."""
    return feature.mean() if isinstance(feature, Ragged) else feature


class _TaskBuilder:
    """Makes the tasks of one store, sharing what they have in common."""

    def __init__(
        self,
        table: FeatureTable,
        dataset: Dataset,
        device: torch.device,
        text_order: str,
        header: StoreHeader,
        added: Sequence[AddedText],
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
        self.added = added
        self.audio_steps: DeviceSteps | None = None
        self.visual_steps: DeviceSteps | None = None

    def read_steps(self, groups: Sequence[NDArray[np.int64]]) -> None:
        """Put the sequences of groups of videos on the device, once for both tasks, if there are any.

        Those of stage 1 come first, in no telling order. What stage 2 trains on is, as a rule, just these, so
        that every group is one piece.
        """
        audio, visual = (
            simulate_steps(self.table) if self.table.simulated else (self.table.audio, self.table.visual)
        )
        if isinstance(audio, Ragged) and isinstance(visual, Ragged):
            rows = np.concatenate([self._shuffled(group) for group in groups])
            order = rows[np.sort(np.unique(rows, return_index=True)[1])]  # each video where it comes first
            self.audio_steps, self.visual_steps = (DeviceSteps(f, order, self.device) for f in (audio, visual))

    def _shuffled(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.random.RandomState(self.order_seed).permutation(rows)

    def task(
        self,
        seen: Sequence[int],
        unseen: Sequence[int],
        train_rows: NDArray[np.int64],
        scored_rows: NDArray[np.int64],
    ) -> Task:
        ids = np.sort(np.array([*seen, *unseen]))
        is_seen = np.isin(ids, seen)
        shuffled = self._shuffled(scored_rows)
        label = self.table.label
        train_label = np.searchsorted(ids[is_seen], label[train_rows])
        return Task(
            classes=Classes(
                names=tuple(self.dataset.class_names[i] for i in ids),
                text=self._texts(ids),
                seen=torch.from_numpy(is_seen).to(self.device),
            ),
            train=Samples(self._videos(train_rows), torch.from_numpy(train_label).to(self.device)),
            videos=self._videos(shuffled),
            truth=Truth(label=np.searchsorted(ids, label[shuffled]), row=shuffled),
        )

    def _videos(self, rows: NDArray[np.int64]) -> Videos:
        index = torch.from_numpy(rows)
        return Videos(
            self.audio[index].to(self.device),
            self.visual[index].to(self.device),
            None if self.audio_steps is None else self.audio_steps.of(rows),
            None if self.visual_steps is None else self.visual_steps.of(rows),
        )

    def _texts(self, ids: NDArray[np.int64]) -> dict[str, torch.Tensor]:
        """Vectors of the classes by encoder; what was added to the dataset is always placed by name."""
        ours = {
            encoder: self._placed(
                vectors,
                text_rows(self.dataset, encoder, self.text_order)[ids],
                f"{self.source}: no {encoder} text embedding of class {{!r}}; import it again",
            )
            for encoder, vectors in self.table.text.items()
        }
        added = {
            text.name: self._placed(
                text.vectors,
                ids,
                f"{self.dataset.name}: the added text {text.name!r} has no vector of class {{!r}}; "
                "add it again with 'avbench data add-text'",
            )
            for text in self.added
        }
        return ours | added

    def _placed(self, vectors: NDArray[np.float32], rows: NDArray[np.int64], complaint: str) -> torch.Tensor:
        placed = vectors[rows]
        absent = np.isnan(placed).any(axis=1)
        if absent.any():
            raise DataError(complaint.format(self.dataset.class_names[int(rows[absent][0])]))
        return torch.from_numpy(placed).to(self.device)
