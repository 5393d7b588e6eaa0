"""Checkpoints in our own format."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors import safe_open
from safetensors.torch import save, save_file
from tiny_method import SPEC, Tiny, official_state

from avgzsl_bench import Method, MethodSpec
from avgzsl_bench.data.store.extraction import recipe_sha256
from avgzsl_bench.errors import AvbenchError, CheckpointError, UnknownNameError
from avgzsl_bench.execution.execute import data_of
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import plan_run
from avgzsl_bench.method.registry import list_methods, method_spec
from avgzsl_bench.method.state_dict import expected_state
from avgzsl_bench.records.checkpoint import (
    Checkpoint,
    checkpoint_of,
    config_of,
    read_checkpoint,
    restore,
    write_checkpoint,
)
from avgzsl_bench.records.checkpoint_header import Origin
from avgzsl_bench.testing.trial import Trial

CPU = torch.device("cpu")


def message(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


def written(folder: Path, name: str | MethodSpec = "devise") -> tuple[Path, Checkpoint, Trial]:
    trial = Trial.of(name)
    checkpoint = checkpoint_of(trial.spec, trial.build())
    write_checkpoint(folder / "a.safetensors", checkpoint)
    return folder / "a.safetensors", checkpoint, trial


def restored(checkpoint: Checkpoint, trial: Trial) -> Method[Any]:
    return restore(checkpoint, trial.shape, trial.task.classes, CPU)


def with_header(checkpoint: Checkpoint, **changes: object) -> Checkpoint:
    return replace(checkpoint, header=checkpoint.header.model_copy(update=changes))


@pytest.mark.parametrize("name", ["clipclap", "devise", "eszsl", "chance", "mft"])
def test_a_method_that_is_written_and_read_scores_the_same(name, tmp_path):
    trial = Trial.of(name)
    method, task = trial.trained(), trial.task
    made = checkpoint_of(trial.spec, method, Origin(kind="trained", epoch=1))
    write_checkpoint(tmp_path / "deep" / "a.safetensors", made)
    found = read_checkpoint(tmp_path / "deep" / "a.safetensors")
    assert found.header == made.header
    assert found.header.distribution == "avgzsl-bench"
    assert config_of(found) == method.config
    scores = restored(found, trial).score(task.videos, task.classes)
    torch.testing.assert_close(scores, method.score(task.videos, task.classes), rtol=0, atol=0)
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["a.safetensors"]


def test_views_and_tied_tensors_are_written_as_tensors_of_their_own(tmp_path):
    path, made, _ = written(tmp_path)
    weight = made.state["map.weight"]
    tied = replace(made, state={"a": weight.T, "b": weight[:2], "c": weight})
    write_checkpoint(path, tied)
    found = read_checkpoint(path).state
    assert all(torch.equal(found[name], tied.state[name]) for name in tied.state)


def test_foreign_files_are_refused(tmp_path):
    path = tmp_path / "a.safetensors"
    for place, reason in ((path, "no such file"), (tmp_path, "not a file")):
        with pytest.raises(CheckpointError, match=reason):
            read_checkpoint(place)
    save_file({"weight": torch.ones(2)}, path)
    with pytest.raises(CheckpointError, match="of another program"):
        read_checkpoint(path)
    for content in (b"", b"no checkpoint", b"\xff" * 64, b"\x02" + b"\x00" * 7 + b"{}"):
        path.write_bytes(content)
        with pytest.raises(CheckpointError) as error:
            read_checkpoint(path)
        assert str(path) in message(error)
    torch.save({"model": official_state()}, path)
    with pytest.raises(CheckpointError, match="avbench checkpoint import"):
        read_checkpoint(path)


@pytest.mark.parametrize(
    "metadata",
    [
        *("", "[]", "{", "[" * 100_000, '{"schema_version": 2}', '{"schema_version": 1, "method": "devise"}'),
        {"shape": {"audio": 0, "visual": 1, "text": {"a": 1}}},
        {"shape": {"audio": 1, "visual": 1, "text": {}}},
        {"shape": {"audio": 1, "visual": 1, "text": {"a": -3}}},
        {"shape": {"audio": 1.5, "visual": 1, "text": {"a": 3}}},
        {"schema_version": 2},
        {"origin": {"kind": "found"}},
        {"surprise": 1},
    ],
)
def test_headers_are_checked(tmp_path, metadata):
    path, checkpoint, _ = written(tmp_path)
    if isinstance(metadata, dict):
        metadata = json.dumps(checkpoint.header.model_dump(mode="json") | metadata)
    path.write_bytes(save(dict(checkpoint.state), metadata={"avgzsl_bench": metadata}))
    with pytest.raises(CheckpointError, match="not a checkpoint of schema 1") as error:
        read_checkpoint(path)
    assert len(message(error)) < 400


def test_a_truncated_file_is_refused_at_every_length(tmp_path):
    path, _, _ = written(tmp_path)
    whole = path.read_bytes()
    lengths = {*range(0, len(whole), 97), *range(40), len(whole) - 1}
    for content in (*(whole[:length] for length in lengths), whole + b"more"):
        path.write_bytes(content)
        with pytest.raises(CheckpointError):
            read_checkpoint(path)


@settings(max_examples=150, deadline=None)
@given(place=st.integers(0, 1500), value=st.integers(0, 255))
def test_a_damaged_file_is_refused_or_read_and_nothing_else(tmp_path_factory, place, value):
    folder = tmp_path_factory.mktemp("damaged")
    path, _, trial = written(folder)
    content = bytearray(path.read_bytes())
    content[place % len(content)] = value
    path.write_bytes(content)
    said = ""
    try:
        restored(read_checkpoint(path), trial)
    except AvbenchError as error:
        said = str(error)
    assert "\n" not in said


def test_weights_that_do_not_fit_are_all_named(tmp_path):
    _, checkpoint, trial = written(tmp_path, "clipclap")
    state = dict(checkpoint.state)
    state["video_encoder.block.linear.weight"] = torch.ones(3, 4)
    state["surplus"] = torch.ones(1)
    del state["text_encoder.linear.bias"]
    state["text_encoder.norm.running_mean"] = torch.full_like(state["text_encoder.norm.running_mean"], torch.nan)
    with pytest.raises(CheckpointError) as error:
        restored(replace(checkpoint, state=state), trial)
    assert message(error) == (
        "checkpoint: the weights do not fit method 'clipclap': unknown: surplus; "
        "missing: text_encoder.linear.bias; "
        "misshapen: video_encoder.block.linear.weight (float32 [3, 4], not float32 [512, 20]); "
        "not finite: text_encoder.norm.running_mean"
    )


def test_a_method_without_torch_tells_in_one_line_what_it_cannot_load(tmp_path):
    _, checkpoint, trial = written(tmp_path, "eszsl")
    with pytest.raises(CheckpointError, match="do not fit method 'eszsl': KeyError: 'weight'"):
        restored(replace(checkpoint, state={}), trial)


def test_settings_that_have_changed_since_are_told(tmp_path):
    _, checkpoint, trial = written(tmp_path)
    older = with_header(checkpoint, config=checkpoint.header.config | {"former": 1}, version="0.0.1")
    with pytest.raises(CheckpointError, match=r"setting 'former'.*written with avgzsl-bench 0\.0\.1"):
        restored(older, trial)


def test_a_method_that_is_not_installed_can_be_looked_at_but_not_restored(tmp_path):
    path, _, trial = written(tmp_path, SPEC)
    found = read_checkpoint(path)
    assert (found.header.method, found.header.distribution) == ("tiny", "")
    with pytest.raises(UnknownNameError, match="unknown method 'tiny'"):
        restored(found, trial)


def test_sizes_from_a_file_cost_no_memory(tmp_path):
    _, checkpoint, trial = written(tmp_path, "clipclap")
    wide = {"model_width": 10**7, "hidden_width": 10**7}
    with pytest.raises(CheckpointError, match="misshapen"):
        restored(with_header(checkpoint, config=checkpoint.header.config | wide), trial)


def expected_of(method: type[Method[Any]], trial: Trial) -> tuple[dict[str, torch.Tensor], list[str]]:
    """Lay out a method; give the expected state and the devices that it was built on."""
    devices = []

    def build(device: torch.device) -> Method[Any]:
        devices.append(device.type)
        return method(trial.config, trial.shape, trial.task.classes, seed=0, device=device)

    return expected_state(build), devices


@pytest.mark.parametrize("spec", list_methods(), ids=lambda spec: spec.name)
def test_every_method_can_be_laid_out_without_memory(spec):
    trial = Trial.of(spec)
    expected, devices = expected_of(trial.method, trial)
    built = trial.build().state_dict()
    assert {n: (t.shape, t.dtype) for n, t in expected.items()} == {
        n: (t.shape, t.dtype) for n, t in built.items()
    }
    assert devices == ["meta"]


def test_a_method_that_the_meta_device_cannot_build_is_built_in_earnest():
    class Numbers(Tiny):
        def build(self):
            torch.ones(3).tolist()
            return super().build()

    trial = Trial.of(SPEC)
    expected, devices = expected_of(Numbers, trial)
    assert set(expected) == set(trial.build().state_dict())
    assert devices == ["meta", "cpu"]


def test_the_run_that_trained_the_weights_stands_in_the_header(tmp_path, place):
    plan = plan_run("devise", "ucf", options=RunOptions(**place))
    benchmark = data_of(plan)
    method = plan.build(benchmark.shape, benchmark.final)
    write_checkpoint(tmp_path / "a.safetensors", checkpoint_of(method_spec("devise"), method, run=plan.spec))
    assert read_checkpoint(tmp_path / "a.safetensors").header.run == plan.spec


def test_a_header_from_before_code_was_recorded_is_read(tmp_path, place):
    spec = plan_run("devise", "ucf", options=RunOptions(**place)).spec
    checkpoint = checkpoint_of(method_spec("devise"), Trial.of("devise").build(), run=spec)
    header = checkpoint.header.model_dump(mode="json")
    for name in ("code", "commit", "dirty"):
        del header["run"]["method"][name]
    del header["run"]["numerics"]
    path = tmp_path / "a.safetensors"
    path.write_bytes(save(dict(checkpoint.state), metadata={"avgzsl_bench": json.dumps(header)}))
    run = read_checkpoint(path).header.run
    assert (run.method.code, run.numerics) == (None, None)
    assert run.id != spec.id
    assert run.differs_in_code_only(spec)


def for_predictions(path: Path, **changes: object) -> Path:
    """Write a checkpoint that predictions can be made with, changed in some fields of that part."""
    trial = Trial.of("devise")
    classes, recipe = trial.task.classes, {"name": "default"}
    part = {
        "stage": 2,
        "bias": 0.5,
        "calibration": "exact",
        "classes": [
            {"name": name, "words": name, "seen": seen}
            for name, seen in zip(classes.names, classes.seen.tolist(), strict=True)
        ],
        "recipe": recipe,
        "recipe_sha256": recipe_sha256(recipe),
    }
    made = checkpoint_of(trial.spec, trial.build())
    header = made.header.model_dump(mode="json") | {"prediction": part | changes}
    text = {f"prediction.text.{name}": vectors for name, vectors in classes.text.items()}
    path.write_bytes(save({**made.state, **text}, metadata={"avgzsl_bench": json.dumps(header)}))
    return path


def test_what_a_prediction_needs_is_apart_from_the_weights(tmp_path):
    found = read_checkpoint(for_predictions(tmp_path / "a.safetensors"))
    classes = Trial.of("devise").task.classes
    assert found.header.prediction.bias == 0.5
    assert found.text["text"].equal(classes.text["text"])
    assert not [name for name in found.state if "prediction" in name]
    restored(found, Trial.of("devise"))


@pytest.mark.parametrize(
    "changes",
    [
        *({"stage": 3}, {"bias": None}, {"bias": "NaN"}, {"classes": []}, {"surprise": 1}),
        *({"recipe": None}, {"recipe_sha256": "0" * 64}, {"recipe": {"name": "other"}}),
    ],
    ids=str,
)
def test_the_part_for_predictions_is_checked(tmp_path, changes):
    with pytest.raises(CheckpointError, match=r"not a checkpoint of schema 1: .*prediction"):
        read_checkpoint(for_predictions(tmp_path / "a.safetensors", **changes))


@pytest.mark.parametrize(
    ("vectors", "reason"),
    [
        (None, "no class embeddings by 'text', 11 times 8 numbers"),
        (torch.ones(10, 8), "no class embeddings by 'text'"),
        (torch.ones(11, 9), "no class embeddings by 'text'"),
        (torch.ones(11, 8).double(), "no class embeddings by 'text'"),
        (torch.full((11, 8), torch.nan), "a class embedding by 'text' is not finite"),
    ],
)
def test_class_embeddings_are_checked(tmp_path, vectors, reason):
    path = for_predictions(tmp_path / "a.safetensors")
    with safe_open(path, framework="pt") as file:
        metadata = file.metadata()
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (it is no dict)
    del tensors["prediction.text.text"]
    if vectors is not None:
        tensors["prediction.text.text"] = vectors
    path.write_bytes(save(tensors, metadata=metadata))
    with pytest.raises(CheckpointError, match=reason):
        read_checkpoint(path)
