"""Imports that are killed, that meet each other, and that run out of disk."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import pytest
from process_control import at_once, killed, measured
from published_tree import VIDEOS, write_tree

from avgzsl_bench.data.layouts.importing import import_tree
from avgzsl_bench.data.store.fingerprint import fingerprint
from avgzsl_bench.data.store.installed import scan, store_path
from avgzsl_bench.data.store.store import read_store

FEW, MANY = 4, 50


def do_import(tree: Path, root: Path, force: bool = True) -> None:
    import_tree(tree, root, force=force)


def content(root: Path, features: str) -> str:
    header, table = read_store(store_path(root, "ucf", features))
    assert fingerprint(table) == header.fingerprint
    return header.fingerprint


@pytest.fixture(scope="module", params=["c3d_vggish", "c3d_vggish_seq"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    """A tree, an older form of it with fewer videos, and the name of its feature set."""
    folder = tmp_path_factory.mktemp("trees")
    write_tree(folder / "new", request.param)
    fewer = {p: {c: ids[:1] for c, ids in classes.items()} for p, classes in VIDEOS.items()}
    fewer["stage_2_train"]["Archery"] = ["v_A_0", "v_A_1"]
    write_tree(folder / "old", request.param, fewer)
    return folder / "new", folder / "old", request.param


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
def test_killed_imports_leave_the_old_or_the_new_and_can_be_done_again(
    place: tuple[Path, Path, str], tmp_path: Path, count: int
) -> None:
    new, old, features = place
    do_import(new, tmp_path / "undisturbed")
    do_import(old, tmp_path / "older")
    expected, older = content(tmp_path / "undisturbed", features), content(tmp_path / "older", features)
    assert expected != older
    span = measured(do_import, new, tmp_path / "measured")
    deaths = 0
    for number, moment in enumerate(span.moments(count, seed=count)):
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
def test_imports_at_the_same_time_end_well(place: tuple[Path, Path, str], tmp_path: Path, force: bool) -> None:
    tree, _, features = place
    root = tmp_path / "data"
    others = [error for error in at_once(4, do_import, tree, root, force) if error is not None]
    assert len(others) == (0 if force else 3)
    assert all("is there already; replace it with --force" in text for text in others)
    do_import(tree, tmp_path / "undisturbed")
    assert content(root, features) == content(tmp_path / "undisturbed", features)
    assert [p.name for p in store_path(root, "ucf", features).parent.iterdir()] == ["features.h5"]


def import_within(limit: int, tree: Path, root: Path) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    do_import(tree, root)


@pytest.mark.parametrize("share", [0.01, 0.3, 0.6, 0.95, 0.999])
def test_files_that_cannot_grow_any_more(place: tuple[Path, Path, str], tmp_path: Path, share: float) -> None:
    """As on a full disk: at first what was read cannot wait on disk, later the store cannot be written."""
    new, old, features = place
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
