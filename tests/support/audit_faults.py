"""Faults to plant in plausible trees, and what the audit finds then."""

from __future__ import annotations

import csv
import pickle
from collections.abc import Callable
from hashlib import sha256
from types import SimpleNamespace

import h5py
import numpy as np
from plausible_tree import BY_NAME, UCF_VIDEOS, Videos, with_stage_2_train
from published_tree import write_class

from avgzsl_bench.data.audit.audit import Audit, audit_path
from avgzsl_bench.data.datasets import registry
from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset, PartitionFacts
from avgzsl_bench.data.layouts.tree import disk_name

ARCHERY = UCF_VIDEOS["stage_1_train"]["Archery"]


def standard(name: str, videos: Videos) -> Dataset:
    """The dataset, with the small tree as its standard."""
    dataset = BY_NAME[name]
    partitions = {}
    for partition in PARTITIONS:
        ids = {dataset.class_id(c): v for c, v in with_stage_2_train(videos)[disk_name(partition)].items()}
        mark = sha256("\n".join(sorted(v for vs in ids.values() for v in vs)).encode()).hexdigest()
        facts = PartitionFacts(classes=tuple(sorted(ids)), videos=tuple(len(ids[c]) for c in sorted(ids)))
        partitions[partition] = facts.model_copy(update={"ids_sha256": mark})
    return dataset.model_copy(update={"partitions": partitions, "splits": {"main": {}, "cls": {}}})


def audit(tree: SimpleNamespace) -> Audit:
    (found,) = audit_path(tree.root, list(registry.registered_datasets().values()))
    assert found.dataset == "ucf"
    return found


def checks(found: Audit) -> set[str]:
    return {f"{f.severity.value} {f.check}" for f in found.findings}


def evidence(found, check):
    return [f"{f.where}: {f.evidence}" for f in found.findings if f.check == check]


def rewrite(
    tree: SimpleNamespace, change: Callable[[dict[str, np.ndarray]], object], *places: tuple[str, str, str]
):
    """Change what class files hold: `change` gets video id -> array, in order; it may return raw (ids, arrays)."""
    for modality, partition, name in places:
        path = tree.file(modality, partition, name)
        if path.suffix == ".h5":
            with h5py.File(path) as file:
                content = dict(zip((i.decode() for i in file["video_urls"]), file["data"][()], strict=True))
        else:
            stored = pickle.loads(path.read_bytes())
            content = dict(zip((i.decode() for i in stored["video_names"]), stored["features"], strict=True))
        raw = change(content)
        write_class(path, *(raw if raw is not None else (content, list(content.values()))))


def both(partition: str, name: str, *more: str) -> list[tuple[str, str, str]]:
    return [(m, p, name) for m in ("audio", "video") for p in (partition, *more)]


def drop(tree, video, places):
    def change(content):
        content.pop(video, None)

    rewrite(tree, change, *places)


def everywhere(change, name="Archery", modality="video", partitions=("stage_1_train", "stage_2_train")):
    """A change of one modality in all partitions that hold the class's training videos."""
    return lambda tree: rewrite(tree, change, *((modality, p, name) for p in partitions))


def every_file(change, modality=None):
    def plant(tree):
        for path in sorted(tree.set.glob("*/stage*/*")):
            if modality in (None, path.parts[-3]):
                rewrite(tree, change, (path.parts[-3], path.parts[-2], path.stem))

    return plant


def set_first(value):
    def change(content):
        content[ARCHERY[0]] = np.full_like(content[ARCHERY[0]], value)

    return change


def one_not_finite(content):
    content[ARCHERY[0]] = content[ARCHERY[0]].copy()
    content[ARCHERY[0]][7] = np.nan


def edit_csv(tree, stem, change):
    path = tree.lists / f"{tree.split}_split" / f"{stem}.csv"
    with path.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    rows = change(rows) or rows
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def txt(tree, stem="stage_1_train"):
    return tree.lists / f"{tree.split}_split" / f"{stem}.txt"


def row(video, label, code):
    return {"filename": video, "label": label, "label_code": str(code)}
