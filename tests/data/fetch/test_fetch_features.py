"""From a published archive to installed features, by the command."""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from http_server import Server, serving
from published_tree import write_tree

from avgzsl_bench.cli import main
from avgzsl_bench.data.cards import published as cards
from avgzsl_bench.data.cards.published import Source, published
from avgzsl_bench.data.fetch.fetched import Fetched, fetched_path, read_fetched
from avgzsl_bench.data.fetch.installing import fetch_source
from avgzsl_bench.data.store.store import read_header
from avgzsl_bench.errors import DataError

pytestmark = pytest.mark.usefixtures("standard")


def zipped(folder: Path) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            archive.write(path, path.relative_to(folder))
    return stream.getvalue()


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("published")
    write_tree(folder / "avgzsl_benchmark_datasets", "selavi")
    return zipped(folder)


@pytest.fixture
def server(archive: bytes) -> Iterator[Server]:
    with serving(archive) as running:
        yield running


def source(server: Server, behaviour: str = "good", **change: object) -> Source:
    known = {
        "name": "own",
        "kind": "features",
        "holds": "averaged features",
        "datasets": ["ucf"],
        "features": ["selavi"],
        "address": "https://example.org/own",
        "download": server.at(behaviour),
        "licence": "none stated",
        "state": "reported as gone (issue 4)",
        "since": "2025-09-10",
    }
    return Source.model_validate(known | change)


@pytest.fixture
def call(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    def call(*arguments: object, behaviour: str = "good", **change: object) -> Result:
        others = [s for s in published() if s.name != "own"]
        monkeypatch.setattr(cards, "published", lambda: (source(server, behaviour, **change), *others))
        try:
            root = ("--data-root", str(tmp_path / "data"))
            return CliRunner().invoke(main, ["data", *map(str, arguments), *root])
        finally:
            monkeypatch.undo()

    return call


def test_features_are_fetched_imported_and_audited(
    call: Callable[..., Result], archive: bytes, tmp_path: Path, standard: None
) -> None:
    root = tmp_path / "data"
    done = call("fetch", "own")
    assert done.exit_code == 0, done.output
    sha256 = hashlib.sha256(archive).hexdigest()
    assert f"{root}/downloads/own.zip: {len(archive):,} bytes, SHA-256 {sha256}\n" in done.stdout
    assert f"ucf selavi (avca): 9 videos -> {root}/ucf/selavi/features.h5" in done.stdout
    assert "does not hold the standard videos" in done.stderr
    assert "\navgzsl_benchmark_datasets/UCF/features/main_features: tree, ucf selavi, 9 videos" in done.stdout
    assert sorted(p.name for p in (root / "downloads").iterdir()) == ["own.zip"]
    record = read_fetched(fetched_path(root, "ucf", "selavi"))
    assert record is not None
    assert (record.sha256, record.size, record.address) == (sha256, len(archive), "https://example.org/own")
    assert record.fingerprint == read_header(root / "ucf/selavi/features.h5").fingerprint


def test_what_is_installed_stays_and_the_archive_is_used_again(
    call: Callable[..., Result], server: Server, tmp_path: Path
) -> None:
    call("fetch", "own")
    again = call("fetch", "selavi")
    assert again.exit_code == 2
    assert f"{tmp_path}/data/ucf/selavi/features.h5 is there already; replace it with --force" in again.stderr
    done = call("fetch", "own", "--force")
    assert done.exit_code == 0, done.output
    assert len(server.received) == 1


def test_another_archive_than_before_is_reported(
    call: Callable[..., Result], server: Server, tmp_path: Path
) -> None:
    call("fetch", "own")
    (tmp_path / "data/downloads/own.zip").unlink()
    write_tree(tmp_path / "other", "selavi")
    server.content = zipped(tmp_path / "other")
    done = call("fetch", "own", "--force")
    assert done.exit_code == 0, done.output
    (line,) = (line for line in done.stderr.splitlines() if "SHA-256" in line)
    assert line.startswith("warning: ucf selavi: own: SHA-256 ")
    assert line.endswith("the imported features are the same")


def test_the_record_of_another_machine_is_compared(
    call: Callable[..., Result], tmp_path: Path, archive: bytes
) -> None:
    """The record is brought before anything is fetched."""
    path = fetched_path(tmp_path / "data", "ucf", "selavi")
    path.parent.mkdir(parents=True)
    known = {"source": "own", "address": "https://example.org/own", "fetched": "2026-01-31", "size": 7}
    record = Fetched.model_validate(known | {"sha256": "0" * 64, "fingerprint": "1" * 64})
    path.write_text(record.model_dump_json())
    done = call("fetch", "own")
    assert done.exit_code == 0, done.output
    assert f"but on 2026-01-31 it was {'0' * 64}, 7 bytes; the imported features are others" in done.stderr
    path.write_text("{}")
    failed = call("fetch", "own", "--force")
    assert failed.exit_code == 2
    assert "not a valid record of a download" in failed.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"behaviour": "missing"}, "answered 404.*known of this address: 2025-09-10: reported as gone"),
        ({"download": None}, "own: not downloaded by this program; see https://example.org/own"),
    ],
)
def test_what_cannot_be_downloaded_gives_one_line(
    call: Callable[..., Result], tmp_path: Path, change: dict[str, str], message: str
) -> None:
    failed = call("fetch", "own", **change)
    assert failed.exit_code == 2
    assert len(failed.stderr.splitlines()) == 1
    assert re.search(message, failed.stderr)
    assert not (tmp_path / "data").exists()


def test_features_that_are_not_in_the_archive_are_named(call: Callable[..., Result]) -> None:
    done = call("fetch", "own", datasets=["ucf", "vggsound"])
    assert done.exit_code == 0
    assert "warning: own: selavi of vggsound is not in the archive" in done.stderr


def test_an_archive_that_cannot_be_imported_is_kept(server: Server, tmp_path: Path) -> None:
    write_tree(tmp_path / "in", "selavi")
    damaged = next((tmp_path / "in").rglob("Archery.h5"))
    damaged.write_bytes(b"?")
    server.content = zipped(tmp_path / "in")
    with pytest.raises(DataError) as caught:
        fetch_source(source(server), tmp_path / "data")
    assert str(caught.value).startswith(f"{tmp_path}/data/downloads/own.zip: UCF/features/main_features/audio/")
    assert [p.name for p in (tmp_path / "data").rglob("*") if p.is_file()] == ["own.zip"]


def test_the_list(call: Callable[..., Result]) -> None:
    shown = call("fetch").stdout
    for text in (
        "  avca: averaged features, C3D/VGGish and SeLaVi",
        "https://drive.google.com/file/d/1fNb3WvbN76yuPVi4MeVtgDycdX0jAE2G/view",
        "2025-12-15: reported as not accessible",
        "revision 866b006d84629d66d9927646db89bd43381925e7",
        "licence:   cc0-1.0, as mteb states it",
        "get it:    avbench data fetch tcaf-selavi-ucf",
    ):
        assert text in shown


def test_names(call: Callable[..., Result]) -> None:
    for name, message in (
        ("selavy", "did you mean 'selavi'"),
        ("simulated", "nothing to fetch"),
        ("ucf101-51va", "revision 866b006d84629d66d9927646db89bd43381925e7 (licence: cc0-1.0"),
    ):
        failed = call("fetch", name)
        assert failed.exit_code == 2
        assert message in failed.stderr
        assert len(failed.stderr.splitlines()) == 1


def test_info_shows_where_features_were_fetched_from(call: Callable[..., Result], tmp_path: Path) -> None:
    call("fetch", "own")
    shown = call("info", "ucf", "selavi").stdout
    assert "fetched      " in shown
    assert "from https://example.org/own (own), SHA-256 " in shown
    (entry,) = json.loads(call("info", "ucf", "selavi", "--json").stdout)
    assert entry["fetched"]["source"] == "own"
    write_tree(tmp_path / "other", "selavi", {p: {"Archery": [f"{p}_1"]} for p in DISK})
    call("import", tmp_path / "other", "--force")
    (entry,) = json.loads(call("info", "ucf", "selavi", "--json").stdout)
    assert entry["fetched"] is None


DISK = ("stage_1_train", "stage_1_val_seen", "stage_1_val_unseen", "stage_2_test_seen", "stage_2_test_unseen")
