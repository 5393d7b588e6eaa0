from __future__ import annotations

from pathlib import Path

import pytest

from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.system.files import atomic_file, folder_fault, os_reason, require_writable, write_atomically


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_atomically(path, b"one")
    with pytest.raises(UnicodeEncodeError), atomic_file(path) as temporary:
        temporary.write_text("two, then half a character: \ud800", encoding="utf-8")
    with pytest.raises(AvbenchError, match="No space left on device; choose another folder"), atomic_file(path):
        raise OSError(28, "a long dump")
    assert path.read_bytes() == b"one"
    assert path.stat().st_mode & 0o777 == 0o644
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(28, "dump (errno = 5)"), "No space left on device"),
        (RuntimeError("cannot flush (time = now, errno = 28, buf = 0x0)"), "No space left on device"),
        (RuntimeError("cannot\nflush (time = now, buf = 0x0)"), "cannot flush"),
    ],
)
def test_reasons_are_the_systems_words(error: Exception, reason: str) -> None:
    assert os_reason(error) == reason


def test_what_cannot_be_written_to_is_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    require_writable(tmp_path / "a" / "b")
    for parts in (["a" * 300], ["a" * 300, "b"], ["file"], ["file", "b"]):
        folder = tmp_path.joinpath(*parts)
        with pytest.raises(AvbenchError, match=r"cannot write to .*; choose another folder"):
            require_writable(folder)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_why_a_path_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    assert folder_fault(tmp_path) is None
    assert folder_fault(tmp_path / "file") == "not a folder"
    assert folder_fault(tmp_path / "none") == "no such folder"
    assert folder_fault(tmp_path / "loop") == "Too many levels of symbolic links"
    assert folder_fault(tmp_path / ("a" * 300)) == "File name too long"
