from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from own_features import ROLES, OwnFiles
from published_tree import UCF

from avgzsl_bench.cli import main
from avgzsl_bench.data.datasets.registry import known_dataset, known_datasets, read_own_dataset
from avgzsl_bench.data.store.store import read_header
from avgzsl_bench.errors import DataError, UnknownNameError


def test_a_dataset_of_the_data_folder_shadows_no_registered_one(own: OwnFiles) -> None:
    own.add()
    taken = own.root / "ucf" / "dataset.json"
    taken.parent.mkdir()
    content = json.loads(own.facts.read_text(encoding="utf-8"))
    taken.write_text(json.dumps(content | {"name": "ucf"}), encoding="utf-8")
    assert known_dataset("ucf", own.root) == UCF
    assert known_datasets(own.root)["ucf"] == UCF
    listed = CliRunner().invoke(main, ["data", "list", "--data-root", str(own.root)])
    assert "a registered dataset is called 'ucf'" in listed.stderr
    with pytest.raises(UnknownNameError, match="did you mean 'mine'"):
        known_dataset("mien", own.root)
    with pytest.raises(UnknownNameError):
        known_dataset("../mine", own.root)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "other"}, "belongs elsewhere"),
        ({"recording": "(a+)+b"}, "refused: .*'recording'"),
        ({"splits": {"../../x": {}}}, "a split cannot be called"),
        ({"splits": {}}, "has no split"),
        ({"partitions": {}}, "partitions must be exactly"),
        ({"classes": [{"name": "a\n", "listed": "a", "readable": "a", "clip": "a"}] * 6}, "not printable"),
        ({"title": "x" * (1 << 24)}, "larger than"),
    ],
)
def test_a_dataset_file_is_not_trusted(own: OwnFiles, change: dict[str, object], expected: str) -> None:
    own.add()
    content = json.loads(own.facts.read_text(encoding="utf-8"))
    own.facts.write_text(json.dumps(content | change), encoding="utf-8")
    with pytest.raises(DataError, match=expected):
        read_own_dataset(own.facts)


@pytest.fixture
def plain(own: OwnFiles) -> OwnFiles:
    """A dataset that is added, and whose names of classes can be names of files."""
    plain = OwnFiles(own.folder, {name.replace("/", "-"): role for name, role in ROLES.items()})
    assert plain.add().exit_code == 0
    return plain


def export(own: OwnFiles, layout: str) -> Path:
    folder = own.path("exported")
    where = ["--layout", layout, "--data-root", str(own.root)]
    arguments = ["data", "export", "mine", str(folder), "--features", "own", *where]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    return folder


@pytest.mark.parametrize("layout", ["avca", "clipclap"])
def test_it_is_the_same_store_under_another_data_folder(plain: OwnFiles, layout: str) -> None:
    other = plain.path("other")
    arguments = ["data", "import", str(export(plain, layout)), "--data-root", str(other)]
    assert CliRunner().invoke(main, arguments).exit_code == 0
    imported = read_header(other / "mine" / "own" / "features.h5")
    assert imported.fingerprint == read_header(plain.store).fingerprint
    assert known_dataset("mine", other) == known_dataset("mine", plain.root)


def test_facts_from_outside_are_checked(plain: OwnFiles) -> None:
    exported = export(plain, "avca")
    (facts,) = exported.rglob("dataset.json")
    content = json.loads(facts.read_text())
    facts.write_text(json.dumps(content | {"recording": "(a+)+$"}))
    arguments = ["data", "import", str(exported), "--data-root", str(plain.path("other"))]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "only a registered dataset may bring a regular expression" in result.stderr
    outside = plain.path("outside.json")
    outside.write_text(json.dumps(content))
    facts.unlink()
    facts.symlink_to(outside)
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert "symbolic link" in result.stderr
    assert not plain.path("other").exists()
