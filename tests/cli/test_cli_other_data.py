"""Data that differs from the standard, as the commands name it, and where vectors came from."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from named_stores import install, named_table, partial_table

from avgzsl_bench.cli import main
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED
from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.data.layouts.export import export_tree
from avgzsl_bench.data.layouts.importing import import_tree
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.store import read_header

UCF = registered_dataset("ucf")
WARNING = "warning: ucf clip_clap does not hold the standard videos of split cls (stage1_train "


@pytest.fixture(scope="module")
def partial_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder with every second video of UCF."""
    root = tmp_path_factory.mktemp("partial")
    install(root, partial_table())
    return root


@pytest.fixture
def partial(partial_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Result]:
    """Call a command on that data folder."""
    monkeypatch.setenv("AVBENCH_DATA", str(partial_root))
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, [str(a) for a in arguments])


def test_a_run_says_once_how_the_videos_differ(partial: Callable[..., Result]) -> None:
    for _ in range(2):  # a finished run says so too
        result = partial("run", "--method", "chance", "--dataset", "ucf", "--seeds", 2, "--json")
        assert result.exit_code == 0, result.output
        (line,) = [line for line in result.stderr.splitlines() if "standard videos" in line]
        assert line.startswith(WARNING)
        assert "stage2_test_unseen " in line
        assert "not comparable with published ones" in line
    assert all(len(record["data"]["differences"]) == 6 for record in json.loads(result.stdout))


def test_a_sweep_says_it_once_for_all_methods(partial: Callable[..., Result]) -> None:
    result = partial("sweep", "--methods", "chance,eszsl", "--datasets", "ucf", "--seeds", 2, "--dry-run")
    assert result.exit_code == 0, result.output
    (line,) = [line for line in result.stderr.splitlines() if "standard videos" in line]
    assert line.startswith(WARNING)


def test_the_leaderboard_names_the_videos_and_compares_nothing(partial: Callable[..., Result]) -> None:
    assert partial("run", "--method", "eszsl", "--dataset", "ucf").exit_code == 0
    shown = partial("leaderboard").stdout
    assert shown.startswith("ucf, clip_clap, cls (calibration exact, text order by-name, other videos than")
    assert "ucf-clip_clap-cls-other-videos.md" in shown
    assert "Reported" not in shown


def test_standard_data_is_not_mentioned(avbench: Callable[..., Result]) -> None:
    result = avbench("run", "--method", "chance", "--dataset", "ucf")
    assert "standard videos" not in result.output


def test_an_import_names_the_splits_whose_videos_differ(tmp_path: Path) -> None:
    path = install(tmp_path / "a", replace(partial_table(20), features="mine"))
    export_tree(path, UCF, "clipclap", tmp_path / "out")
    arguments = ["data", "import", str(tmp_path / "out"), "--data-root", str(tmp_path / "b")]
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, result.output
    (line,) = result.stderr.splitlines()
    assert line.startswith("warning: ucf mine does not hold the standard videos of splits cls, main: ")
    assert "avbench data verify ucf mine" in line


@pytest.mark.parametrize(
    ("source", "simulated", "text", "origin"),
    [
        ("clipclap", False, "imported (clipclap)", "imported"),
        ("added", False, "added by hand", "added"),
        ("", False, "not recorded", None),
        ("simulated-1", True, "simulated", "simulated"),
    ],
)
def test_list_and_info_say_where_vectors_came_from(
    tmp_path: Path, source: str, simulated: bool, text: str, origin: str | None
) -> None:
    features = "simulated" if simulated else "clip_clap"
    install(tmp_path, replace(named_table(), source=source, simulated=simulated, features=features))

    def call(*arguments: str) -> str:
        command = ["data", *arguments, "--data-root", str(tmp_path)]
        result = CliRunner().invoke(main, command, env={"COLUMNS": "200"})
        assert result.exit_code == 0, result.output
        return result.stdout

    assert text in call("list")
    assert f"origin       {text}\n" in call("info", "ucf")
    (stored,) = json.loads(call("list", "--json"))["stores"]
    assert (stored["origin"], stored["source"]) == (origin, source)
    ours = "as ClipClap-GZSL published them" in call("info", "ucf")
    assert ours == (not simulated and origin != "added"), "no card of ours describes vectors added by hand"


@pytest.mark.parametrize("name", [f.name for f in PUBLISHED])
@pytest.mark.parametrize("dataset", ["ucf", "mine"])
@pytest.mark.parametrize("force", [(), ("--force",)])
def test_published_names_are_refused_for_vectors_of_ones_own(
    refused: Callable[..., str], tmp_path: Path, name: str, dataset: str, force: tuple[str, ...]
) -> None:
    files = [f"--{option}=x" for option in ("videos", "audio", "visual", "classes")]
    where = ("--data-root", tmp_path / "data")
    line = refused("data", "add", dataset, f"--features={name}", *files, "--text=clip=x", *where, *force)
    assert line.startswith(f"error: --features {name}: the name of a published feature set; choose another name")
    assert "avbench data import DIR" in line
    assert not (tmp_path / "data").exists()


def test_vectors_added_by_hand_stay_so_through_an_export(tmp_path: Path) -> None:
    path = install(tmp_path / "a", replace(partial_table(20), features="mine", source="added"))
    export_tree(path, UCF, "clipclap", tmp_path / "out")
    (again,) = import_tree(tmp_path / "out", tmp_path / "b", force=False)
    header = read_header(again.path)
    assert (header.origin, header.layout) == ("added", None)
    assert header.fingerprint == read_header(path).fingerprint


def test_an_export_of_imported_vectors_is_imported(tmp_path: Path) -> None:
    path = install(tmp_path / "a", replace(partial_table(20), features="mine"))
    tree = export_tree(path, UCF, "clipclap", tmp_path / "out")
    assert "added" not in json.loads((tree / "avgzsl-bench.json").read_text())
    import_tree(tmp_path / "out", tmp_path / "b", force=False)
    header = read_header(store_path(tmp_path / "b", "ucf", "mine"))
    assert (header.origin, header.layout) == ("imported", "clipclap")


def test_vectors_added_under_a_published_name_are_never_compared(tmp_path: Path) -> None:
    """An older version let that happen."""
    install(tmp_path / "data", replace(named_table(), source="added"))
    where = ["--data-root", str(tmp_path / "data"), "--out", str(tmp_path / "results")]
    run = CliRunner().invoke(main, ["run", "--method", "eszsl", "--dataset", "ucf", *where])
    assert run.exit_code == 0, run.output
    (path,) = (tmp_path / "results").rglob("*.json")
    content = json.loads(path.read_text())
    assert (content["data"]["origin"], content["data"]["layout"]) == ("added", None)
    content["data"]["differences"] = {}  # as if the ids were the standard ones
    path.write_text(json.dumps(content))
    tables = ["--results", str(tmp_path / "results"), "--out", str(tmp_path / "boards")]
    board = CliRunner().invoke(main, ["leaderboard", *tables])
    assert board.exit_code == 0, board.output
    assert "vectors added by hand" in board.stdout
    assert (tmp_path / "boards" / "ucf-clip_clap-cls-added.md").is_file()
