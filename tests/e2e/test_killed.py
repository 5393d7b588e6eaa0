"""Imports and runs that are killed, that meet each other, and that run out of disk."""

from __future__ import annotations

import errno
import resource
import signal
from pathlib import Path
from typing import Any

import pytest
from process_control import at_once, killed, moments
from published_tree import VIDEOS, write_tree

import avgzsl_bench as ab
from avgzsl_bench.data.layouts.importing import import_tree
from avgzsl_bench.data.store.fingerprint import fingerprint
from avgzsl_bench.data.store.installed import scan, store_path
from avgzsl_bench.data.store.store import read_store
from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import plan_run
from avgzsl_bench.records.collect import collect
from avgzsl_bench.records.verify import verify

SHORT = {"epochs": 2, "batches_per_epoch": 5}
COUNTS = [4, pytest.param(50, marks=pytest.mark.slow)]
Tree = tuple[Path, Path, str]


def do_import(tree: Path, root: Path, force: bool = True) -> None:
    import_tree(tree, root, force=force)


def content(root: Path, features: str) -> str:
    header, table = read_store(store_path(root, "ucf", features))
    assert fingerprint(table) == header.fingerprint
    return header.fingerprint


@pytest.fixture(scope="module", params=["c3d_vggish", "c3d_vggish_seq"])
def tree(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Tree:
    """A tree, an older form of it with fewer videos, and the name of its feature set."""
    folder = tmp_path_factory.mktemp("trees")
    write_tree(folder / "new", request.param)
    fewer = {p: {c: ids[:1] for c, ids in classes.items()} for p, classes in VIDEOS.items()}
    fewer["stage_2_train"]["Archery"] = ["v_A_0", "v_A_1"]
    write_tree(folder / "old", request.param, fewer)
    return folder / "new", folder / "old", request.param


@pytest.mark.parametrize("count", COUNTS)
def test_killed_imports_leave_the_old_or_the_new_and_can_be_done_again(tree: Tree, tmp_path: Path, count: int):
    new, old, features = tree
    do_import(new, tmp_path / "undisturbed")
    do_import(old, tmp_path / "older")
    expected, older = content(tmp_path / "undisturbed", features), content(tmp_path / "older", features)
    assert expected != older
    deaths = 0
    for number, moment in enumerate(moments(count, do_import, new, tmp_path / "measured")):
        root = tmp_path / str(number)
        replaced = number % 4 < 2
        if replaced:
            do_import(old, root)
        deaths += killed(moment, do_import, new, root)
        there = scan(root)
        assert there.unreadable == []
        assert {h.fingerprint for h in there.headers} <= {expected, older}
        assert not replaced or there.headers
        for header in there.headers:
            assert content(root, features) == header.fingerprint
        do_import(new, root)
        assert content(root, features) == expected
        assert [p.name for p in store_path(root, "ucf", features).parent.iterdir()] == ["features.h5"]
    assert deaths >= count / 2


@pytest.mark.parametrize("force", [False, True])
def test_imports_at_the_same_time_end_well(tree: Tree, tmp_path: Path, force: bool) -> None:
    new, _, features = tree
    root = tmp_path / "data"
    others = [error for error in at_once(4, do_import, new, root, force) if error is not None]
    assert len(others) == (0 if force else 3)
    assert all("is there already; replace it with --force" in text for text in others)
    do_import(new, tmp_path / "undisturbed")
    assert content(root, features) == content(tmp_path / "undisturbed", features)
    assert [p.name for p in store_path(root, "ucf", features).parent.iterdir()] == ["features.h5"]


def import_within(limit: int, tree: Path, root: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    do_import(tree, root)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.95, 0.999])
def test_files_that_cannot_grow_any_more(tree: Tree, tmp_path: Path, share: float) -> None:
    """As on a full disk: at first what was read cannot wait on disk, later the store cannot be written."""
    new, old, features = tree
    root = tmp_path / "data"
    do_import(new, tmp_path / "undisturbed")
    do_import(old, root)
    older = content(root, features)
    limit = int(store_path(tmp_path / "undisturbed", "ucf", features).stat().st_size * share)
    (said,) = at_once(1, import_within, limit, new, root)
    assert said.startswith("cannot write ")
    assert said.endswith("File too large; choose another folder")
    assert "\n" not in said
    assert content(root, features) == older
    assert [p.name for p in store_path(root, "ucf", features).parent.iterdir()] == ["features.h5"]


def given(data_root: Path, out: Path) -> dict[str, Any]:
    return {"features": "simulated", "settings": SHORT, "device": "cpu", "data_root": data_root, "out": out}


def run(data_root: Path, out: Path, force: bool = False) -> ab.Record:
    return ab.run("devise", "ucf", force=force, **given(data_root, out))


def files(out: Path) -> list[Path]:
    return sorted(p for p in out.rglob("*") if p.is_file())


@pytest.mark.parametrize("count", COUNTS)
def test_killed_runs_can_be_started_again(data_root: Path, tmp_path: Path, count: int) -> None:
    expected = run(data_root, tmp_path / "undisturbed")
    first, second = files(tmp_path / "undisturbed")
    deaths = 0
    for number, moment in enumerate(moments(count, run, data_root, tmp_path / "measured")):
        out = tmp_path / str(number)
        again = number % 4 < 2
        if again:
            run(data_root, out)
        deaths += killed(moment, run, data_root, out, again)
        for path in files(out):
            if path.suffix == ".json":
                verify(path)  # whatever is there is whole
        record = run(data_root, out, again)
        assert record.model_dump(exclude={"timing"}) == expected.model_dump(exclude={"timing"})
        assert [p.name for p in files(out)] == [first.name, second.name]
        assert next(p for p in files(out) if p.suffix == ".npz").read_bytes() == second.read_bytes()
        (table,) = collect(out)
        assert len(table.stored) == 1
    assert deaths >= count / 2


def json_of_run(data_root: Path, out: Path, force: bool) -> str:
    return run(data_root, out, force).to_json()


@pytest.mark.filterwarnings("ignore:another avbench")
@pytest.mark.parametrize("force", [False, True])
def test_identical_runs_at_the_same_time_give_one_record(data_root: Path, tmp_path: Path, force: bool) -> None:
    out = tmp_path / "results"
    run(data_root, tmp_path / "warm")
    given_back = at_once(3, json_of_run, data_root, out, force)
    path = plan_run("devise", "ucf", options=RunOptions(**given(data_root, out))).path
    assert set(given_back) == {path.read_text()}
    assert [p.name for p in files(out)] == [path.name, path.with_suffix(".npz").name]


@pytest.mark.parametrize("written", [0, 1])
def test_a_full_disk_keeps_the_record_that_was_to_be_replaced(
    data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, written: int
) -> None:
    before = run(data_root, tmp_path / "results")
    there = files(tmp_path / "results")
    usual, done = Path.write_bytes, []

    def write(path: Path, content: bytes) -> int:
        if len(done) == written:
            raise OSError(errno.ENOSPC, "a long dump")
        done.append(path)
        return usual(path, content)

    monkeypatch.setattr(Path, "write_bytes", write)
    with pytest.raises(AvbenchError, match="No space left on device; choose another folder"):
        run(data_root, tmp_path / "results", force=True)
    assert files(tmp_path / "results") == there
    assert verify(there[0]) == before
