"""A dataset of one's own, exported from one data folder and imported into another."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from published_tree import standard_plugins

from avgzsl_bench.cli import main
from avgzsl_bench.data.datasets.registry import known_dataset
from avgzsl_bench.data.store.store import read_header

ROLES = {"ant": "train", "bee": "train", "cat": "val_unseen", "dog": "test_unseen"}
PARTITIONS = {
    "train": ["stage1_train", "stage1_val_seen", "stage2_test_seen"],
    "val_unseen": ["stage1_val_unseen", "stage2_test_seen"],
    "test_unseen": ["stage2_test_unseen"],
}


def avbench(*arguments: object) -> str:
    result = CliRunner().invoke(main, [str(argument) for argument in arguments])
    assert result.exit_code == 0, result.output
    return result.output


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    standard_plugins(monkeypatch)
    rows = [
        (f"{name}{i}", name, PARTITIONS[role][i % len(PARTITIONS[role])])
        for name, role in ROLES.items()
        for i in range(6)
    ]
    listed = "".join(f"{','.join(row)}\n" for row in rows)
    (tmp_path / "videos.csv").write_text(f"video,class,partition\n{listed}")
    (tmp_path / "classes.csv").write_text("name,cls\n" + "".join(f"{n},{r}\n" for n, r in ROLES.items()))
    random = np.random.RandomState(0)
    np.save(tmp_path / "audio.npy", random.standard_normal((len(rows), 5)))
    np.save(tmp_path / "visual.npy", random.standard_normal((len(rows), 7)))
    np.savez(tmp_path / "text.npz", **{name: random.standard_normal(9) for name in ROLES})
    files = {"videos": "videos.csv", "audio": "audio.npy", "visual": "visual.npy", "classes": "classes.csv"}
    options = [part for option, file in files.items() for part in (f"--{option}", tmp_path / file)]
    text = f"words={tmp_path / 'text.npz'}"
    folder = tmp_path / "one"
    avbench("data", "add", "mine", "--features", "own", *options, "--text", text, "--data-root", folder)
    return folder


@pytest.mark.parametrize("layout", ["avca", "clipclap"])
def test_it_is_the_same_store_under_another_data_folder(root: Path, tmp_path: Path, layout: str) -> None:
    out, other = tmp_path / "exported", tmp_path / "other"
    avbench("data", "export", "mine", out, "--features", "own", "--layout", layout, "--data-root", root)
    avbench("data", "import", out, "--data-root", other)
    stores = [read_header(folder / "mine" / "own" / "features.h5") for folder in (root, other)]
    assert stores[0].fingerprint == stores[1].fingerprint
    assert known_dataset("mine", root) == known_dataset("mine", other)


def test_facts_from_outside_are_checked(root: Path, tmp_path: Path) -> None:
    out, other = tmp_path / "exported", tmp_path / "other"
    avbench("data", "export", "mine", out, "--features", "own", "--layout", "avca", "--data-root", root)
    (facts,) = out.rglob("dataset.json")
    content = json.loads(facts.read_text())
    facts.write_text(json.dumps(content | {"recording": "(a+)+$"}))
    result = CliRunner().invoke(main, ["data", "import", str(out), "--data-root", str(other)])
    assert result.exit_code == 2
    assert "only a registered dataset may bring a regular expression" in result.stderr
    outside = tmp_path / "outside.json"
    outside.write_text(json.dumps(content))
    facts.unlink()
    facts.symlink_to(outside)
    result = CliRunner().invoke(main, ["data", "import", str(out), "--data-root", str(other)])
    assert result.exit_code == 2
    assert "symbolic link" in result.stderr
    assert not other.exists()
