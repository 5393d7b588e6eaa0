from __future__ import annotations

import json

import pytest
import torch
from method_lists import BY_GRADIENT, NOT_BY_GRADIENT

import avgzsl_bench as ab
from avgzsl_bench.errors import ConfigError, RecordError, UnknownNameError
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import plan_run
from avgzsl_bench.execution.scoring import score
from avgzsl_bench.execution.stages import train
from avgzsl_bench.execution.sweep.grid import make_grid
from avgzsl_bench.execution.sweep.planned_run import PlannedRun
from avgzsl_bench.method.precision import PRECISIONS, checked_precision, precision_context, require_device
from avgzsl_bench.method.registry import method_class, method_spec
from avgzsl_bench.records.verify import verify
from avgzsl_bench.testing.trial import Trial

CPU, CUDA = torch.device("cpu"), torch.device("cuda")
SHORT = {"epochs": 2, "batches_per_epoch": 3}
METHODS = [spec.name for spec in ab.list_methods()]
BF16 = [name for name in METHODS if "bf16" in method_class(method_spec(name)).precisions]


@pytest.fixture
def place(tmp_path, data_root):
    return {"features": "simulated", "device": "cpu", "data_root": data_root, "out": tmp_path / "results"}


def check(precision, name="devise", device=CPU):
    found = checked_precision(name, precision, method_class(method_spec(name)).precisions)
    require_device(found, device)
    return found


class Stranger(ab.TorchMethod):
    """Says nothing of precision."""


def test_what_is_not_declared_is_refused():
    assert check("full") == "full"
    assert check("bf16") == "bf16"
    with pytest.raises(ConfigError, match="method 'mine' trains only in full"):
        checked_precision("mine", "bf16", Stranger.precisions)
    with pytest.raises(UnknownNameError, match=r"unknown precision 'fp16'.*did you mean 'bf16'"):
        check("fp16")


@pytest.mark.parametrize("name", NOT_BY_GRADIENT)
def test_what_is_not_trained_by_gradient_descent_is_in_full_precision(name):
    for precision in ("tf32", "bf16"):
        with pytest.raises(ConfigError, match=f"precision {precision}: method '{name}' trains only in full"):
            check(precision, name, CUDA)


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_every_other_method_has_tf32_and_those_that_bear_it_bf16(name):
    assert method_class(method_spec(name)).precisions == PRECISIONS[: 3 if name in BF16 else 2]
    assert len(BF16) >= 10


def test_a_device_without_a_precision_is_refused(monkeypatch):
    with pytest.raises(ConfigError, match="tf32 needs a cuda device; this run is on cpu"):
        check("tf32")
    with pytest.raises(ConfigError, match="bf16 needs a cpu or cuda device; this run is on mps"):
        check("bf16", device=torch.device("mps"))
    monkeypatch.setattr("torch.cuda.get_device_name", lambda device: "Old One")
    for capability, refused in (((7, 5), True), ((8, 0), False)):
        monkeypatch.setattr("torch.cuda.get_device_capability", lambda device, found=capability: found)
        for precision in ("tf32", "bf16"):
            if refused:
                with pytest.raises(ConfigError, match="Old One does not have it"):
                    check(precision, device=CUDA)
            else:
                assert check(precision, device=CUDA) == precision


def tf32() -> tuple[bool, bool]:
    return torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32


def test_full_switches_tf32_off_and_leaves_things_as_they_were():
    before = tf32()
    assert before == (False, True), "PyTorch's defaults: full is not what they are"

    def nested() -> None:
        with precision_context("full", CUDA):
            assert tf32() == (False, False)
            with precision_context("tf32", CUDA):
                assert tf32() == (True, True)
            assert tf32() == (False, False)
            raise KeyError

    with pytest.raises(KeyError):
        nested()
    assert tf32() == before
    with precision_context("full", CPU):
        assert tf32() == before


def test_full_inside_of_bf16_is_full():
    x = torch.ones(2, 2)
    with precision_context("bf16", CPU):
        with precision_context("full", CPU):
            assert (x @ x).dtype == torch.float32
        assert (x @ x).dtype == torch.bfloat16


def test_weights_are_read_anew_after_each_update():
    layer, inputs = torch.nn.Linear(4, 3, bias=False), torch.ones(2, 4)
    with precision_context("bf16", CPU):
        outputs = layer(inputs)
        assert outputs.dtype == torch.bfloat16
        assert outputs.abs().sum() > 0
        with torch.no_grad():
            layer.weight.zero_()
        assert not layer(inputs).any()
    assert layer(inputs).dtype == torch.float32


@pytest.mark.parametrize("name", BF16)
def test_training_in_bf16_learns_about_the_same_and_scores_are_in_single_precision(name):
    trial = Trial.of(name)
    full = trial.build()
    in_full = [train(full, trial.task, epoch) for epoch in (1, 2)]
    other = trial.build()  # which seeds dropout as before
    in_bf16 = [train(other, trial.task, epoch, "bf16") for epoch in (1, 2)]
    assert in_bf16[1]["total"] == pytest.approx(in_full[1]["total"], rel=0.1)
    assert in_bf16 != in_full
    assert other.score(trial.task.videos, trial.task.classes).dtype == torch.float32


def test_losses_are_under_autocast_and_neither_gradients_nor_scores(monkeypatch):
    target, seen = method_class(method_spec("devise")), []

    def noted(where):
        seen.append((where, torch.is_autocast_enabled("cpu")))

    losses, scores = target.losses, target.score

    def noting_losses(self, batch):
        noted("losses")
        found = losses(self, batch)
        found["total"].register_hook(lambda gradient: noted("gradients"))
        return found

    def noting_score(self, videos, classes):
        noted("scores")
        return scores(self, videos, classes)

    monkeypatch.setattr(target, "losses", noting_losses)
    monkeypatch.setattr(target, "score", noting_score)
    trial = Trial.of("devise")
    method = trial.build()
    train(method, trial.task, 1, "bf16")
    score(method, trial.task)
    assert set(seen) == {("losses", True), ("gradients", False), ("scores", False)}


@pytest.mark.parametrize(("precision", "expected"), [("full", False), ("bf16", True)])
def test_both_stages_of_a_run_train_in_it(place, monkeypatch, precision, expected):
    target, seen = method_class(method_spec("devise")), []
    trained = target.train_epoch

    def noting(self, samples):
        seen.append(torch.is_autocast_enabled("cpu"))
        return trained(self, samples)

    monkeypatch.setattr(target, "train_epoch", noting)
    record = ab.run("devise", "ucf", settings=SHORT, precision=precision, **place)
    assert seen == [expected] * (len(record.trace) + record.best_epoch)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("precision", ["full", "tf32"])
def test_a_run_on_cuda_trains_in_it_and_scores_in_full_whatever_was_allowed_before(place, monkeypatch, precision):
    target, seen = method_class(method_spec("devise")), set()
    trained, scored = target.train_epoch, target.score
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", True)
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", True)
    monkeypatch.setattr(target, "train_epoch", lambda self, s: seen.add(("training", tf32())) or trained(self, s))
    monkeypatch.setattr(target, "score", lambda self, v, c: seen.add(("scores", tf32())) or scored(self, v, c))
    ab.run("devise", "ucf", settings=SHORT, precision=precision, **place | {"device": "cuda"})
    wanted = (precision == "tf32",) * 2
    assert seen == {("training", wanted), ("scores", (False, False))}


def test_it_is_recorded_and_makes_another_run(place):
    full = ab.run("devise", "ucf", settings=SHORT, **place)
    other = ab.run("devise", "ucf", settings=SHORT, precision="bf16", **place)
    assert (full.precision, other.precision) == ("full", "bf16")
    assert other.method.config == full.method.config
    assert other.trace != full.trace
    assert len(list(place["out"].rglob("*.json"))) == 2
    again = plan_run("devise", "ucf", options=RunOptions(settings=SHORT, precision="bf16", **place))
    assert again.finished() == other == verify(again.path)
    assert plan_run("devise", "ucf", options=RunOptions(settings=SHORT, **place)).finished() == full


def test_a_precision_that_was_altered_is_noticed(place):
    ab.run("devise", "ucf", settings=SHORT, precision="bf16", **place)
    (path,) = place["out"].rglob("*.json")
    content = json.loads(path.read_text())
    del content["precision"]  # as in the records that were made before it was recorded: full
    path.write_text(json.dumps(content))
    with pytest.raises(RecordError, match="run_id is"):
        verify(path)


def test_a_record_without_it_is_of_full_precision(place):
    record = ab.run("chance", "ucf", **place)
    (path,) = place["out"].rglob("*.json")
    content = json.loads(path.read_text())
    assert content.pop("precision") == "full"
    path.write_text(json.dumps(content))
    assert verify(path) == record


def test_a_sweep_plans_it_and_tells_what_does_not_have_it(data_root, tmp_path):
    options = {"features": "simulated", "device": "cpu", "data_root": data_root, "out": tmp_path}
    grid = make_grid(["chance", "devise"], ["ucf"], [0], RunOptions(precision="bf16", **options))
    (refused,), (run,) = grid.refused, grid.runs
    assert (refused.method, refused.runs) == ("chance", 1)
    assert "trains only in full" in refused.reason
    assert run.spec.precision == "bf16"
    assert PlannedRun(run).job.plan("cpu").spec == run.spec
    with pytest.raises(ConfigError, match="needs a cuda device"):
        make_grid(["devise"], ["ucf"], [0], RunOptions(precision="tf32", **options))
    elsewhere = make_grid(["devise"], ["ucf"], [0], RunOptions(precision="tf32", **{**options, "device": None}))
    assert elsewhere.runs[0].spec.precision == "tf32"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize(
    ("name", "precision"), [(name, p) for name in METHODS for p in method_class(method_spec(name)).precisions]
)
def test_every_method_trains_in_each_of_its_precisions_on_cuda(name, precision):
    trial = Trial.of(name, "cuda")
    method = trial.build()
    require_device(checked_precision(name, precision, trial.method.precisions), trial.device)
    losses = [train(method, trial.task, epoch, precision) for epoch in (1, 2)]
    assert losses[0].keys() == losses[1].keys()
    score(method, trial.task)
