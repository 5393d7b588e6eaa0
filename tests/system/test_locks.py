from __future__ import annotations

import errno
import fcntl
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from process_control import PROCESSES

from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.system.locks import writing_alone


def hold(path: Path, held) -> None:
    with writing_alone(path, print):
        held.set()
        threading.Event().wait()


def refuse(line: str) -> None:
    raise AssertionError(line)


def test_others_wait_and_are_told(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    reported: list[str] = []
    order: list[str] = []
    waiting = threading.Event()

    def tell(line: str) -> None:
        reported.append(line)
        waiting.set()

    def second() -> None:
        with writing_alone(path, tell):
            order.append("second")

    with writing_alone(path, refuse):
        thread = threading.Thread(target=second)
        thread.start()
        assert waiting.wait(30)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]
    assert reported == [f"another avbench is writing {path}: waiting for it to end"]
    assert list(path.parent.iterdir()) == []


def test_a_folder_that_goes_while_it_is_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    mkdir = Path.mkdir

    def another_is_at_work(folder: Path, *args: Any, **kwargs: Any) -> None:
        made.append(folder)
        if len(made) == 1:  # it was there, and then it was not
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(folder))
        mkdir(folder, *args, **kwargs)

    monkeypatch.setattr(Path, "mkdir", another_is_at_work)
    with writing_alone(tmp_path / "new" / "file", refuse):
        assert (tmp_path / "new" / ".file.lock").exists()
    assert made[:2] == [tmp_path / "new"] * 2


def test_blocks_may_be_nested(tmp_path: Path) -> None:
    with writing_alone(tmp_path / "file", refuse):
        with writing_alone(tmp_path / "file", refuse), writing_alone(tmp_path / "other", refuse):
            pass
        assert [p.name for p in tmp_path.iterdir()] == [".file.lock"]
    assert list(tmp_path.iterdir()) == []


def test_a_killed_holder_blocks_nobody_and_its_litter_goes(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    held = PROCESSES.Event()
    process = PROCESSES.Process(target=hold, args=(path, held))
    process.start()
    assert held.wait(30)
    process.kill()
    process.join()
    assert os.listdir(tmp_path) == [".run.json.lock"]
    kept = (".run2.json.x.tmp", "run.json", "run.x.tmp", ".run.npz.x")
    for name in (".run.json.x.tmp", ".run.npz.y.tmp", *kept):
        (tmp_path / name).touch()
    with writing_alone(path, refuse):
        assert sorted(os.listdir(tmp_path)) == sorted([".run.json.lock", *kept])
    assert sorted(os.listdir(tmp_path)) == sorted(kept)


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(AvbenchError, match=r"cannot write .*; choose another folder"),
        writing_alone(tmp_path / "file" / "new", refuse),
    ):
        pass


def test_folders_that_were_made_for_nothing_go_again(tmp_path):
    with writing_alone(tmp_path / "a" / "b" / "file", print):
        pass
    assert list(tmp_path.iterdir()) == []
    with writing_alone(tmp_path / "a" / "b" / "file", print):
        (tmp_path / "a" / "other").touch()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["other"]


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_without_locks_nobody_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def no_locks(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", no_locks)
    path = tmp_path / "a" / "file"
    with writing_alone(path, refuse):
        pass
    assert list(tmp_path.iterdir()) == []
    path.parent.mkdir()
    (path.parent / ".file.x.tmp").touch()  # perhaps of another writer, who is at work
    with writing_alone(path, refuse):
        path.write_text("whole")
    assert sorted(entry.name for entry in path.parent.iterdir()) == [".file.x.tmp", "file"]
