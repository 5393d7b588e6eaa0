"""Both stages of seeds that train together, and their records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import avgzsl_bench as ab
from avgzsl_bench.errors import DataError, RunError
from avgzsl_bench.execution import execute as runner
from avgzsl_bench.execution.execute import data_of, execute
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import Plan, plan_run
from avgzsl_bench.execution.seeds import choice, runs
from avgzsl_bench.execution.seeds.choice import Choice, Timed, choose, require_agreement, trial
from avgzsl_bench.execution.seeds.learner import Learner
from avgzsl_bench.execution.seeds.lockstep import lockstep
from avgzsl_bench.execution.seeds.runs import execute_seeds
from avgzsl_bench.execution.seeds.stack import Stack, stacked
from avgzsl_bench.execution.seeds.together import execute_together
from avgzsl_bench.execution.stages import StageDriver, official_schedule, run_stage1, run_stage2, stage1, stage2
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.records.verify import verify
from avgzsl_bench.testing.trial import Trial

SHORT = {"epochs": 2, "batches_per_epoch": 3}
EXACT = parse_calibration("exact")


@pytest.fixture
def double():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.usefixtures("double")
@pytest.mark.parametrize(
    ("name", "schedule"),
    [("clipclap", "official"), *((name, "replay") for name in ("clipclap", "mft", "devise", "avca"))],
)
def test_both_stages_of_a_seed_are_the_same_together_and_alone(name, schedule):
    trial, seeds = Trial.of(name), (3, 0, 5, 8)
    settings = {"layers": 1, "model_width": 16, "hidden_width": 16, "heads": 2, "head_width": 8}
    settings |= {"encoder_hidden_width": 16, "projection_hidden_width": 16}
    known = type(trial.config).model_fields
    settings = {key: value for key, value in settings.items() if key in known}
    settings |= {"epochs": 4, "plateau_patience": 0, "learning_rate": 1e-3}
    config = trial.config.model_copy(update=settings)
    task = trial.task
    schedule_on = official_schedule(task, EXACT) if schedule == "official" else None

    def factory(seed):
        return lambda task: trial.method(config, trial.shape, task.classes, seed=seed, device=trial.device)

    def learners_and_stack():
        learners = [Learner.built(factory(seed), task, seed) for seed in seeds]
        return learners, stacked(learners, factory(3), task)

    of_stage1 = {"epochs": 4, "calibration": EXACT, "report": lambda epoch: None}
    alone, together = [], []
    chosen = {seed: run_stage1(factory(seed), task, seed=seed, **of_stage1) for seed in seeds}
    learners, stack = learners_and_stack()
    drivers = [StageDriver(stage1(learner.method, task, **of_stage1)) for learner in learners]
    found = dict(lockstep(drivers, learners, stack))
    for place, seed in enumerate(seeds):
        mine, other = found[place], chosen[seed]
        assert mine.best_epoch == other.best_epoch
        assert mine.bias == pytest.approx(other.bias, abs=1e-7)
        for one, two in zip(mine.epochs, other.epochs, strict=True):
            assert one.learning_rate == two.learning_rate
            assert one.validation.hm == two.validation.hm
            assert one.losses == pytest.approx(two.losses, rel=1e-7)
    assert len({found[place].epochs[-1].learning_rate for place in range(4)}) > 1 or name != "devise"

    learners, stack = learners_and_stack()
    drivers = [
        StageDriver(stage2(learner.method, task, found[place], report=together.append, schedule_on=schedule_on))
        for place, learner in enumerate(learners)
    ]
    order = []
    for place, (method, decisions) in lockstep(drivers, learners, stack):
        order.append(place)
        seed = seeds[place]
        _, expected = run_stage2(
            factory(seed), task, chosen[seed], seed=seed, report=alone.append, schedule_on=schedule_on
        )
        assert method.seed == seed
        assert np.array_equal(decisions.best_seen, expected.best_seen)
        assert np.array_equal(decisions.best_unseen, expected.best_unseen)
        assert decisions.gap == pytest.approx(expected.gap, abs=1e-7)
    assert sorted(order) == [0, 1, 2, 3]
    assert sorted((e.epoch, e.epochs, e.learning_rate) for e in together) == sorted(
        (e.epoch, e.epochs, e.learning_rate) for e in alone
    )
    assert sorted(e.losses["total"] for e in together) == pytest.approx(sorted(e.losses["total"] for e in alone))
    assert [found[place].best_epoch for place in order] == sorted(found[place].best_epoch for place in order)


@pytest.fixture
def plans(place):
    def made(name="devise", seeds=3, **settings):
        plan = plan_run(name, "ucf", options=RunOptions(settings=SHORT | settings, **place))
        return [plan.with_seed(seed) for seed in range(seeds)]

    return made


@pytest.fixture
def together(monkeypatch):
    monkeypatch.setattr(runs, "choose", lambda plans, data, timed: Choice(True, "together it is"))


def out_of(plan: Plan) -> Path:
    return Path(plan.options.out)


def moved(plan: Plan, folder: Path) -> Plan:
    return replace(plan, options=replace(plan.options, out=folder))


def files(plans):
    return sorted(path.name for path in out_of(plans[0]).rglob("*") if path.is_file())


def test_one_after_another_the_data_is_loaded_once_and_records_are_those_of_single_runs(
    plans, tmp_path, monkeypatch
):
    loads, told, done = [], [], []
    monkeypatch.setattr(runs, "data_of", lambda plan: loads.append(plan) or data_of(plan))
    several = plans("clipclap")
    records = execute_seeds(several, report=told.append, done=done.append)
    assert (len(loads), told, done) == (1, [], several)
    for plan, record in zip(several, records, strict=True):
        single = execute(moved(plan, tmp_path / "single"))
        assert record.model_dump(exclude={"timing"}) == single.model_dump(exclude={"timing"})
        assert set(record.timing) == {"started", "load_seconds", "selection_seconds", "final_seconds"}


@pytest.mark.usefixtures("together")
def test_together_each_seed_has_its_own_record(plans, tmp_path):
    told, done = [], []
    several = plans("clipclap")
    records = execute_seeds(several, report=told.append, done=done.append)
    assert told == ["together it is"]
    assert sorted(plan.spec.seed for plan in done) == [0, 1, 2]
    for plan, record in zip(several, records, strict=True):
        assert verify(plan.path) == record == plan.finished()
        assert record.seed == plan.spec.seed
        assert record.timing["seeds_together"] == 3
        single = execute(moved(plan, tmp_path / "single"))
        assert record.run_id == single.run_id
        for mine, other in zip(record.trace, single.trace, strict=True):
            assert mine.losses == pytest.approx(other.losses, rel=1e-2)
    assert records[0].metrics != records[1].metrics
    assert len(files(several)) == 6, "no lock, nothing half-written"


def test_seeds_train_together_in_the_precision_of_the_run(plans, tmp_path):
    full = plans("devise")
    bf16 = full[0].spec.model_copy(update={"precision": "bf16"})
    half = [replace(moved(plan, tmp_path / "half"), spec=bf16).with_seed(plan.spec.seed) for plan in full]
    of_half, of_full = (execute_together(seeds, data_of, lambda plan: None) for seeds in (half, full))
    for together, plan, whole in zip(of_half, half, of_full, strict=True):
        alone = execute(moved(plan, tmp_path / "alone"))
        assert together.precision == alone.precision == "bf16"
        mine, own, other = (record.trace[-1].losses["total"] for record in (together, alone, whole))
        assert abs(mine - own) < abs(mine - other)
        assert mine == pytest.approx(own, rel=1e-2)


@pytest.mark.usefixtures("together")
def test_more_seeds_than_fit_are_trained_in_parts(plans, monkeypatch):
    monkeypatch.setattr(runs, "SEEDS_AT_A_TIME", 2)
    records = execute_seeds(plans(seeds=5), report=lambda line: None, done=lambda plan: None)
    assert [record.seed for record in records] == [0, 1, 2, 3, 4]
    assert [record.timing.get("seeds_together", 1) for record in records] == [2, 2, 2, 2, 1]


def test_what_another_process_wrote_meanwhile_is_not_run_again(plans, monkeypatch):
    several = plans()
    stamps = iter([None, (1, 1), None, None, None, None])
    written = execute(several[0])
    started = several[0].path.stat().st_mtime_ns
    monkeypatch.setattr(runner, "_stamp", lambda path: next(stamps))
    records = execute_together(several, data_of, lambda plan: None)
    assert records[0] == written
    assert several[0].path.stat().st_mtime_ns == started
    assert [record.timing.get("seeds_together") for record in records] == [None, 2, 2]


def poisoned(seed, at_epoch, monkeypatch):
    """From an epoch on, the losses of a seed are no numbers."""
    plain, epochs = Stack.train_epoch, []

    def train_epoch(self):
        epochs.append(len(self))
        return [
            {name: float("nan") for name in means} if method.seed == seed and len(epochs) >= at_epoch else means
            for method, means in zip(self._methods, plain(self), strict=True)
        ]

    monkeypatch.setattr(Stack, "train_epoch", train_epoch)
    return epochs


@pytest.mark.parametrize("at_epoch", [1, 2, 3])
def test_a_seed_that_fails_does_not_take_the_others_along(plans, monkeypatch, at_epoch):
    epochs = poisoned(1, at_epoch, monkeypatch)
    several = plans()
    with pytest.raises(RunError, match=r"^seed 1: DeViSE: loss 'total' is nan in epoch \d; try a lower") as caught:
        execute_together(several, data_of, lambda plan: None)
    assert "\n" not in str(caught.value)
    assert epochs[0] == 3
    assert [plan.finished() is None for plan in several] == [False, True, False]
    assert len(files(several)) == 4


def test_if_all_fail_the_first_is_told_and_nothing_is_written(plans, monkeypatch):
    monkeypatch.setattr(Stack, "train_epoch", lambda self: [{"total": float("inf")}] * len(self))
    several = plans()
    with pytest.raises(RunError, match=r"^seed 0: .* is inf in epoch 1.* \(failed too: seed 1, 2\)$"):
        execute_together(several, data_of, lambda plan: None)
    assert not out_of(several[0]).exists()


def test_an_interruption_leaves_what_is_finished_and_nothing_half_written(plans):
    several = plans()

    def interrupt(plan):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        execute_together(several, data_of, interrupt)
    done = [plan for plan in several if plan.finished() is not None]
    assert len(done) == 1
    assert len(files(several)) == 2
    again = execute_together([plan for plan in several if plan not in done], data_of, lambda plan: None)
    assert len(again) == 2


def test_events_say_which_seeds_train_together(plans, register):
    events = []

    class Listener:
        @ab.hookimpl
        def avbench_run_started(self, run):
            events.append(("started", run.spec.seed, run.together))

        @ab.hookimpl
        def avbench_epoch_finished(self, run, epoch):
            events.append((run.spec.seed, epoch.stage, epoch.epoch))

    register(Listener())
    execute_together(plans(seeds=2, epochs=1), data_of, lambda plan: None)
    started = [("started", seed, (0, 1)) for seed in (0, 1)]
    assert events == [*started, (0, 1, 1), (1, 1, 1), (0, 2, 1), (1, 2, 1)]


def unused(*_):
    raise AssertionError("nothing is loaded or timed where there is nothing to choose")


def elsewhere(plans):
    """The same plans for a device that is none of this machine's."""
    return [replace(plan, device=torch.device("cuda")) for plan in plans]


def test_there_is_nothing_to_choose_on_the_cpu_with_one_seed_or_for_methods_that_opt_out(plans):
    none = Choice(False, "")
    assert choose(plans(), unused, unused) == none
    assert choose(elsewhere(plans(seeds=1)), unused, unused) == none
    assert choose(elsewhere([replace(p, method=ab.Method) for p in plans()]), unused, unused) == none


@pytest.mark.parametrize(
    ("alone", "together", "expected"),
    [
        (8.0, 1.0, Choice(True, "3 seeds train together, 8.0 times as fast as one after another")),
        (1.0, 4.0, Choice(False, "seeds run one after another; together they would be 0.25 times as fast")),
    ],
)
def test_the_faster_way_is_chosen_by_measurement(plans, alone, together, expected):
    choice = choose(elsewhere(plans()), lambda plan: None, lambda plans, data: Timed(alone, together))
    assert choice == expected


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (
            RuntimeError("vmap: it looks like\nyou're calling .item()"),
            "RuntimeError: vmap: it looks like you're calling .item()",
        ),
        (RunError("STFT: it reads sequences"), "STFT: it reads sequences"),
    ],
)
def test_a_trial_that_fails_speaks_against_it_in_a_line(plans, error, reason):
    def fails(plans, data):
        raise error

    reason = f"seeds run one after another, since they cannot be trained together: {reason}"
    assert choose(elsewhere(plans()), lambda plan: None, fails) == Choice(False, reason)


def test_damaged_data_is_told_as_ever(plans):
    def damaged(plan):
        raise DataError("altered")

    with pytest.raises(DataError, match="altered"):
        choose(elsewhere(plans()), damaged, unused)


def test_the_trial_times_both_ways_and_leaves_nothing_behind(plans):
    several = plans("clipclap")
    timed = trial(several, data_of(several[0]))
    assert timed.alone > 0
    assert timed.together > 0
    assert not out_of(several[0]).exists()


def test_the_trial_computes_as_the_runs_will(plans, monkeypatch):
    several, order = plans(), []
    built = Learner.built.__func__
    monkeypatch.setattr(choice, "make_deterministic", lambda device: order.append("deterministic"))
    monkeypatch.setattr(
        Learner, "built", classmethod(lambda cls, *given: order.append("built") or built(cls, *given))
    )
    trial(several, data_of(several[0]))
    assert order[0] == "deterministic"


def test_the_trial_notices_what_only_differs_in_the_losses(plans, monkeypatch):
    from avgzsl_baselines.devise import DeViSE

    plain = DeViSE.losses
    monkeypatch.setattr(
        DeViSE, "losses", lambda self, batch: {"total": plain(self, batch)["total"] * (1 + self.seed)}
    )
    several = plans()
    with pytest.raises(RunError, match=r"loss 'total' is .*, by itself"):
        trial(several, data_of(several[0]))


def test_agreement_has_a_limit():
    require_agreement({"total": 2.0, "small": 0.001}, {"total": 2.0, "small": 0.011})
    for off in (2.1, float("nan")):
        with pytest.raises(RunError, match="loss 'total'"):
            require_agreement({"total": 2.0}, {"total": off})
