"""From a store on disk to a benchmark: two tasks on the device, with the truth kept apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from avgzsl_bench.data.choose import ResolvedData, resolve_data, warn_differences, warn_simulated
from avgzsl_bench.data.data_spec import DataSpec
from avgzsl_bench.data.datasets.splits import split_rows
from avgzsl_bench.data.datasets.text_order import text_rows
from avgzsl_bench.data.device_steps import DeviceSteps
from avgzsl_bench.data.simulated.extras import simulate_steps
from avgzsl_bench.data.store.fingerprint import fingerprint
from avgzsl_bench.data.store.store import read_table
from avgzsl_bench.data.store.table import FeatureTable, Ragged
from avgzsl_bench.errors import DataError
from avgzsl_bench.gzsl.task import Classes, FeatureDims, Samples, Task, Truth, Videos
from avgzsl_bench.plugins.specs import Needs
from avgzsl_bench.system.device import choose_device


@dataclass(frozen=True, repr=False)
class Benchmark:
    """A dataset with one feature set and one split, ready to run.

    Attributes:
        spec: what identifies the data: dataset, feature set, split, fingerprints.
        shape: widths of the features and text vectors.
        selection: stage 1, which decides the epoch and the bias.
        final: stage 2, which is scored once.
        counts: videos per partition, after the split's class list was applied.
    """

    spec: DataSpec
    shape: FeatureDims
    selection: Task
    final: Task
    counts: Mapping[str, int]
    device: torch.device

    def __repr__(self) -> str:
        spec, final = self.spec, self.final
        videos = f"{len(final.train):,} training + {len(final.videos):,} test videos"
        mark = ", SIMULATED" if spec.simulated else ""
        place = f"{spec.dataset}, {spec.features}, split {spec.split}"
        return f"Benchmark({place}: {final.classes.roles}, {videos}, {self.device}{mark})"


def load_benchmark(
    dataset: str,
    features: str = "auto",
    split: str | None = None,
    *,
    data_root: Path | str | None = None,
    device: torch.device | str = "cpu",
    text_order: str = "by-name",
    needs: Needs | None = None,
) -> Benchmark:
    """Load a dataset, ready to run.

    Args:
        features: feature set, or `auto` for the best installed real one, else simulated.
        split: class split: `cls`, `main`, or the source-disjoint view of one, `cls-disjoint`, `main-disjoint`;
            None: `cls`, or the dataset's only split.
        data_root: data folder; default `AVBENCH_DATA`, else the platform's.
        text_order: `by-name`, or `official` for the class embeddings as the published loaders place them.
        needs: what else a method reads, such as sequences; as in its `MethodSpec`.

    Raises:
        UnknownNameError: no such dataset or split.
        DataError: not installed or damaged, or a partition without videos.
    """
    needs = needs or Needs()
    data = resolve_data(dataset, features, split, root=data_root, needs=needs)
    if features == "auto" and data.store.simulated:
        warn_simulated(data)
    warn_differences(data)
    return benchmark_of(data.with_texts(text_order, needs.added_text), choose_device(str(device)))


def benchmark_of(data: ResolvedData, device: torch.device) -> Benchmark:
    """Load the data of a run onto a device.

    Raises:
        DataError: damaged or altered, or a partition without videos.
    """
    store = data.store
    table = read_table(store)
    if fingerprint(table) != store.fingerprint:
        raise DataError(f"{store.path}: altered: not the data that its fingerprint stands for; import it again")
    chosen = split_rows(table.label, table.partition, table.video_id, data.dataset, data.split, str(store.path))
    rows, partitions = chosen.rows, data.dataset.facts(data.split)
    builder = _TaskBuilder(table, data, device)
    selection_rows = rows["stage1_train"], np.concatenate([rows["stage1_val_seen"], rows["stage1_val_unseen"]])
    final_rows = rows["stage2_train"], np.concatenate([rows["stage2_test_seen"], rows["stage2_test_unseen"]])
    if data.needs.sequences != "none":
        builder.read_steps([*selection_rows, *final_rows])
    return Benchmark(
        spec=data.spec,
        shape=data.dims,
        selection=builder.task(
            partitions["stage1_train"].classes, partitions["stage1_val_unseen"].classes, *selection_rows
        ),
        final=builder.task(
            partitions["stage2_train"].classes, partitions["stage2_test_unseen"].classes, *final_rows
        ),
        counts={name: len(found) for name, found in rows.items()},
        device=device,
    )


class _TaskBuilder:
    """Makes the tasks of one store, sharing what they have in common."""

    def __init__(self, table: FeatureTable, data: ResolvedData, device: torch.device) -> None:
        self.table, self.data, self.device = table, data, device
        self.dataset = data.dataset
        # Videos are scored in an order that says nothing of their class and that nobody can know: from the
        # operating system's entropy, another for each task and each load.
        self.random = np.random.default_rng()
        # One vector per video: sequences are averaged over time, as the published averaged sets are.
        self.audio, self.visual = (
            torch.from_numpy(feature.mean() if isinstance(feature, Ragged) else feature)
            for feature in (table.audio, table.visual)
        )
        self.audio_steps: DeviceSteps | None = None
        self.visual_steps: DeviceSteps | None = None

    def read_steps(self, groups: Sequence[NDArray[np.int64]]) -> None:
        """Put the sequences of groups of videos on the device, once for both tasks, if there are any.

        Those of stage 1 come first. What stage 2 trains on is, as a rule, just these, so that every group is one
        piece, in an order that says nothing of the classes.
        """
        audio, visual = (
            simulate_steps(self.table) if self.table.simulated else (self.table.audio, self.table.visual)
        )
        if isinstance(audio, Ragged) and isinstance(visual, Ragged):
            rows = np.concatenate([self.random.permutation(group) for group in groups])
            order = rows[np.sort(np.unique(rows, return_index=True)[1])]  # each video where it comes first
            self.audio_steps, self.visual_steps = (DeviceSteps(f, order, self.device) for f in (audio, visual))

    def task(
        self,
        seen: Sequence[int],
        unseen: Sequence[int],
        train_rows: NDArray[np.int64],
        scored_rows: NDArray[np.int64],
    ) -> Task:
        ids = np.sort(np.array([*seen, *unseen]))
        is_seen = np.isin(ids, seen)
        shuffled = self.random.permutation(scored_rows)
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
            truth=Truth(
                label=np.searchsorted(ids, label[shuffled]),
                row=shuffled,
                video_id=tuple(self.table.video_id[row] for row in shuffled),
            ),
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
        placed = {}
        for encoder, vectors in self.table.text.items():
            rows = text_rows(self.dataset, encoder, self.data.text_order)[ids]
            where = f"{self.data.store.path}: no {encoder} text embedding"
            placed[encoder] = self._placed(vectors, rows, f"{where} of class {{!r}}; import it again")
        for text in self.data.added:
            where = f"{self.dataset.name}: the added text {text.name!r} has no vector"
            advice = "add it again with 'avbench data add-text'"
            placed[text.name] = self._placed(text.vectors, ids, f"{where} of class {{!r}}; {advice}")
        return placed

    def _placed(self, vectors: NDArray[np.float32], rows: NDArray[np.int64], complaint: str) -> torch.Tensor:
        placed = vectors[rows]
        absent = np.isnan(placed).any(axis=1)
        if absent.any():
            raise DataError(complaint.format(self.dataset.class_names[int(rows[absent][0])]))
        return torch.from_numpy(placed).to(self.device)
