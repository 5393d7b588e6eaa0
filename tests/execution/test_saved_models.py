"""The models of a run: saved beside its record, and scored again elsewhere to the same figures."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from method_lists import ON_SIMULATED
from process_control import python

import avgzsl_bench as ab
from avgzsl_bench.errors import CheckpointError, RecordError, RunError
from avgzsl_bench.execution.evaluate import evaluate_checkpoint
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import plan_run
from avgzsl_bench.method.registry import method_class, method_spec
from avgzsl_bench.records.checkpoint import read_checkpoint
from avgzsl_bench.records.record import Record, read_record
from avgzsl_bench.records.verify import has_weights

SMALL = {"epochs": 2, "batches_per_epoch": 2, "batch_size": 16, "layers": 1, "depth": 1, "classifier_steps": 5}
SMALL |= {"generator_batches": 2, "synthetic_per_class": 20, "time_steps": 2, "slots": 4}

EVALUATE = """
import json, sys
from dataclasses import asdict
from pathlib import Path
from avgzsl_bench.execution.evaluate import evaluate_checkpoint
for file in sys.argv[2:]:
    evaluation = evaluate_checkpoint(Path(file), data_root=sys.argv[1], device="cpu")
    print(json.dumps([evaluation.bias_from, asdict(evaluation.metrics)]))
"""


def run(method: str, data_root: Path, out: Path, **options: Any) -> Record:
    known = method_class(method_spec(method)).Config.model_fields
    settings = {name: value for name, value in SMALL.items() if name in known}
    places = {"data_root": data_root, "out": out, "features": "simulated", "device": "cpu"}
    return ab.run(method, "ucf", settings=settings, **places, **{"save": True, **options})


def stage2_of(out: Path) -> Path:
    (file,) = out.rglob("*.stage2.safetensors")
    return file


def test_every_model_gives_its_figures_again_in_another_process(data_root: Path, tmp_path: Path) -> None:
    records = {method: run(method, data_root, tmp_path / method) for method in ON_SIMULATED}
    files = [stage2_of(tmp_path / method) for method in ON_SIMULATED]
    evaluated = python(EVALUATE, data_root, *files)
    assert evaluated.returncode == 0, evaluated.stderr
    found = [json.loads(line) for line in evaluated.stdout.splitlines()]
    assert dict(zip(ON_SIMULATED, found, strict=True)) == {
        method: ["run", asdict(record.metrics)] for method, record in records.items()
    }


@pytest.fixture(scope="module")
def saved(data_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of results with one saved run."""
    out = tmp_path_factory.mktemp("saved")
    run("devise", data_root, out)
    return out


@pytest.fixture
def results(saved: Path, tmp_path: Path) -> Path:
    """A copy of it, to be damaged."""
    return Path(shutil.copytree(saved, tmp_path / "results"))


def record_of(out: Path) -> Path:
    (path,) = out.rglob("*.json")
    return path


def test_the_record_names_the_files_and_their_hashes(saved: Path) -> None:
    path = record_of(saved)
    record = read_record(path)
    assert record.weights is not None
    assert {stage: stored.file for stage, stored in record.weights.items()} == {
        stage: f"{path.stem}.{stage}.safetensors" for stage in ("stage1", "stage2")
    }
    for stored in record.weights.values():
        assert hashlib.sha256(path.with_name(stored.file).read_bytes()).hexdigest() == stored.sha256


@pytest.mark.parametrize("stage", [1, 2])
def test_the_header_says_what_a_prediction_needs(saved: Path, data_root: Path, stage: int) -> None:
    path = record_of(saved)
    record = read_record(path)
    checkpoint = read_checkpoint(path.with_name(f"{path.stem}.stage{stage}.safetensors"))
    header, part = checkpoint.header, checkpoint.header.prediction
    assert part is not None
    assert header.run is not None
    assert header.run.id == record.run_id
    assert header.run.method.code == record.method.code
    assert (part.stage, part.bias, part.calibration) == (stage, record.metrics.bias, record.calibration)
    benchmark = ab.load_benchmark("ucf", "simulated", data_root=data_root)
    classes = (benchmark.selection, benchmark.final)[stage - 1].classes
    assert [(entry.name, entry.seen) for entry in part.classes] == list(
        zip(classes.names, classes.seen.tolist(), strict=True)
    )
    assert next(entry.words for entry in part.classes if entry.name == "ApplyEyeMakeup") == "Apply Eye Makeup"
    assert {name: vectors.tolist() for name, vectors in checkpoint.text.items()} == {
        name: vectors.tolist() for name, vectors in classes.text.items()
    }
    assert not any(name.startswith("prediction.") for name in checkpoint.state)


def test_stage_1_is_kept_at_its_best_epoch(data_root: Path, tmp_path: Path) -> None:
    """The bias that its scores of the validation videos give is the run's, which belongs to the best epoch."""
    record = run("avca", data_root, tmp_path)
    stage2 = stage2_of(tmp_path)
    stage1 = stage2.with_name(stage2.name.replace("stage2", "stage1"))
    evaluation = evaluate_checkpoint(stage2, selection_checkpoint=stage1, data_root=data_root, device="cpu")
    assert asdict(evaluation.metrics) == asdict(record.metrics)
    assert evaluation.validation is not None
    assert evaluation.validation.hm == record.trace[record.best_epoch - 1].hm


@pytest.mark.filterwarnings("ignore:.*has no weights")
def test_a_finished_run_without_weights_is_made_again_and_gives_the_same(data_root: Path, tmp_path: Path) -> None:
    before = run("devise", data_root, tmp_path, save=False)
    assert before.weights is None
    with pytest.warns(UserWarning, match="has no weights: the run is made again to save them"):
        after = run("devise", data_root, tmp_path)
    changed = {"timing", "weights"}
    assert after.model_dump(exclude=changed) == before.model_dump(exclude=changed)
    assert after.weights is not None
    again = run("devise", data_root, tmp_path)
    assert again == after
    assert run("devise", data_root, tmp_path, save=False) == after


@pytest.mark.filterwarnings("ignore:.*has no weights")
def test_a_record_is_not_replaced_by_other_figures(data_root: Path, tmp_path: Path) -> None:
    run("devise", data_root, tmp_path, save=False)
    path = record_of(tmp_path)
    content = json.loads(path.read_text())
    content["trace"][0]["losses"]["total"] += 1e-9  # as on another processor
    path.write_text(json.dumps(content))
    before = {file: file.read_bytes() for file in tmp_path.rglob("*.*")}
    with pytest.raises(RunError, match=r"gives another trace .*; the record is left as it is"):
        run("devise", data_root, tmp_path)
    assert {file: file.read_bytes() for file in tmp_path.rglob("*.*")} == before
    assert run("devise", data_root, tmp_path, force=True).weights is not None


def test_models_of_a_replaced_record_go(results: Path, data_root: Path) -> None:
    run("devise", data_root, results, save=False, force=True)
    assert not list(results.rglob("*.safetensors"))


def test_missing_models_are_made_again(results: Path, data_root: Path) -> None:
    before = stage2_of(results).read_bytes()
    stage2_of(results).unlink()
    record = read_record(record_of(results))
    assert not has_weights(record_of(results), record)
    run("devise", data_root, results)
    assert stage2_of(results).read_bytes() == before


def test_altered_models_are_found(
    results: Path, data_root: Path, avbench: Callable[..., Result], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert avbench("verify", results).output.endswith("1 ok, 0 failed\n")
    file = stage2_of(results)
    content = file.read_bytes()
    file.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    found = avbench("verify", results)
    assert found.exit_code == 2
    assert f"FAILED {file}: altered: its sha256 is not the one in" in found.output
    with pytest.raises(RecordError, match=r"altered: .*run it again with --force"):
        run("devise", data_root, results)
    file.unlink()
    assert "(its models are not there)" in avbench("verify", results).output


def test_other_code_is_another_run(data_root: Path, tmp_path: Path) -> None:
    options = RunOptions(features="simulated", data_root=data_root, out=tmp_path)
    plan = plan_run("devise", "ucf", options=options)
    other = plan.spec.model_copy(update={"method": plan.spec.method.model_copy(update={"code": "0" * 12})})
    assert other.record_path(tmp_path) != plan.path


def test_the_commands_save_and_score(avbench: Callable[..., Result], data_root: Path, tmp_path: Path) -> None:
    short = ("--features", "simulated", "--epochs", "1", "--set", "batches_per_epoch=2", "--device", "cpu")
    made = avbench("run", "--method", "devise", "--dataset", "ucf", *short, "--save")
    assert made.exit_code == 0, made.output
    file = stage2_of(tmp_path / "results")
    assert f"models: {file.relative_to(tmp_path)}".replace("stage2", "stage1") in made.output
    scored = avbench("evaluate", "--checkpoint", file, "--json", "--device", "cpu")
    assert json.loads(scored.stdout)["bias_from"] == "run"
    assert json.loads(scored.stdout)["metrics"] == asdict(read_record(record_of(tmp_path / "results")).metrics)
    shown = avbench("checkpoint", "info", file).output
    for text in ("stage     2", "bias      ", "by exact on validation videos", "SIMULATED", "recipe    none"):
        assert text in shown


def stage1_of(out: Path) -> Path:
    (file,) = out.rglob("*.stage1.safetensors")
    return file


def test_only_stage_1_of_the_same_run_chooses_a_bias(saved: Path, data_root: Path, tmp_path: Path) -> None:
    run("devise", data_root, tmp_path, seed=1)
    for selection, reason in (
        (stage2_of(tmp_path), "of stage 2, which was trained on the validation videos"),
        (stage1_of(tmp_path), "a checkpoint of another run"),
    ):
        with pytest.raises(CheckpointError, match=reason):
            evaluate_checkpoint(stage2_of(saved), selection_checkpoint=selection, data_root=data_root)


def test_it_is_said_where_figures_are_not_the_record_s(
    saved: Path, avbench: Callable[..., Result], data_root: Path
) -> None:
    shown = avbench("evaluate", "--checkpoint", stage1_of(saved)).stdout
    assert "a checkpoint of stage 1: the record of its run has the figures of stage 2" in shown
    shown = avbench("evaluate", "--checkpoint", stage2_of(saved), "--split", "main").stdout
    assert "trained on ucf (simulated, cls), other data than these" in shown
    shown = avbench("evaluate", "--checkpoint", stage2_of(saved)).stdout
    assert "trained on" not in shown
    assert "stage" not in shown
