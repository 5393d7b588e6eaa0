"""What TensorBoard itself reads of runs that were logged with `--log tensorboard:DIR`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import avgzsl_bench as ab
from avgzsl_bench.execution.execute import data_of, execute
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import plan_run
from avgzsl_bench.execution.seeds.together import execute_together
from avgzsl_bench.execution.trackers.tracking import tracking
from avgzsl_bench.records.collect import collect

pytest.importorskip("tensorboard", reason="TensorBoard is not installed: pip install -e '.[tensorboard]'")

SHORT = {"epochs": 2, "batches_per_epoch": 3}
FIGURES = {"S": "seen", "U": "unseen", "HM": "hm", "ZSL": "zsl"}


class Events:
    """The events of one run's folder, as TensorBoard accumulates them."""

    def __init__(self, folder: Path) -> None:
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

        self._events = EventAccumulator(str(folder))
        self._events.Reload()
        self.tags = self._events.Tags()["scalars"]

    def scalars(self, tag: str) -> dict[int, float]:
        return {event.step: event.value for event in self.events(tag)}

    def events(self, tag: str) -> list[Any]:
        return list(self._events.Scalars(tag))

    def text(self, tag: str) -> str:
        *_, event = self._events.Tensors(f"{tag}/text_summary")
        (content,) = event.tensor_proto.string_val
        return content.decode()

    def settings(self) -> dict[str, Any]:
        from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData

        content = self._events.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        found = HParamsPluginData.FromString(content).session_start_info.hparams
        return {name: getattr(value, value.WhichOneof("kind")) for name, value in found.items()}


def folder_of(root: Path, record: ab.Record) -> Path:
    return root / "ucf" / "simulated" / "cls" / record.method.name / record.run_id


def assert_logged(root: Path, record: ab.Record) -> None:
    """Require that everything of a record stands in its folder, in fractions."""
    events = Events(folder_of(root, record))
    for epoch in record.trace:
        for name, loss in epoch.losses.items():
            assert events.scalars(f"stage1/loss/{name}")[epoch.epoch] == pytest.approx(loss, rel=1e-6)
        for tag, name in (FIGURES | {"bias": "bias"}).items():
            logged = events.scalars(f"stage1/validation/{tag}")
            assert sorted(logged) == list(range(1, len(record.trace) + 1))
            assert logged[epoch.epoch] == pytest.approx(getattr(epoch, name), rel=1e-6)
        assert events.scalars("stage1/learning_rate")[epoch.epoch] == pytest.approx(epoch.learning_rate)
    epochs = len(record.trace)
    assert sorted(events.scalars("stage2/loss/total")) == list(range(epochs + 1, epochs + record.best_epoch + 1))
    for tag, name in (FIGURES | {"AUSUC": "ausuc", "bias": "bias"}).items():
        assert events.scalars(f"test/{tag}") == {
            epochs + record.best_epoch: pytest.approx(getattr(record.metrics, name), rel=1e-6)
        }
    settings = events.settings()
    assert {name: settings[name] for name in ("method", "dataset", "features", "split")} == {
        "method": record.method.name,
        "dataset": "ucf",
        "features": "simulated",
        "split": "cls",
    }
    assert settings["seed"] == record.seed
    assert settings["batches_per_epoch"] == 3
    assert settings["learning_rate"] == record.method.config["learning_rate"]
    assert settings["simulated"] == "true"
    assert "SIMULATED FEATURES" in events.text("run")
    assert f"| run id | {record.run_id} |" in events.text("run")
    assert "| batches_per_epoch | 3 |" in events.text("run")


@pytest.fixture
def plan(place, tmp_path):
    def plan(seed: int = 0, **settings: Any):
        log = (f"tensorboard:{tmp_path / 'board'}",)
        return plan_run("devise", "ucf", seed, RunOptions(settings=SHORT | settings, log=log, **place))

    return plan


def test_a_run_is_read_back(plan, tmp_path):
    assert_logged(tmp_path / "board", execute(plan()))


def test_seeds_that_train_together_have_a_folder_each(plan, tmp_path):
    records = execute_together([plan(0), plan(3)], data_of, lambda plan: None)
    for record in records:
        assert_logged(tmp_path / "board", record)
    assert len(list((tmp_path / "board").rglob("*tfevents*"))) == 2


def test_of_a_run_made_again_only_the_last_try_is_shown(plan, tmp_path):
    folder = folder_of(tmp_path / "board", execute(plan()))
    record = execute(plan())
    assert len(list(folder.iterdir())) == 2
    assert_logged(tmp_path / "board", record)
    assert len(Events(folder).events("stage1/validation/HM")) == 2


@pytest.mark.filterwarnings("ignore:.*an interrupted run, which goes on after")
def test_of_an_interrupted_run_each_epoch_is_shown_once(plan, tmp_path, register):
    class Interruption:
        """Comes after the tracker, in the third epoch, of which nothing is kept but what was logged."""

        once = iter([KeyboardInterrupt])

        @ab.hookimpl
        def avbench_epoch_finished(self, epoch: ab.EpochResult) -> None:
            if epoch.epoch == 3:
                for interruption in self.once:
                    raise interruption

    begun = plan(epochs=4)
    begun = replace(begun, options=replace(begun.options, checkpoint_every=2))
    with tracking(begun.options.log):
        register(Interruption())
        with pytest.raises(KeyboardInterrupt):
            execute(replace(begun, options=replace(begun.options, log=())))
    record = execute(begun)
    assert_logged(tmp_path / "board", record)
    assert len(Events(folder_of(tmp_path / "board", record)).events("stage1/validation/HM")) == 4


def test_a_failed_run_keeps_what_it_logged(plan, tmp_path):
    with pytest.raises(ab.AvbenchError):
        execute(plan(learning_rate=1e30))
    (file,) = (tmp_path / "board").rglob("*tfevents*")
    events = Events(file.parent)
    assert events.settings()["learning_rate"] == 1e30
    assert not [tag for tag in events.tags if tag.startswith("test/")]


def test_a_sweep_with_two_workers_is_logged(avbench, tmp_path):
    result = avbench(
        *("sweep", "--methods", "devise", "--datasets", "ucf", "--features", "simulated", "--device", "cpu"),
        *("--seeds", "2", "--workers", "2", "--set", "epochs=2", "--set", "batches_per_epoch=3"),
        *("--log", "tensorboard:board"),
    )
    assert result.exit_code == 0, result.output
    (table,) = collect(tmp_path / "results")
    records = [stored.record for stored in table.stored]
    assert [record.seed for record in records] == [0, 1]
    for record in records:
        assert_logged(tmp_path / "board", record)
