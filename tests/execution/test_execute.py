from __future__ import annotations

import json
import warnings

import h5py
import numpy as np
import pytest

import avgzsl_bench as ab
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.errors import AvbenchError, ConfigError, DataError, RecordError, RunError, UnknownNameError
from avgzsl_bench.execution import stages
from avgzsl_bench.execution.execute import execute
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import plan_run
from avgzsl_bench.records.record import read_decisions
from avgzsl_bench.records.verify import verify

SHORT = {"epochs": 2, "batches_per_epoch": 5}


def test_a_run_leaves_a_record_that_verifies(place):
    plan = plan_run("devise", "ucf", options=RunOptions(settings=SHORT, **place))
    assert plan.finished() is None
    record = execute(plan)
    assert plan.path.parent == place["out"] / "ucf" / "simulated" / "cls" / "devise"
    assert sorted(p.suffix for p in plan.path.parent.iterdir()) == [".json", ".npz"]
    assert verify(plan.path) == record == plan.finished()
    assert record.data.simulated
    assert record.data.counts["stage2_test_seen"] == 555
    assert record.method.changed == SHORT
    assert len(record.trace) == 2
    assert record.method.parameters == 300 * (128 + 256)
    table = read_decisions(plan.path, record)
    direct = np.bincount(table.label, minlength=48)
    assert [c.videos for c in record.classes] == direct.tolist()


@pytest.mark.parametrize("method", ["hyper_multiple", "tcaf"])
def test_the_same_seed_gives_the_same_record_in_any_order_of_the_videos(place, tmp_path, method):
    """Of these, some scores depended on where a video stands, in their last digits."""
    settings = {"epochs": 1, "batches_per_epoch": 2} | ({"depth": 1} if method == "tcaf" else {})
    first, second = (ab.run(method, "ucf", settings=settings, **place | {"out": tmp_path / out}) for out in "ab")
    assert first.model_dump(exclude={"timing"}) == second.model_dump(exclude={"timing"})


def test_the_same_seed_gives_the_same_record(place, tmp_path):
    first = ab.run("clipclap", "ucf", settings=SHORT, **place)
    second = ab.run("clipclap", "ucf", settings=SHORT, **place | {"out": tmp_path / "again"})
    assert first.model_dump(exclude={"timing"}) == second.model_dump(exclude={"timing"})
    other = ab.run("clipclap", "ucf", settings=SHORT, seed=1, **place)
    assert other.metrics != first.metrics


def test_a_seed_gives_the_same_record_alone_and_after_others(place, tmp_path):
    settings = {"epochs": 1, "batches_per_epoch": 3, "layers": 1}
    alone = ab.run("mft", "ucf", settings=settings, seed=1, **place)
    for seed in (0, 1):
        after = ab.run("mft", "ucf", settings=settings, seed=seed, **place | {"out": tmp_path / "after"})
    assert after.model_dump(exclude={"timing"}) == alone.model_dump(exclude={"timing"})


def test_integers_of_numpy_will_do_as_seeds(place):
    assert ab.run("chance", "ucf", seed=np.int64(1), **place) == ab.run("chance", "ucf", seed=1, **place)


@pytest.mark.parametrize("damage", ["figure", "decisions", "identity", "truncated"])
def test_a_finished_run_that_was_altered_is_not_passed_on(place, damage):
    ab.run("chance", "ucf", **place)
    path = next(place["out"].rglob("*.json"))
    content = json.loads(path.read_text())
    if damage == "figure":
        content["metrics"]["hm"] = 0.99
    elif damage == "identity":
        content["data"]["features"] = "clip_clap"
    path.write_text(json.dumps(content)[: 100 if damage == "truncated" else None])
    if damage == "decisions":
        path.with_suffix(".npz").unlink()
    with pytest.raises(RecordError, match="run it again with --force"):
        ab.run("chance", "ucf", **place)
    ab.run("chance", "ucf", force=True, **place)
    assert verify(path)


def test_a_store_that_was_altered_is_not_run_on(place, tmp_path):
    copy = tmp_path / "data" / "ucf" / "simulated" / "features.h5"
    copy.parent.mkdir(parents=True)
    ab.run("chance", "ucf", **place)
    copy.write_bytes(store_path(place["data_root"], "ucf", "simulated").read_bytes())
    with h5py.File(copy, "r+") as file:
        file["visual"][:100] = file["visual"][100:200]
    with pytest.raises(DataError, match="altered"):
        ab.run("chance", "ucf", **place | {"data_root": tmp_path / "data", "out": tmp_path / "others"})


def test_a_damaged_real_store_is_never_passed_over(place, tmp_path):
    damaged = tmp_path / "data" / "ucf" / "selavi" / "features.h5"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"not hdf5")
    for features in ("auto", "selavi"):
        with pytest.raises(DataError, match=r"selavi.*to run without it, name other features"):
            ab.run("chance", "ucf", **place | {"data_root": tmp_path / "data", "features": features})
    assert ab.run("chance", "ucf", **place | {"data_root": tmp_path / "data", "features": "simulated"})


def test_falling_back_to_simulated_features_is_told(place):
    with pytest.warns(UserWarning, match="SIMULATED features"):
        ab.run("chance", "ucf", **place | {"features": "auto"})
    with pytest.warns(UserWarning, match="SIMULATED features"):
        ab.load_benchmark("ucf", data_root=place["data_root"])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ab.run("chance", "ucf", **place)


def test_running_out_of_memory_is_one_line(place):
    with pytest.raises(RunError, match="ran out of memory"):
        ab.run("mft", "ucf", settings={"layers": 1, "head_width": 10_000_000_000}, **place)


def test_whatever_changes_the_figures_changes_the_run(place, tmp_path):
    def path(seed=0, **changes):
        return plan_run("devise", "ucf", seed, RunOptions(**place | changes)).path

    settings = ({"calibration": "clipclap"}, {"epochs": 3}, {"text_order": "official"})
    paths = {path(), path(seed=1), path(split="main"), *(path(settings=changed) for changed in settings)}
    assert len(paths) == 6
    epochs = plan_run("devise", "ucf", options=RunOptions(**place)).config.epochs
    assert path() == path(settings={"epochs": epochs})


def test_the_official_schedule_of_stage_2_matters(place, monkeypatch):
    shown = []
    monkeypatch.setattr(stages.Method, "after_validation", lambda self, hm: shown.append(hm))
    settings = {"epochs": 1}
    ab.run("chance", "ucf", settings=settings, **place)
    assert len(shown) == 1, "stage 1 validates, stage 2 has nothing to validate on"
    ab.run("chance", "ucf", settings=settings | {"stage2_schedule": "official"}, **place)
    assert len(shown) == 3, "stage 2 goes on stepping"


def test_official_text_order_is_recorded_and_matters(place):
    by_name = ab.run("eszsl", "ucf", settings={"epochs": 1}, **place)
    official = ab.run("eszsl", "ucf", settings={"epochs": 1, "text_order": "official"}, **place)
    assert official.data.text_order == "official"
    assert official.metrics.zsl < by_name.metrics.zsl


def test_every_learner_beats_chance_on_simulated_features(place):
    chance = ab.run("chance", "ucf", **place).metrics
    settings = {"mft": {"batches_per_epoch": 15, "layers": 1}}
    for name in ("devise", "clipclap", "eszsl", "mft"):
        metrics = ab.run(name, "ucf", settings={"epochs": 1} | settings.get(name, {}), **place).metrics
        assert metrics.zsl > 2 * chance.zsl, name
        assert 2 * chance.hm < metrics.hm < 0.9, f"{name}: nobody should be at the ceiling"


def test_chance_is_at_chance(place):
    zsl = [ab.run("chance", "ucf", seed=s, **place).metrics.zsl for s in range(4)]
    assert np.mean(zsl) == pytest.approx(1 / 6, abs=0.03)


def test_both_modalities_together_beat_either_alone(place):
    audio, visual, both = (
        ab.run("clipclap", "ucf", settings={"modality": modality, "epochs": 1}, **place).metrics.hm
        for modality in ("audio", "visual", "both")
    )
    assert both > max(audio, visual)


def test_events_tell_of_every_epoch(place, register):
    events = []

    class Listener:
        @ab.hookimpl
        def avbench_run_started(self, run):
            events.append(("started", run.spec.method.name, run.spec.data.simulated, run.epochs))

        @ab.hookimpl
        def avbench_epoch_finished(self, run, epoch):
            events.append((epoch.stage, epoch.epoch, epoch.hm is not None, set(epoch.losses)))

        @ab.hookimpl
        def avbench_run_finished(self, run, record):
            events.append(("finished", record.best_epoch))

    register(Listener())
    record = ab.run("devise", "ucf", settings=SHORT, **place)
    assert events == [
        ("started", "devise", True, 2),
        (1, 1, True, {"total"}),
        (1, 2, True, {"total"}),
        *[(2, e, False, {"total"}) for e in range(1, record.best_epoch + 1)],
        ("finished", record.best_epoch),
    ]


def test_a_plugin_that_breaks_in_an_event_does_not_cost_the_run(place, register):
    class Broken:
        @ab.hookimpl
        def avbench_epoch_finished(self, epoch):
            raise RuntimeError("boom")

    register(Broken())
    with pytest.warns(UserWarning, match="failed in avbench_epoch_finished: RuntimeError: boom"):
        record = ab.run("chance", "ucf", **place)
    assert record.metrics.zsl > 0


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"method": "mftt"}, UnknownNameError, "did you mean 'mft'"),
        ({"dataset": "ucf101"}, UnknownNameError, "did you mean 'ucf'"),
        ({"features": "clip-clap"}, UnknownNameError, "did you mean 'clip_clap'"),
        ({"features": "clip_clap"}, DataError, "no 'clip_clap' features"),
        ({"features": "../../etc"}, DataError, "is not a valid name"),
        ({"split": "clss"}, UnknownNameError, "did you mean 'cls'"),
        ({"seed": -1}, ConfigError, "seed -1"),
        ({"seed": 1.5}, ConfigError, "whole number"),
        ({"seed": True}, ConfigError, "seed True"),
        ({"settings": {"layer": 2}}, UnknownNameError, "did you mean"),
        ({"settings": {"epochs": 0}}, ConfigError, "'epochs'"),
        ({"settings": {"learning_rate": "fast"}}, ConfigError, "'learning_rate'"),
        ({"settings": {"text_order": "random"}}, ConfigError, "'text_order'"),
        ({"settings": {"calibration": "exakt"}}, ConfigError, "unknown calibration"),
        ({"device": "gpu"}, ConfigError, "unknown device"),
        ({"device": "cuda:99"}, ConfigError, "not available here"),
    ],
)
def test_what_cannot_work_is_told_before_anything_is_written(place, change, error, message):
    arguments = {"method": "mft", "dataset": "ucf", **place} | change
    with pytest.raises(error, match=message) as caught:
        ab.run(**arguments)
    assert "\n" not in str(caught.value)
    assert not place["out"].exists()


def test_missing_text_encoders_are_told_before_the_run(place, monkeypatch):
    needs = ab.Needs(text=("clip", "clap"))
    spec = ab.MethodSpec("needy", target="avgzsl_mft.method:MFT", title="needy", follows="paper", needs=needs)
    monkeypatch.setattr("avgzsl_bench.execution.plan.method_spec", lambda name: spec)
    with pytest.raises(DataError, match="needs text embeddings by clip, clap"):
        ab.run("needy", "ucf", **place)
    assert not place["out"].exists()


def test_output_that_cannot_be_written_is_told_before_training(place, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(AvbenchError, match=r"cannot write to .*choose another folder"):
        ab.run("mft", "ucf", **place | {"out": tmp_path / "file" / "results"})
