"""Real features that cannot be reached are named, and never passed over for simulated ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from privileges import permissions_count
from published_tree import write_tree

import avgzsl_bench as ab
from avgzsl_bench.cli import main
from avgzsl_bench.data.store.installed import scan
from avgzsl_bench.errors import DataError

Break = Callable[[Path], AbstractContextManager[None]]


@contextmanager
def closed(path: Path) -> Iterator[None]:
    """Nobody may enter the folder, or read the file, inside the block."""
    path.chmod(0)
    try:
        with permissions_count():
            yield
    finally:
        path.chmod(0o700)


def unmounted(path: Path) -> AbstractContextManager[None]:
    """In its place is a link to a disk that is gone."""
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    path.symlink_to("/no/such/disk")
    return nullcontext()


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    write_tree(tmp_path / "in", "selavi")
    root = tmp_path / "data"
    assert call(root, "data", "import", "in").exit_code == 0
    return root


def call(root: Path, *arguments: object) -> Result:
    return CliRunner().invoke(main, [*map(str, arguments), "--data-root", str(root)])


BREAKS = [
    (closed, "ucf/selavi", "Permission denied"),
    (closed, "ucf/selavi/features.h5", "Permission denied"),
    (closed, "ucf", "Permission denied"),
    (unmounted, "ucf/selavi", "a broken link, to /no/such/disk"),
    (unmounted, "ucf/selavi/features.h5", "a broken link, to /no/such/disk"),
    (unmounted, "ucf", "a broken link, to /no/such/disk"),
]


@pytest.mark.parametrize(("break_it", "place", "reason"), BREAKS)
def test_no_command_takes_it_for_absent(root: Path, break_it: Break, place: str, reason: str) -> None:
    run = ("run", "--method", "chance", "--dataset", "ucf", "--out", root.parent / "results")
    with break_it(root / place):
        for command in (
            ("data", "list"),
            ("data", "list", "--json"),
            ("data", "verify"),
            ("data", "verify", "ucf"),
            ("data", "info", "ucf"),
            ("data", "info", "ucf", "selavi"),
            ("doctor",),
            run,
            (*run, "--features", "selavi"),
        ):
            result = call(root, *command)
            assert result.exit_code == 2, (command, result.output)
            assert f"{root / place}" in result.stderr, command
            assert reason in result.stderr, command
            assert "import the data again" not in result.output, command
            assert "nothing installed" not in result.output, command
            assert "no features are installed" not in result.output, command
        with pytest.raises(DataError, match=reason):
            ab.load_benchmark("ucf", data_root=root)
        audit = call(root, "data", "audit", "--json")
        assert (audit.exit_code, json.loads(audit.stdout)[0]["dataset"]) == (1, "ucf")
    assert not (root / "ucf" / "simulated").exists()
    assert not (root.parent / "results").exists()


def test_one_that_cannot_be_reached_hides_no_other(root: Path) -> None:
    (root / "ucf" / "own").symlink_to("/no/such/disk")
    there = scan(root)
    assert [header.features for header in there.headers] == ["selavi"]
    assert [path for path, _ in there.unreadable] == [root / "ucf" / "own" / "features.h5"]
    result = call(root, "data", "list", "--json")
    assert result.exit_code == 2
    assert [store["features"] for store in json.loads(result.stdout)["stores"]] == ["selavi"]
    run = call(root, "run", "--method", "chance", "--dataset", "ucf", "--features", "selavi")
    assert str(root / "ucf" / "own") not in run.stderr


def test_a_dataset_that_cannot_be_read_is_named(root: Path) -> None:
    (root / "mine").symlink_to("/no/such/disk")
    for command in (("datasets",), ("datasets", "--json"), ("doctor",), ("data", "list")):
        result = call(root, *command)
        assert result.exit_code == 2, command
        assert f"{root / 'mine'}: cannot be read: a broken link" in result.stderr
    refused = call(root, "sweep", "--methods", "chance", "--datasets", "all", "--dry-run")
    assert refused.exit_code == 2
    assert f"{root / 'mine'}: cannot be read: a broken link" in refused.stderr
    assert "or name the datasets" in refused.stderr
    named = call(root, "sweep", "--methods", "chance", "--datasets", "ucf", "--features", "simulated", "--dry-run")
    assert named.exit_code == 0


def test_folders_that_hold_no_data_may_be_closed(root: Path) -> None:
    (root / "lost+found").mkdir()
    with closed(root / "lost+found"):
        for command in (("data", "list"), ("data", "verify"), ("doctor",), ("datasets",)):
            result = call(root, *command)
            assert result.exit_code == 0, result.output


OF_DATA = [
    ("data", "list"),
    ("data", "info", "mine"),
    ("data", "verify"),
    ("data", "audit"),
    ("data", "add-text", "mine", "text.npz"),
    ("data", "export", "ucf", "new", "--features", "selavi", "--layout", "avca"),
    ("datasets",),
    ("doctor",),
    ("run", "--method", "chance", "--dataset", "ucf"),
    ("run", "--method", "chance", "--dataset", "mine"),
    ("sweep", "--methods", "chance", "--datasets", "mine", "--dry-run"),
    ("sweep", "--methods", "chance", "--datasets", "all", "--dry-run"),
    ("ablate", "--method", "mft", "--dataset", "ucf"),
]


@pytest.mark.parametrize("command", OF_DATA, ids=" ".join)
def test_a_data_folder_that_may_not_be_entered(tmp_path: Path, root: Path, command: tuple[str, ...]) -> None:
    (tmp_path / "locked").mkdir()
    with closed(tmp_path / "locked"):
        for folder, reason in (
            (tmp_path / "locked" / "data", "Permission denied"),
            (tmp_path / ("a" * 300), "File name too long"),
        ):
            result = call(folder, *command)
            assert result.exit_code == 2, result.output
            (line,) = result.stderr.splitlines()
            assert f"{folder}" in line
            assert f"cannot be read: {reason}" in line


def test_results_that_may_not_be_entered(tmp_path: Path, root: Path) -> None:
    results = tmp_path / "results"
    run = ("run", "--method", "chance", "--dataset", "ucf", "--features", "simulated", "--out", results)
    assert call(root, *run).exit_code == 0
    sweep = ("sweep", "--methods", "chance", "--datasets", "ucf", *run[5:])
    with closed(results / "ucf" / "simulated" / "cls" / "chance"):
        for command in (run, sweep, (*sweep, "--dry-run")):
            result = call(root, *command)
            assert result.exit_code == 2
            assert "cannot be read: Permission denied" in result.stderr.splitlines()[-1]
        for command in (("leaderboard", "--results", results), ("verify", results)):
            result = CliRunner().invoke(main, [str(word) for word in command])
            assert result.exit_code == 2
            assert "Permission denied" in result.stderr
