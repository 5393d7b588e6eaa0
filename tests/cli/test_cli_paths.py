from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from own_features import OwnFiles

import avgzsl_bench as ab
from avgzsl_bench.cli import main
from avgzsl_bench.cli.paths import UserPath
from avgzsl_bench.data.store.installed import data_root


def parameters(command: click.Command, name: str) -> Iterator[tuple[str, click.Parameter]]:
    """Every option and argument of a command and of those below it."""
    if isinstance(command, click.Group):
        context = click.Context(command)
        for below in command.list_commands(context):
            found = command.get_command(context, below)
            assert found is not None
            yield from parameters(found, f"{name} {below}")
    for parameter in command.params:
        yield f"{name} {parameter.name}", parameter


def test_every_path_is_one_in_which_the_home_folder_is_filled_in() -> None:
    paths = {name: p.type for name, p in parameters(main, "avbench") if isinstance(p.type, click.Path)}
    assert len(paths) > 35
    assert [name for name, kind in paths.items() if not isinstance(kind, UserPath)] == []
    names = ("FILE", "DIR", "PATH...", "[DIR]")
    of_files = {name: p.type for name, p in parameters(main, "avbench") if p.metavar in names}
    assert [name for name, kind in of_files.items() if not isinstance(kind, UserPath)] == []


def test_a_home_folder_that_no_shell_filled_in(
    avbench, refused, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    own = OwnFiles(home)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AVBENCH_DATA", "~/data")
    assert data_root() == data_root("~/data") == home / "data"
    files = [f"--{name}=~/{file}" for name, file in (("videos", "videos.csv"), ("classes", "classes.csv"))]
    files += ["--audio", "~/audio.npy", "--visual=~/visual.h5:visual", "--text", "clip=~/text.json"]
    added = avbench("data", "add", "mine", "--features=own", *files)
    assert added.exit_code == 0, added.output
    assert own.store.exists()
    run = avbench("run", "--method", "chance", "--dataset", "mine", "--out=~/results")
    assert run.exit_code == 0, run.output
    assert avbench("leaderboard", "--results=~/results", "--out=~/boards").exit_code == 0
    assert avbench("verify", "~/results").exit_code == 0
    ab.run("chance", "mine", seed=1, data_root="~/data", out="~/results")
    assert len(list((home / "results").rglob("*.json"))) == 2
    assert (home / "boards" / "README.md").exists()
    assert [path.name for path in tmp_path.iterdir()] == ["home"]
    assert "~no-such-user/x: there is no such home folder" in refused("verify", "~no-such-user/x")
