"""`ab.run` as notebooks call it: several seeds, short forms, and progress."""

from __future__ import annotations

import inspect
from io import StringIO

import pytest
from rich.console import Console

import avgzsl_bench as ab
from avgzsl_bench.errors import ConfigError, UnknownNameError
from avgzsl_bench.execution import run as run_module
from avgzsl_bench.execution.progress import can_be_live

SHORT = {"batches_per_epoch": 3}


def test_seeds_give_a_record_each_and_only_missing_ones_are_run(place):
    second = ab.run("devise", "ucf", seed=1, epochs=1, settings=SHORT, **place)
    records = ab.run("devise", "ucf", seeds=3, epochs=1, settings=SHORT, **place)
    assert [record.seed for record in records] == [0, 1, 2]
    assert records[1] == second
    assert ab.run("devise", "ucf", seeds=1, epochs=1, settings=SHORT, **place) == records[:1]
    assert ab.run("devise", "ucf", epochs=1, settings=SHORT, **place) == records[0]


def test_epochs_are_a_setting(place):
    short = ab.run("devise", "ucf", epochs=2, settings=SHORT, **place)
    assert short.method.changed == SHORT | {"epochs": 2}
    assert ab.run("devise", "ucf", settings=SHORT | {"epochs": 2}, **place) == short
    assert ab.run("devise", "ucf", epochs=2, settings=SHORT | {"epochs": 2}, **place) == short


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"seed": 0, "seeds": 2}, ConfigError, "seed and seeds exclude each other"),
        ({"seeds": 0}, ConfigError, "seeds 0: must be 1 to"),
        ({"seeds": 1.5}, ConfigError, "seeds 1.5: must be a whole number"),
        ({"seeds": True}, ConfigError, "seeds True"),
        ({"epochs": 2, "settings": {"epochs": 3}}, ConfigError, "epochs 2 and settings with epochs 3 differ"),
        ({"epochs": 0}, ConfigError, "'epochs'"),
        ({"log": ["tensorbord:x"]}, UnknownNameError, "did you mean 'tensorboard'"),
    ],
)
def test_what_cannot_work_is_told_in_one_line_before_anything_is_written(place, change, error, message):
    with pytest.raises(error, match=message) as caught:
        ab.run("devise", "ucf", **place, **change)
    assert "\n" not in str(caught.value)
    assert not place["out"].exists()


def test_it_is_silent_unless_progress_is_wanted(place, capfd):
    ab.run("devise", "ucf", epochs=1, settings=SHORT, **place)
    assert capfd.readouterr() == ("", "")
    ab.run("devise", "ucf", epochs=1, seeds=2, settings=SHORT, force=True, progress=True, **place)
    out, shown = capfd.readouterr()
    assert out == ""
    lines = [line.split("  ")[0] if line[0] != " " else line[2:9] for line in shown.splitlines()]
    named = [f"devise on ucf, simulated features, split cls, seed {seed}, cpu" for seed in (0, 1)]
    assert lines == [line for name in named for line in (name, "stage 1", "stage 2", "record:")]


@pytest.mark.parametrize(
    ("options", "widgets", "live"),
    [
        ({"force_terminal": True}, False, True),
        ({"force_terminal": False}, True, False),
        ({"force_jupyter": True}, True, True),
        ({"force_jupyter": True}, False, False),
    ],
)
def test_a_bar_moves_on_a_terminal_and_in_a_notebook_with_widgets(monkeypatch, options, widgets, live):
    monkeypatch.setattr("avgzsl_bench.execution.progress.find_spec", lambda name: object() if widgets else None)
    assert can_be_live(Console(file=StringIO(), **options)) == live


def test_type_checkers_know_every_argument():
    given = {*inspect.signature(ab.run).parameters} - {"method", "dataset", "seed", "seeds"}
    assert given == {*run_module._Options.__annotations__}
