from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest.mock import Mock, patch

import numpy as np
import pytest
from click.testing import CliRunner
from http_server import PAGE, Mirror, mirror

from avgzsl_bench.cli import main
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED
from avgzsl_bench.data.fetch.download import fetch
from avgzsl_bench.data.fetch.manifest import Archive, read_manifest
from avgzsl_bench.errors import AvbenchError, DataError

CONTENT = np.random.default_rng(0).bytes(8 << 16)
SIZE = "524,288"
HALF = len(CONTENT) // 2


@pytest.fixture
def server() -> Iterator[Mirror]:
    with mirror(CONTENT) as running:
        yield running


def archive(server: Mirror, *behaviours: str, **change: Any) -> Archive:
    known = {
        "name": "own",
        "features": "selavi",
        "file": "own.zip",
        "mirrors": [f"{server.url}/{behaviour}/own.zip" for behaviour in behaviours],
        "size": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
    }
    return Archive.model_validate(known | change)


def get(wanted: Archive, folder: Path) -> Path:
    return fetch(wanted, folder, stalled=0.3)


def left(folder: Path) -> list[str]:
    """Files that are there; empty ones are of no account."""
    return sorted(path.name for path in folder.glob("*") if path.stat().st_size)


def test_a_good_mirror(server: Mirror, tmp_path: Path) -> None:
    counts: list[int] = []
    path = fetch(archive(server, "good"), tmp_path / "downloads", report_bytes=counts.append)
    assert path.read_bytes() == CONTENT
    assert counts == sorted(counts)
    assert counts[-1] == len(CONTENT)
    assert left(path.parent) == ["own.zip"]


def test_what_is_there_is_not_fetched_again_unless_it_is_wrong(server: Mirror, tmp_path: Path) -> None:
    wanted = archive(server, "good")
    path = get(wanted, tmp_path)
    get(wanted, tmp_path)
    assert len(server.received) == 1
    path.write_bytes(bytes(len(CONTENT)))
    assert get(wanted, tmp_path).read_bytes() == CONTENT
    assert len(server.received) == 2


@pytest.mark.parametrize(
    ("bad", "message", "kept"),
    [
        ("truncate", "broke off before the end", HALF),
        ("short", f"has a file of 262,144 bytes, not of {SIZE}", 0),
        ("long", f"sends more than the {SIZE} bytes", 0),
        ("lie", f"has a file of 524,295 bytes, not of {SIZE}", 0),
        ("stall", "nothing came for 0.3 seconds", HALF),
        ("page", r"a web page \(Virus scan & warning\) instead of the file.*open the address in a browser", 0),
        ("page-as-file", "a web page", 0),
        ("wrong", "SHA-256 is another", 0),
        ("missing", "answered 404", 0),
    ],
)
def test_a_bad_mirror_leaves_nothing_that_looks_complete_and_the_next_is_tried(
    server: Mirror, tmp_path: Path, bad: str, message: str, kept: int
) -> None:
    address, folder = f"{server.url}/{bad}/own.zip", tmp_path / "bad"
    with pytest.raises(DataError, match=message) as caught:
        get(archive(server, bad), folder)
    text = str(caught.value)
    assert "\n" not in text
    assert address in text
    assert (f"{kept:,} bytes are kept" if kept else "by hand") in text
    assert left(folder) == (["own.zip.part"] if kept else [])
    assert not kept or (folder / "own.zip.part").read_bytes() == CONTENT[:kept]
    reported: list[str] = []
    path = fetch(archive(server, bad, "good"), tmp_path / "next", report=reported.append, stalled=0.3)
    assert path.read_bytes() == CONTENT
    assert left(path.parent) == ["own.zip"]
    (line,) = reported
    assert line.startswith(f"{address}: ")


def test_a_page_in_place_of_a_file_of_its_length_is_recognised(tmp_path: Path) -> None:
    with mirror(PAGE) as server:
        wanted = archive(server, "page-as-file", size=len(PAGE))
        with pytest.raises(DataError, match="a web page"):
            get(wanted, tmp_path)
    assert left(tmp_path) == []


def test_a_transfer_goes_on_where_it_broke_off(server: Mirror, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="goes on from there"):
        get(archive(server, "truncate"), tmp_path)
    assert get(archive(server, "good"), tmp_path).read_bytes() == CONTENT
    assert server.received[-1] == ("good", f"bytes={HALF}-")
    assert left(tmp_path) == ["own.zip"]


def test_a_server_that_stalls_is_resumed_by_the_same_mirror(server: Mirror, tmp_path: Path) -> None:
    for _ in range(3):
        with pytest.raises(DataError):
            get(archive(server, "stall"), tmp_path)
    assert (tmp_path / "own.zip.part").stat().st_size == len(CONTENT) * 7 // 8
    assert get(archive(server, "good"), tmp_path).read_bytes() == CONTENT


def test_a_server_without_ranges_starts_over(server: Mirror, tmp_path: Path) -> None:
    (tmp_path / "own.zip.part").write_bytes(CONTENT[:1000])
    assert get(archive(server, "no-range"), tmp_path).read_bytes() == CONTENT
    assert server.received == [("no-range", "bytes=1000-")]


def test_a_server_without_ranges_that_breaks_off_loses_nothing(server: Mirror, tmp_path: Path) -> None:
    wanted = archive(server, "truncate", "no-range-truncate")
    with pytest.raises(DataError, match="broke off before the end"):
        get(wanted, tmp_path)
    assert (tmp_path / "own.zip.part").read_bytes() == CONTENT[:HALF]
    assert get(archive(server, "good"), tmp_path).read_bytes() == CONTENT
    assert server.received[-1] == ("good", f"bytes={HALF}-")


def test_an_interruption_while_the_hash_is_computed_loses_nothing(server: Mirror, tmp_path: Path) -> None:
    stop = Mock(side_effect=KeyboardInterrupt)
    with patch("pooch.file_hash", stop), patch("pooch.hashes.file_hash", stop), pytest.raises(KeyboardInterrupt):
        get(archive(server, "good"), tmp_path)
    assert left(tmp_path) == ["own.zip.part"]
    assert get(archive(server, "good"), tmp_path).read_bytes() == CONTENT
    assert len(server.received) == 1
    assert left(tmp_path) == ["own.zip"]


@pytest.mark.parametrize(
    ("bad", "message"), [("escape", "answered 503 [2JBusy"), ("hang-up", "hang-up/own.zip: the connection broke;")]
)
def test_what_a_server_says_does_nothing_to_a_terminal(
    server: Mirror, tmp_path: Path, bad: str, message: str
) -> None:
    with pytest.raises(DataError) as caught:
        get(archive(server, bad), tmp_path)
    assert message in str(caught.value)
    assert str(caught.value).isprintable()


def test_what_was_kept_of_another_file_does_not_spoil_the_transfer(server: Mirror, tmp_path: Path) -> None:
    (tmp_path / "own.zip.part").write_bytes(bytes(1000))
    assert get(archive(server, "good"), tmp_path).read_bytes() == CONTENT
    assert [wanted for _, wanted in server.received] == ["bytes=1000-", None]
    for kept in (bytes(len(CONTENT)), bytes(len(CONTENT) + 1)):
        (tmp_path / "own.zip").unlink()
        (tmp_path / "own.zip.part").write_bytes(kept)
        assert get(archive(server, "good"), tmp_path).read_bytes() == CONTENT
        assert left(tmp_path) == ["own.zip"]


@pytest.mark.parametrize(
    ("bad", "message"), [("other-range", "another part of the file"), ("big-range", "a file of 524,289 bytes")]
)
def test_a_wrong_part_is_refused_and_what_was_there_stays(
    server: Mirror, tmp_path: Path, bad: str, message: str
) -> None:
    (tmp_path / "own.zip.part").write_bytes(CONTENT[:1000])
    with pytest.raises(DataError, match=message):
        get(archive(server, bad), tmp_path)
    assert (tmp_path / "own.zip.part").read_bytes() == CONTENT[:1000]


def test_nobody_listens_and_nowhere_to_write(server: Mirror, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="Connection refused"):
        get(archive(server, mirrors=["http://127.0.0.1:9/own.zip"]), tmp_path)
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AvbenchError, match="cannot write"):
        get(archive(server, "good"), tmp_path / "file")


def manifest(path: Path, *archives: Archive, **change: Any) -> Path:
    content = {"form": "avgzsl-bench manifest 1", "archives": [a.model_dump(mode="json") for a in archives]}
    path.write_text(json.dumps(content | change), encoding="utf-8")
    return path


def test_our_manifest_can_be_read() -> None:
    features = {f.name for f in PUBLISHED}
    assert all(archive.features in features for archive in read_manifest().archives)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"file": "../own.zip"}, "archives.0.file"),
        ({"file": ".hidden"}, "archives.0.file"),
        ({"mirrors": []}, "archives.0.mirrors"),
        ({"mirrors": ["file:///etc/passwd"]}, "archives.0.mirrors.0"),
        ({"sha256": "0"}, "archives.0.sha256"),
        ({"size": 0}, "archives.0.size"),
        ({"unpack": True}, "archives.0.unpack: Extra inputs"),
    ],
)
def test_malformed_manifests_are_told(
    server: Mirror, tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    entry = archive(server, "good").model_dump(mode="json") | change
    path = manifest(tmp_path / "manifest.json", archives=[entry])
    with pytest.raises(DataError, match=message):
        read_manifest(path)
    twice = manifest(tmp_path / "twice.json", archive(server, "good"), archive(server, "good"))
    with pytest.raises(DataError, match="the same name"):
        read_manifest(twice)


def test_command(server: Mirror, tmp_path: Path) -> None:
    own = manifest(tmp_path / "manifest.json", archive(server, "page", "good"))

    def call(*arguments: object):
        return CliRunner().invoke(main, ["data", "fetch", *map(str, arguments), "--data-root", str(tmp_path)])

    for name in ("own", "selavi"):
        done = call(name, "--manifest", own)
        assert done.exit_code == 0, done.stderr
        assert (tmp_path / "downloads" / "own.zip").read_bytes() == CONTENT
        assert "avbench data import DIR" in done.stdout
    listed = call("--manifest", own).stdout
    assert f"own: selavi, {SIZE} bytes, 2 mirrors" in listed
    assert "\nselavi:" not in listed
    for name, message in (
        ("clip_clap", "https://github.com/dkurzend/ClipClap-GZSL"),
        ("selavy", "did you mean 'selavi'"),
        ("simulated", "nothing to fetch"),
    ):
        failed = call(name)
        assert failed.exit_code == 2
        assert message in failed.stderr
        assert len(failed.stderr.splitlines()) == 1
    assert {line.split(":")[0] for line in call().stdout.splitlines()} >= {f.name for f in PUBLISHED}
