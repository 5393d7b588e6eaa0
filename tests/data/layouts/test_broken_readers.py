"""A plugin's feature reader that breaks, or breaks the contract, is named in one line; others go on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pluggy
import pytest
from click.testing import CliRunner, Result
from published_tree import write_tree

import avgzsl_bench as ab
from avgzsl_bench.cli import main
from avgzsl_bench.data.layouts.avca import READER
from avgzsl_bench.data.layouts.importing import import_tree
from avgzsl_bench.data.layouts.readers import DetectedFeatures
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.store import read_header
from avgzsl_bench.data.store.table import FeatureTable
from avgzsl_bench.errors import DataError
from avgzsl_bench.plugins import builtin, hookspecs, registry
from avgzsl_bench.plugins import manager as plugins

PLUGIN = "some-lab:their_entry"
NAMED = f"plugin {PLUGIN}: feature reader 'theirs': "

Recognise = Callable[[Path, Any], Any]
Read = Callable[[DetectedFeatures, Any], Any]


class Reader:
    """A sound reader of a layout of its own, but for what a test replaces."""

    recognise: Recognise
    read: Read

    def __init__(self) -> None:
        self.recognise = lambda directory, datasets: [detected(directory)]
        self.read = lambda found, dataset: table(found, dataset)


READER_UNDER_TEST = Reader()


def detected(directory: Path, **change: Any) -> DetectedFeatures:
    return dataclasses.replace(DetectedFeatures("theirs", "ucf", "their_set", directory), **change)


def table(found: DetectedFeatures, facts: Any, /, **change: Any) -> FeatureTable:
    known = DetectedFeatures("avca", "ucf", "selavi", found.path.parent / "UCF/features/main_features")
    return dataclasses.replace(READER.read(known, facts), **{"features": found.features, **change})


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Reader:
    """The reader under test, registered by a plugin beside the built-in ones."""
    hooks = type("Hooks", (), {"avbench_feature_readers": lambda self: specs})()
    type(hooks).avbench_feature_readers = ab.hookimpl(type(hooks).avbench_feature_readers)
    specs = [ab.ReaderSpec("theirs", f"{__name__}:READER_UNDER_TEST")]
    manager = pluggy.PluginManager(plugins.GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(builtin, "avgzsl-bench:standard")
    manager.register(hooks, PLUGIN)
    loaded = plugins.Plugins(manager, ())
    monkeypatch.setattr(registry, "load_plugins", lambda: loaded)
    READER_UNDER_TEST.__init__()  # type: ignore[misc]
    return READER_UNDER_TEST


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder that only the plugin's reader knows; beside it lies a tree that `avca` knows."""
    write_tree(tmp_path / "in", "selavi")
    (tmp_path / "in" / "theirs").mkdir()
    (tmp_path / "elsewhere").mkdir()
    for folder in ("theirs", "UCF"):
        (tmp_path / "in" / folder / "link").symlink_to(tmp_path / "elsewhere")
    return tmp_path / "in" / "theirs"


def import_command(directory: Path, root: Path) -> Result:
    return CliRunner().invoke(main, ["data", "import", str(directory), "--data-root", str(root)])


def raises(error: BaseException) -> Callable[[Any, Any], Any]:
    def method(_: Any, __: Any) -> Any:
        raise error

    return method


def gives(**change: Any) -> Recognise:
    return lambda directory, datasets: [detected(directory, **change)]


def test_a_sound_reader_of_a_plugin_imports(reader: Reader, theirs: Path, tmp_path: Path) -> None:
    (result,) = import_tree(theirs, tmp_path / "data", force=False)
    assert result.path == store_path(tmp_path / "data", "ucf", "their_set")
    assert read_header(result.path).videos == result.videos == 9


RECOGNISE: dict[str, tuple[Recognise, str]] = {
    "raises": (raises(ValueError("no\nsuch \x1b[31mthing")), "failed: ValueError: no such [31mthing"),
    "exits": (raises(SystemExit(3)), "failed: SystemExit: 3"),
    "opens a file elsewhere": (
        raises(FileNotFoundError(2, "No such file or directory", "/their/config")),
        "failed: FileNotFoundError: [Errno 2] No such file or directory: '/their/config'",
    ),
    "none": (lambda *_: None, "must return a list of DetectedFeatures, got NoneType"),
    "a path": (lambda d, _: [d], "must return a list of DetectedFeatures, got PosixPath in it"),
    "another's name": (gives(reader="avca"), "names itself 'avca'; the reader is registered as 'theirs'"),
    "unknown dataset": (gives(dataset="ufc"), "names an unknown dataset 'ufc' (known: "),
    "a name that is a path": (gives(features="../x"), "names a feature set '../x'; use up to 40 lower"),
    "no text as a name": (gives(features=7), "names a feature set 7; use up to 40 lower"),
    "a path outside": (lambda directory, _: [detected(directory / "..")], "which is not at or below "),
    "a link that leads out": (lambda directory, _: [detected(directory / "link")], "which is not at or below "),
    "text as a path": (lambda directory, _: [detected(directory, path=str(directory))], "not at or below "),
    "a path that is none": (lambda directory, _: [detected(directory / "a\0b")], "not at or below "),
}


@pytest.mark.parametrize("kind", RECOGNISE)
def test_a_reader_that_recognises_wrongly(reader: Reader, theirs: Path, tmp_path: Path, kind: str) -> None:
    reader.recognise, reason = RECOGNISE[kind]
    only = import_command(theirs, tmp_path / "data")
    assert only.exit_code == 2
    (line,) = only.stderr.splitlines()
    assert line.startswith("error: ")
    assert f"{NAMED}recognise() " in line
    assert reason in line
    beside = import_command(theirs.parent / "UCF", tmp_path / "data")
    assert beside.exit_code == 0, beside.output
    line, other = beside.stderr.splitlines()
    assert other.startswith("warning: ucf selavi does not hold the standard videos of splits cls, main: ")
    assert line.startswith(f"warning: {NAMED}recognise() ")
    assert reason in line
    assert "ucf selavi (avca): 9 videos" in beside.stdout


def returns(**change: Any) -> Read:
    return lambda found, dataset: table(found, dataset, **change)


SIMULATED = [f"sim_000_{i:05d}" for i in range(9)]
NAN, THREE = np.full((9, 4), np.nan, np.float32), {"e": np.ones((3, 4), np.float32)}
READ: dict[str, tuple[Read, str]] = {
    "raises": (raises(KeyError("data")), "failed: KeyError: 'data'"),
    "no table": (lambda *_: {"audio": 1}, "must return a FeatureTable, got dict"),
    "another dataset": (
        returns(dataset="vggsound"),
        "returned 'their_set' of 'vggsound' where 'their_set' of 'ucf' was detected",
    ),
    "another feature set": (
        returns(features="x"),
        "returned 'x' of 'ucf' where 'their_set' of 'ucf' was detected",
    ),
    "called simulated": (
        returns(simulated=True),
        "returned simulated=True for 'their_set'; only 'simulated' is simulated",
    ),
    "simulated videos": (
        returns(video_id=SIMULATED),
        "returned the simulated video 'sim_000_00000' as a real one",
    ),
    "lists": (returns(label=[0] * 9), "returned a table whose label is no array"),
    "ids of bytes": (returns(video_id=[b"a"] * 9), "returned a table whose video_id is no list of str"),
    "text of other classes": (returns(text=THREE), "returned 3 text vectors for the 101 classes of ucf"),
    "not finite": (returns(audio=NAN), "returned an unsound table: features 'their_set' of 'ucf': audio holds a"),
}


@pytest.mark.parametrize("kind", READ)
def test_a_reader_that_reads_wrongly(reader: Reader, theirs: Path, tmp_path: Path, kind: str) -> None:
    reader.read, reason = READ[kind]
    only = import_command(theirs, tmp_path / "data")
    assert only.exit_code == 2
    (line,) = only.stderr.splitlines()
    assert line.startswith(f"error: {NAMED}read() {reason}")
    assert line.endswith(f"; not imported: {theirs}")
    assert not [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    reader.recognise = lambda directory, _: [detected(directory / "theirs")]
    with pytest.warns(UserWarning, match="not imported"):
        results = import_tree(theirs.parent, tmp_path / "data", force=False)
    assert [result.found.features for result in results] == ["selavi"]


def test_errors_about_data_stop_the_import_as_they_are(reader: Reader, theirs: Path, tmp_path: Path) -> None:
    for error, message in (
        (DataError("a.bin: damaged"), "error: a.bin: damaged"),
        (PermissionError(13, "Permission denied", str(theirs / "a.bin")), "Permission denied"),
    ):
        for method in ("recognise", "read"):
            Reader.__init__(reader)
            setattr(reader, method, raises(error))
            result = import_command(theirs, tmp_path / "data")
            assert result.exit_code == 2
            assert message in result.stderr
            assert PLUGIN not in result.stderr
    Reader.__init__(reader)
    reader.recognise = raises(KeyboardInterrupt())
    assert import_command(theirs, tmp_path / "data").exit_code == 130


def test_two_readers_that_know_one_folder(reader: Reader, theirs: Path, tmp_path: Path) -> None:
    known = theirs.parent / "UCF/features/main_features"
    reader.recognise = lambda directory, _: [detected(known, features="selavi")]
    with pytest.raises(DataError, match=r"both hold selavi of ucf \(readers: avca, theirs\)"):
        import_tree(theirs.parent / "UCF", tmp_path / "data", force=False)


def test_a_reader_that_cannot_be_imported(
    reader: Reader, theirs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(f"{__name__}.READER_UNDER_TEST")
    with pytest.raises(DataError, match=rf"no features recognised.*plugin {PLUGIN}: .*cannot be imported"):
        import_tree(theirs, tmp_path / "data", force=False)
    with pytest.warns(UserWarning, match=rf"plugin {PLUGIN}: .*cannot be imported"):
        (result,) = import_tree(theirs.parent / "UCF", tmp_path / "data", force=False)
    assert result.found.reader == "avca"
