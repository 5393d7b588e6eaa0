"""Faults to plant in plausible trees, and what the audit finds then."""

from __future__ import annotations

import pickle
import re
import tomllib
from hashlib import sha256
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from plausible_tree import UCF_VIDEOS, with_stage_2_train
from published_tree import BY_NAME, write_class

from avgzsl_bench.data.audit.audit import Audit, audit_path
from avgzsl_bench.data.datasets import registry
from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset, PartitionFacts
from avgzsl_bench.data.layouts.tree import disk_name

FINDINGS = tomllib.loads((Path(__file__).parents[1] / "data/audit/findings.toml").read_text(encoding="utf-8"))
ARCHERY = UCF_VIDEOS["stage_1_train"]["Archery"]


def standard(name, videos) -> Dataset:
    """The dataset, with the small tree as its standard."""
    dataset = BY_NAME[name]
    partitions = {}
    for partition in PARTITIONS:
        ids = {dataset.class_id(c): v for c, v in with_stage_2_train(videos)[disk_name(partition)].items()}
        mark = sha256("\n".join(sorted(v for vs in ids.values() for v in vs)).encode()).hexdigest()
        facts = PartitionFacts(classes=tuple(sorted(ids)), videos=tuple(len(ids[c]) for c in sorted(ids)))
        partitions[partition] = facts.model_copy(update={"ids_sha256": mark})
    return dataset.model_copy(update={"partitions": partitions, "splits": {"main": {}, "cls": {}}})


def audits(path: Path) -> list[Audit]:
    return audit_path(path, list(registry.registered_datasets().values()))


def audit(tree, dataset="ucf") -> Audit:
    """The only audit of a tree, or of a path."""
    (found,) = audits(tree if isinstance(tree, Path) else tree.root)
    assert found.dataset == dataset
    return found


def checks(found: Audit) -> set[str]:
    return {f"{f.severity.value} {f.check}" for f in found.findings}


def evidence(found: Audit, check: str) -> list[str]:
    return [f"{f.where}: {f.evidence}" for f in found.findings if f.check == check]


def assert_finds(found: Audit, kind: str, fault: str) -> None:
    """What `findings.toml` holds for a fault is found, and nothing else."""
    expected = FINDINGS[kind][fault]
    assert checks(found) == set(expected["checks"]), found.findings
    lines = [f"{f.check} {f.where}: {f.evidence}" for f in found.findings]
    assert not expected["checks"] or any(re.search(expected["evidence"], line) for line in lines), lines
    assert all(f.effect and f.advice for f in found.findings)


def both(partition, name):
    return [(modality, partition, name) for modality in ("audio", "video")]


def changed(change, *places):
    """Plants a change of class files: `change` gets video id -> array, and may return raw (ids, arrays)."""

    def plant(tree):
        for place in places:
            path = tree.file(*place)
            if path.suffix == ".h5":
                with h5py.File(path) as file:
                    ids, rows = file["video_urls"][()], file["data"][()]
            else:
                ids, rows = (pickle.loads(path.read_bytes())[key] for key in ("video_names", "features"))
            content = dict(zip((i.decode() for i in ids), rows, strict=True))
            raw = change(content)
            write_class(path, *(raw if raw is not None else (content, list(content.values()))))

    return plant


def everywhere(change, name="Archery", modality="video", partitions=("stage_1_train", "stage_2_train")):
    """A change of one modality in all partitions that hold the class's training videos."""
    return changed(change, *((modality, partition, name) for partition in partitions))


def every_file(change, modality="*"):
    def plant(tree):
        for path in sorted(tree.set.glob(f"{modality}/stage*/*")):
            changed(change, (path.parts[-3], path.parts[-2], path.stem))(tree)

    return plant


def set_first(value):
    return lambda content: content.update({ARCHERY[0]: np.full_like(content[ARCHERY[0]], value)})


def one_not_finite(content):
    content[ARCHERY[0]] = np.where(np.arange(len(content[ARCHERY[0]])) == 7, np.nan, content[ARCHERY[0]])


def edited(change, stem="stage_1_train", lists=lambda tree: tree):
    """Plants a change of the rows of a csv, in place or returned."""

    def plant(tree):
        path = txt(lists(tree), stem).with_suffix(".csv")
        rows = pd.read_csv(path, dtype=str, keep_default_na=False).to_dict("records")
        pd.DataFrame(change(rows) or rows).to_csv(path, index=False)

    return plant


def txt(tree, stem="stage_1_train") -> Path:
    return tree.lists / f"{tree.split}_split" / f"{stem}.txt"


def row(video, label="Archery", code=2):
    return {"filename": video, "label": label, "label_code": str(code)}
