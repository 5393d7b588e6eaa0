"""`--log`: trackers on the command line, and where they are listed."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest

import avgzsl_bench as ab


@pytest.fixture(autouse=True)
def trackers(register: Callable[[object], object]) -> None:
    specs = [
        ab.TrackerSpec("notebook", "no_such_module:Notebook", "Notes what happens", where="WHAT"),
        ab.TrackerSpec("needy", "nowhere:Needy", "Needs a library", needs=("no_such_lib",)),
    ]
    register(SimpleNamespace(avbench_trackers=ab.hookimpl(lambda: specs)))


@pytest.mark.parametrize(
    "command",
    [
        ("run", "--method", "chance", "--dataset", "ucf"),
        ("sweep", "--methods", "chance", "--datasets", "ucf"),
        ("ablate", "--method", "mft", "--dataset", "ucf"),
    ],
)
def test_an_unknown_tracker_is_refused_before_anything_is_written(refused, tmp_path, command):
    assert "unknown tracker 'notebok'; did you mean 'notebook'?" in refused(*command, "--log", "notebok:x")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


def test_a_missing_library_is_named_with_how_to_install_it(refused, tmp_path, monkeypatch):
    monkeypatch.setattr("avgzsl_bench.execution.trackers.registry.find_spec", lambda name: None)
    line = refused("run", "--method", "chance", "--dataset", "ucf", "--log", "tensorboard:board")
    advice = "pip install 'avgzsl-bench[tensorboard]'"
    assert line == f"error: tracker 'tensorboard' needs tensorboard, not installed here: {advice}"
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.filterwarnings("default::UserWarning")
def test_a_run_goes_on_without_a_tracker_that_cannot_start_and_a_finished_one_needs_none(avbench):
    run = ("run", "--method", "chance", "--dataset", "ucf", "--features", "simulated", "--log", "notebook:x")
    result = avbench(*run)
    assert result.exit_code == 0, result.output
    (line,) = [line for line in result.stderr.splitlines() if "notebook" in line]
    assert line.startswith("warning: --log notebook:x failed to start: PluginError: tracker 'notebook'")
    again = avbench(*run)
    assert "already finished" in again.stderr
    assert "notebook" not in again.stderr


def test_the_listing_says_how_to_type_them(avbench):
    lines = avbench("plugins").stdout.splitlines()
    assert "--log notebook:WHAT: Notes what happens" in lines
    assert "--log needy: Needs a library (not installed here: no_such_lib)" in lines
    assert [line for line in lines if line.startswith("--log tensorboard:DIR: ")]


def test_the_doctor_imports_them(avbench):
    result = avbench("doctor")
    assert result.exit_code == 2
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("trackers ")]
    assert "needy (not installed: no_such_lib)" in line
    assert "tracker 'notebook': no_such_module:Notebook cannot be imported" in result.stderr
