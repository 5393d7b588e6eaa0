"""Downloads from a server that misbehaves: what is kept, what is refused, and what goes on where it was."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from http_server import PAGE, Server, serving

from avgzsl_bench.data.fetch.download import download
from avgzsl_bench.errors import AvbenchError, DataError


def zipped(seed: int) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("numbers", np.random.default_rng(seed).bytes(8 << 16))
    return stream.getvalue()


CONTENT, OTHER = zipped(0), zipped(1)
HALF = len(CONTENT) // 2 >> 16 << 16
"""Whole blocks in half of it: what is kept when a server sends half."""


@pytest.fixture
def server() -> Iterator[Server]:
    with serving(CONTENT) as running:
        yield running


def get(server: Server, behaviour: str, folder: Path) -> Path:
    return download(server.at(behaviour), folder / "own.zip", stalled=0.3)


def left(folder: Path) -> list[str]:
    """Files that are there."""
    return sorted(path.name for path in folder.glob("*"))


def begin(server: Server, folder: Path, then: str) -> None:
    """A download that breaks off half-way, as if it had begun at the address of another behaviour."""
    with pytest.raises(DataError, match="goes on from there"):
        get(server, "truncate", folder)
    state = folder / "own.zip.part.json"
    state.write_text(state.read_text().replace("/truncate/", f"/{then}/"))


@pytest.mark.parametrize("behaviour", ["good", "no-range", "unmarked", "undeclared"])
def test_a_good_server(server: Server, tmp_path: Path, behaviour: str) -> None:
    counts: list[tuple[int, int | None]] = []
    target = tmp_path / "downloads" / "own.zip"
    path = download(server.at(behaviour), target, report_bytes=lambda n, size: counts.append((n, size)))
    assert path.read_bytes() == CONTENT
    assert counts == sorted(counts)
    assert counts[-1] == (len(CONTENT), None if behaviour == "undeclared" else len(CONTENT))
    assert left(path.parent) == ["own.zip"]


def test_what_is_there_is_not_downloaded_again(server: Server, tmp_path: Path) -> None:
    (tmp_path / "own.zip").write_bytes(OTHER)
    assert get(server, "good", tmp_path).read_bytes() == OTHER
    assert server.received == []
    (tmp_path / "own.zip").write_bytes(PAGE)
    with pytest.raises(DataError, match=r"own\.zip: no zip archive, or cut off; remove it"):
        get(server, "good", tmp_path)


@pytest.mark.parametrize(
    ("bad", "message", "kept"),
    [
        ("truncate", "broke off before the end", HALF),
        ("stall", "nothing came for 0.3 seconds", HALF),
        ("page", r"a web page \(Virus scan & warning\) instead of the file", 0),
        ("page-as-file", "a web page", 0),
        ("missing", "answered 404", 0),
        ("hang-up", "the connection broke", 0),
        ("escape", r"answered 503 \[2JBusy", 0),
    ],
)
def test_a_bad_server_leaves_nothing_that_looks_complete(
    server: Server, tmp_path: Path, bad: str, message: str, kept: int
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        get(server, bad, tmp_path)
    text = str(caught.value)
    assert text.isprintable()
    assert server.at(bad) in text
    assert (f"{kept:,} bytes are kept" if kept else f"in a browser to {tmp_path}/own.zip") in text
    assert left(tmp_path) == (["own.zip.part", "own.zip.part.json"] if kept else [])
    assert not kept or (tmp_path / "own.zip.part").read_bytes() == CONTENT[:kept]


def test_a_transfer_goes_on_where_it_broke_off(server: Server, tmp_path: Path) -> None:
    begin(server, tmp_path, "good")
    assert get(server, "good", tmp_path).read_bytes() == CONTENT
    assert server.received[-1] == ("good", f"bytes={HALF}-", '"1"')
    assert left(tmp_path) == ["own.zip"]


def test_a_server_that_stalls_is_resumed(server: Server, tmp_path: Path) -> None:
    sizes = []
    for _ in range(3):
        with pytest.raises(DataError):
            get(server, "stall", tmp_path)
        kept = (tmp_path / "own.zip.part").read_bytes()
        assert CONTENT.startswith(kept)
        sizes.append(len(kept))
    assert sizes == sorted(set(sizes))


def test_a_server_without_ranges_sends_all_again_and_loses_nothing(server: Server, tmp_path: Path) -> None:
    begin(server, tmp_path, "no-range-truncate")
    with pytest.raises(DataError, match="broke off before the end"):
        get(server, "no-range-truncate", tmp_path)
    assert (tmp_path / "own.zip.part").read_bytes() == CONTENT[:HALF]
    state = tmp_path / "own.zip.part.json"
    state.write_text(state.read_text().replace("no-range-truncate", "no-range"))
    assert get(server, "no-range", tmp_path).read_bytes() == CONTENT
    assert server.received[-1][:2] == ("no-range", f"bytes={HALF}-")


def test_a_file_that_changed_meanwhile_is_downloaded_anew(server: Server, tmp_path: Path) -> None:
    begin(server, tmp_path, "changed")
    server.content = OTHER
    assert get(server, "changed", tmp_path).read_bytes() == OTHER
    assert [wanted for _, wanted, _ in server.received] == [None, f"bytes={HALF}-"]


@pytest.mark.parametrize(
    ("bad", "message", "kept"),
    [
        ("changed-range", "another file than when the download began; the next attempt begins anew", False),
        ("gone-range", "another file than when the download began; the next attempt begins anew", False),
        ("other-range", "another part of the file", True),
        ("long", r"sends more than the 524,\d{3} bytes of the file", True),
    ],
)
def test_the_rest_of_another_file_is_not_put_behind_the_beginning(
    server: Server, tmp_path: Path, bad: str, message: str, kept: bool
) -> None:
    begin(server, tmp_path, bad)
    with pytest.raises(DataError, match=message):
        get(server, bad, tmp_path)
    assert left(tmp_path) == (["own.zip.part", "own.zip.part.json"] if kept else [])


def test_bytes_from_another_address_or_of_unknown_origin_do_not_count(server: Server, tmp_path: Path) -> None:
    for state in (None, b"?", b"{}"):
        (tmp_path / "own.zip.part").write_bytes(bytes(1000))
        if state is not None:
            (tmp_path / "own.zip.part.json").write_bytes(state)
        assert get(server, "good", tmp_path).read_bytes() == CONTENT
        (tmp_path / "own.zip").unlink()
    begin(server, tmp_path, "elsewhere")
    assert get(server, "good", tmp_path).read_bytes() == CONTENT
    assert [wanted for _, wanted, _ in server.received] == [None] * 5


def test_what_is_no_archive_is_thrown_away(tmp_path: Path) -> None:
    for content, behaviour in ((b"PK no archive" * 100, "good"), (CONTENT[:-30], "undeclared"), (b"", "good")):
        with serving(content) as server, pytest.raises(DataError, match="no zip archive, or cut off"):
            get(server, behaviour, tmp_path)
        assert left(tmp_path) == []


def test_an_interruption_loses_nothing(server: Server, tmp_path: Path) -> None:
    with patch("os.replace", side_effect=KeyboardInterrupt), pytest.raises(KeyboardInterrupt):
        get(server, "good", tmp_path)
    assert get(server, "good", tmp_path).read_bytes() == CONTENT


def test_nobody_listens_and_nowhere_to_write(server: Server, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Connection refused"):
        download("http://127.0.0.1:9/own.zip", tmp_path / "own.zip")
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AvbenchError, match="cannot write"):
        get(server, "good", tmp_path / "file")
