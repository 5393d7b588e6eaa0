"""Trackers that `--log` names: what is refused before a run, and that none of them costs one."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import avgzsl_bench as ab
from avgzsl_bench.errors import AvbenchError, ConfigError
from avgzsl_bench.execution.execute import data_of, execute
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import plan_run
from avgzsl_bench.execution.seeds.together import execute_together
from avgzsl_bench.execution.trackers.registry import checked_log
from avgzsl_bench.execution.trackers.tracking import tracking
from avgzsl_bench.plugins.manager import load_plugins

SHORT = {"epochs": 2, "batches_per_epoch": 3}
SEEN: list[tuple[str, Any]] = []


class Notebook:
    """Notes what it receives."""

    def __init__(self, where: str) -> None:
        SEEN.append(("built", where))

    @ab.hookimpl
    def avbench_run_started(self, run: ab.RunStatus) -> None:
        SEEN.append(("started", run.spec.seed))

    @ab.hookimpl
    def avbench_epoch_finished(self, run: ab.RunStatus, epoch: ab.EpochResult) -> None:
        SEEN.append((f"stage {epoch.stage}", run.spec.seed))

    @ab.hookimpl
    def avbench_run_finished(self, record: ab.Record) -> None:
        SEEN.append(("finished", record.seed))

    def close(self) -> None:
        SEEN.append(("closed", None))


class Breaking(Notebook):
    """Fails where it is told to."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._fail("building")

    def _fail(self, place: str) -> None:
        if self._where.partition(" ")[0] == place:
            raise SystemExit(3) if self._where.endswith("exit") else RuntimeError("no\nnetwork")

    @ab.hookimpl
    def avbench_run_started(self) -> None:
        self._fail("started")

    @ab.hookimpl
    def avbench_epoch_finished(self) -> None:
        self._fail("epoch")

    @ab.hookimpl
    def avbench_run_finished(self) -> None:
        self._fail("finished")

    def close(self) -> None:
        SEEN.append(("broken one closed", None))
        self._fail("closing")
        if self._where == "epoch":
            raise OSError("of which one line tells already")


class Misspelt:
    """Has a hook that would never be called."""

    def __init__(self, where: str) -> None:
        pass

    @ab.hookimpl
    def avbench_epoch_finnished(self) -> None:
        pass


@pytest.fixture(autouse=True)
def trackers(register: Callable[[object], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Registers the trackers above, and some that cannot work."""
    module = ModuleType("trackers_under_test")
    module.__dict__.update(Notebook=Notebook, Breaking=Breaking, Misspelt=Misspelt, plain=3)
    monkeypatch.setitem(sys.modules, module.__name__, module)
    SEEN.clear()
    specs = [
        ab.TrackerSpec("notebook", "trackers_under_test:Notebook", "notes", where="WHAT"),
        ab.TrackerSpec("breaking", "trackers_under_test:Breaking", "breaks", where="WHERE"),
        ab.TrackerSpec("misspelt", "trackers_under_test:Misspelt", "is never called"),
        ab.TrackerSpec("plain", "trackers_under_test:plain", "is no class"),
        ab.TrackerSpec("gone", "no_such_module:Tracker", "is not there"),
        ab.TrackerSpec(
            "needy", "trackers_under_test:Notebook", "x", needs=("no_such_lib",), install="pip install x"
        ),
        ab.TrackerSpec("folder", "trackers_under_test:Notebook", "keeps files", where="DIR", folder=True),
    ]
    register(SimpleNamespace(avbench_trackers=ab.hookimpl(lambda: specs)))


@pytest.fixture
def plan(place):
    def plan(*log: str, seed: int = 0):
        return plan_run("devise", "ucf", seed, RunOptions(settings=SHORT, log=log, **place))

    return plan


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("notebok:x", "unknown tracker 'notebok'; did you mean 'notebook'?"),
        ("", "unknown tracker ''"),
        ("notebook", "--log notebook: the tracker needs WHAT after its name; write --log notebook:WHAT"),
        ("notebook:", "needs WHAT after its name"),
        ("misspelt:x", "the tracker takes nothing after its name; write --log misspelt"),
        ("needy", "tracker 'needy' needs no_such_lib, not installed here: pip install x"),
        ("folder:/dev/null/x", "cannot write to /dev/null/x"),
    ],
)
def test_what_cannot_be_logged_to_is_refused_in_one_line(text, said):
    with pytest.raises(AvbenchError) as caught:
        checked_log([text])
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_text_in_place_of_a_list_is_refused():
    with pytest.raises(ConfigError, match=r"log 'notebook:x': takes a list of texts, such as \['notebook:x'\]"):
        checked_log("notebook:x")


def test_a_tracker_is_named_once_and_a_folder_is_absolute(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    again = (f"folder:{tmp_path / 'here'}", "folder:x/../here")
    log = checked_log(["folder:here", "notebook:a:b", "folder:~/there", *again])
    assert log == (f"folder:{tmp_path}/here", "notebook:a:b", f"folder:{tmp_path}/home/there")
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_tracked_and_nothing_after_it(plan):
    record = execute(plan("notebook:a:b"))
    assert [
        ("built", "a:b"),
        ("started", 0),
        *[("stage 1", 0)] * 2,
        *[("stage 2", 0)] * record.best_epoch,
        ("finished", 0),
        ("closed", None),
    ] == SEEN
    assert not [name for name, _ in load_plugins().manager.list_name_plugin() if name.startswith("--log")]
    SEEN.clear()
    execute(plan())
    assert SEEN == []


def test_seeds_that_train_together_share_a_tracker(plan):
    plans = [plan("notebook:x", seed=seed) for seed in (0, 1)]
    execute_together(plans, data_of, lambda plan: None)
    assert SEEN[:3] == [("built", "x"), ("started", 0), ("started", 1)]
    assert SEEN[3:7] == [("stage 1", 0), ("stage 1", 1)] * 2
    assert SEEN[-1] == ("closed", None)
    assert [seed for event, seed in SEEN if event == "finished"] == [0, 1]


def test_a_run_that_fails_closes_its_trackers(plan):
    failing = plan("notebook:x")
    failing = replace(failing, config=failing.config.model_copy(update={"learning_rate": 1e30}))
    with pytest.raises(AvbenchError):
        execute(failing)
    assert SEEN[-1] == ("closed", None)
    assert ("finished", 0) not in SEEN


MOMENTS = {
    "building": "failed to start: ",
    "started": "failed in avbench_run_started: ",
    "epoch": "failed in avbench_epoch_finished: ",
    "finished": "failed in avbench_run_finished: ",
    "closing": "failed to close: ",
}


@pytest.mark.parametrize(("how", "reason"), [("", "RuntimeError: no network"), (" exit", "SystemExit: 3")])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_tracker_that_fails_costs_neither_the_run_nor_the_others(plan, moment, how, reason):
    log = f"breaking:{moment}{how}"
    with pytest.warns(UserWarning, match="--log breaking") as warned:
        record = execute(plan(log, "notebook:x"))
    assert record.metrics.zsl > 0
    assert [event for event in SEEN if event[0] in ("finished", "closed")] == [("finished", 0), ("closed", None)]
    assert (("broken one closed", None) in SEEN) == (moment != "building")
    (warning,) = warned
    assert f"{warning.message}".removeprefix("plugin ").startswith(f"--log {log} {MOMENTS[moment]}{reason}")


@pytest.mark.parametrize(
    ("log", "reason"),
    [
        ("misspelt", "unknown hook 'avbench_epoch_finnished'; did you mean 'avbench_epoch_finished'?"),
        ("plain", "trackers_under_test:plain is not a class"),
        ("gone", "no_such_module:Tracker cannot be imported"),
        ("unheard_of", "unknown tracker 'unheard_of'"),
    ],
)
def test_a_tracker_that_breaks_the_contract_is_named(log, reason):
    with pytest.warns(UserWarning, match="failed to start") as warned, tracking([log]):
        pass
    (warning,) = warned
    assert str(warning.message).startswith(f"--log {log} failed to start: ")
    assert reason in str(warning.message)


def test_the_id_of_a_run_does_not_depend_on_its_trackers(plan):
    assert plan("notebook:x").path == plan().path


@pytest.mark.parametrize(
    "change",
    [{"name": "Bad Name"}, {"target": "nowhere"}, {"where": "a folder"}, {"where": "", "folder": True}],
)
def test_a_spec_that_cannot_work_is_refused(change):
    with pytest.raises(ValueError, match=r"tracker"):
        ab.TrackerSpec(**{"name": "mine", "target": "mine:Tracker", "summary": "x", "where": "DIR"} | change)
