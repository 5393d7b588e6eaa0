"""Archives that do harm are refused, and nothing is written outside the folder."""

from __future__ import annotations

import shutil
import stat
import zipfile
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path

import pytest

from avgzsl_bench.data.fetch import unpack as unpacking
from avgzsl_bench.data.fetch.unpack import unpack
from avgzsl_bench.errors import DataError

Members = dict[str | zipfile.ZipInfo, bytes]


def pack(path: Path, members: Members, compression: int = zipfile.ZIP_DEFLATED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def member(name: str, mode: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = mode << 16
    return info


def test_a_sound_archive(tmp_path: Path) -> None:
    members: Members = {"UCF/": b"", "UCF/a, b/c.txt": b"some text", "UCF/d.e.h5": bytes(100_000), "empty": b""}
    path = pack(tmp_path / "a.zip", members)
    steps: list[str] = []
    unpack(path, tmp_path / "out", steps.append)
    there = {
        str(p.relative_to(tmp_path / "out")): p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file()
    }
    assert there == {name: content for name, content in members.items() if not str(name).endswith("/")}
    assert steps == ["unpacking a.zip: 0 of 3 files"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("../outside", "a path out of the folder"),
        ("a/../../outside", "a path out of the folder"),
        ("/tmp/outside", "a path out of the folder"),
        ("..", "a path out of the folder"),
        ("a\\..\\outside", "no portable name"),
        ("C:/outside", "no portable name"),
        ("a\x1b[2J", "no portable name"),
        (member("link", stat.S_IFLNK | 0o777), "neither a file nor a folder"),
        (member("pipe", stat.S_IFIFO | 0o644), "neither a file nor a folder"),
    ],
)
def test_paths_and_kinds_that_are_refused(tmp_path: Path, name: str | zipfile.ZipInfo, message: str) -> None:
    path = pack(tmp_path / "a.zip", {"good": b"good", name: b"/etc/passwd"})
    with pytest.raises(DataError, match=message) as caught:
        unpack(path, tmp_path / "in" / "out")
    assert str(caught.value).isprintable()
    assert [p.name for p in tmp_path.iterdir()] == ["a.zip"]


def test_a_name_that_is_cut_at_a_zero_byte_is_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"features/ab": b"x"})
    path.write_bytes(path.read_bytes().replace(b"features/ab", b"features\0ab"))
    with pytest.raises(DataError, match="no portable name"):
        unpack(path, tmp_path / "out")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("names", [("a/b", "a/b"), ("a/b", "A/B")])
def test_a_file_twice_is_refused(tmp_path: Path, names: tuple[str, str]) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    with pytest.raises(DataError, match="twice"):
        unpack(tmp_path / "a.zip", tmp_path / "out")


def test_bombs_are_refused_before_anything_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = pack(tmp_path / "a.zip", {"zeros": bytes(40 << 20)})
    with pytest.raises(DataError, match="would unpack to 41,943,040 bytes"):
        unpack(path, tmp_path / "out")
    monkeypatch.setattr(unpacking, "_MOST_FILES", 2)
    path = pack(tmp_path / "b.zip", {"a": b"", "b": b"", "c": b""})
    with pytest.raises(DataError, match="3 files, more than 2"):
        unpack(path, tmp_path / "out")
    usage = namedtuple("usage", "free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10))
    path = pack(tmp_path / "c.zip", {"a": b"12345678901"})
    with pytest.raises(DataError, match=r"unpacks to 11 bytes, and .* has room for 10; make room"):
        unpack(path, tmp_path / "out")
    assert not any(p.is_file() for p in (tmp_path / "out").rglob("*"))


def lying(content: bytes) -> bytes:
    """The sizes in the headers say less than there is."""
    return content.replace((100_000).to_bytes(4, "little"), (99_000).to_bytes(4, "little"))


@pytest.mark.parametrize(
    "damage",
    [
        lying,
        lambda content: content.replace(bytes(64), b"\1" * 64, 1),
        lambda content: content[:50] + content[80:],
    ],
)
def test_damage_is_told_in_one_line(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    path = pack(tmp_path / "a.zip", {"a": bytes(100_000)}, zipfile.ZIP_STORED)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DataError, match=r"damaged|refused") as caught:
        unpack(path, tmp_path / "out")
    assert str(caught.value).isprintable()


def test_encrypted_and_unusual_archives_are_refused(tmp_path: Path) -> None:
    path = pack(tmp_path / "a.zip", {"a": b"x"}, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    at = content.index(b"PK\1\2")
    content[at + 8] |= 1
    path.write_bytes(content)
    with pytest.raises(DataError, match="encrypted"):
        unpack(path, tmp_path / "out")
    path = pack(tmp_path / "b.zip", {"a": b"x" * 1000}, zipfile.ZIP_LZMA)
    with pytest.raises(DataError, match="compressed in an unusual way"):
        unpack(path, tmp_path / "out")
