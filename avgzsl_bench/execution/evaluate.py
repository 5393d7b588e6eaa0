"""Scoring a checkpoint on a dataset: the test once, at a bias that does not come from the test."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from avgzsl_bench.data.benchmark import Benchmark, benchmark_of
from avgzsl_bench.data.choose import ResolvedData, offers_sequences, resolve_data
from avgzsl_bench.data.store.store import StoreHeader
from avgzsl_bench.errors import CheckpointError, ConfigError
from avgzsl_bench.execution.alone import Sample
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.scoring import score, validate
from avgzsl_bench.execution.threads import use_threads
from avgzsl_bench.gzsl.calibration import Calibration, parse_calibration
from avgzsl_bench.gzsl.metrics import Metrics, metrics_of
from avgzsl_bench.gzsl.task import FeatureDims
from avgzsl_bench.method.precision import precision_context
from avgzsl_bench.method.registry import method_class, method_spec, needs_of
from avgzsl_bench.plugins.contained import contained
from avgzsl_bench.plugins.specs import Needs
from avgzsl_bench.records.checkpoint import (
    Checkpoint,
    config_of,
    read_checkpoint,
    require_file,
    restore,
    same_weights,
)
from avgzsl_bench.system.device import choose_device, make_deterministic


@dataclass(frozen=True)
class Evaluation:
    """The result of scoring a checkpoint.

    Attributes:
        checkpoint: as read.
        data: what it was scored on, as it was found.
        benchmark: the same, loaded.
        bias_from: where the bias came from: `given`, `run` (of the run that trained the weights), or
            `validation` (chosen on the validation videos).
        calibration: the rule that chose the bias on the validation videos; None where the bias was given.
        validation: figures of the selection checkpoint on the validation videos, at their own best bias; None
            where the bias was given.
        metrics: the figures of the test.
    """

    checkpoint: Checkpoint
    data: ResolvedData
    benchmark: Benchmark
    bias_from: Literal["given", "run", "validation"]
    calibration: str | None
    validation: Metrics | None
    metrics: Metrics


@contained()
def evaluate_checkpoint(
    path: Path,
    dataset: str | None = None,
    *,
    bias: float | None = None,
    selection_checkpoint: Path | None = None,
    calibration: str | None = None,
    features: str = "auto",
    split: str | None = None,
    text_order: str | None = None,
    device: str = "auto",
    data_root: Path | str | None = None,
    threads: int | None = None,
) -> Evaluation:
    """Score a checkpoint on the test videos of a dataset.

    Args:
        path: a checkpoint of ours.
        dataset: name of a registered dataset; None: that of the run that trained the weights, with its feature set
            and its split where they are left open too.
        bias: what to subtract from seen scores; None, without `selection_checkpoint`: the bias of that run.
        selection_checkpoint: in place of `bias`: the same method as stage 1 left it. It is scored on the
            validation videos, and the bias is chosen there.
        calibration: how it is chosen; None: as the checkpoint's settings say.
        features: feature set; `auto` takes the best installed one that has the checkpoint's widths.
        split: class split: `cls`, `main`, or a source-disjoint view, `cls-disjoint` or `main-disjoint`; None:
            `cls`, or the dataset's only split.
        text_order: `by-name` or `official`; None: as the checkpoint's settings say.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        data_root: folder of installed data.
        threads: CPU threads of torch; None: as many as a run of the checkpoint's method has.

    Raises:
        AvbenchError: the request cannot work; the message gives the reason.
    """
    options = RunOptions(threads=threads)
    for file in (path, selection_checkpoint):
        if file is not None:
            require_file(file)
    rule = _bias_rule(bias, selection_checkpoint, calibration)
    place = choose_device(device)
    checkpoint = read_checkpoint(path)
    bias_from: Literal["given", "run", "validation"] = "given"
    if selection_checkpoint is not None:
        bias_from = "validation"
    elif bias is None:
        bias_from, bias = "run", _own_bias(checkpoint)
    if dataset is None:
        dataset, features, split = _own_data(checkpoint, features, split)
    config = config_of(checkpoint)
    selection = None if selection_checkpoint is None else _selection(selection_checkpoint, checkpoint)
    spec = method_spec(checkpoint.header.method)
    target, needs = method_class(spec), needs_of(spec, config)
    found = _data_for(checkpoint, dataset, features, split, data_root, needs)
    data = found.with_texts(text_order or config.text_order, target.added_text(config, needs.added_text))
    target.check(config, data.dims)
    use_threads(options)
    make_deterministic(place)
    benchmark = benchmark_of(data, place)
    # The test checkpoint first: if its weights do not fit, nothing need be scored.
    method = restore(checkpoint, benchmark.shape, benchmark.final.classes, place)
    use_threads(options, method)
    validation = None
    if selection is not None:
        rule = rule or parse_calibration(config.calibration)
        chooser = restore(selection, benchmark.shape, benchmark.selection.classes, place)
        with precision_context("full", place):
            sample = Sample(benchmark.selection.videos, chooser)
            validation, bias = validate(chooser, benchmark.selection, rule, sample)
    assert bias is not None, "given, or chosen on the validation videos"
    task = benchmark.final
    with precision_context("full", place):
        decisions = score(method, task, Sample(task.videos, method))
    metrics = metrics_of(decisions, task.ground_truth, bias)
    return Evaluation(checkpoint, data, benchmark, bias_from, rule.name if rule else None, validation, metrics)


def _bias_rule(bias: float | None, selection: Path | None, calibration: str | None) -> Calibration | None:
    """Parse the calibration, after checking that the bias comes from one place."""
    if bias is not None and selection is not None:
        raise ConfigError("two biases: give either --bias VALUE or --selection-checkpoint FILE")
    if bias is not None and not math.isfinite(bias):
        raise ConfigError(f"--bias {bias}: must be a finite number")
    if bias is not None and calibration is not None:
        raise ConfigError("--calibration chooses a bias, and --bias gives one; leave one out")
    if selection is None and calibration is not None:
        raise ConfigError(
            "--calibration is for a bias that --selection-checkpoint FILE chooses; give both or none"
        )
    return None if calibration is None else parse_calibration(calibration)


def _own_bias(checkpoint: Checkpoint) -> float:
    """Give the bias of the run that trained a checkpoint."""
    if checkpoint.header.prediction is None:
        raise ConfigError(
            f"{checkpoint.source}: has no bias: give either --bias VALUE, or --selection-checkpoint FILE, "
            "a checkpoint of stage 1 that is scored on the validation videos to choose it"
        )
    return checkpoint.header.prediction.bias


def _own_data(checkpoint: Checkpoint, features: str, split: str | None) -> tuple[str, str, str | None]:
    """Name dataset, feature set and split of the run that trained a checkpoint, but for what is given."""
    run = checkpoint.header.run
    if run is None:
        raise ConfigError(f"{checkpoint.source}: does not say what it was trained on; give --dataset NAME")
    return run.data.dataset, run.data.features if features == "auto" else features, split or run.data.split


def _selection(path: Path, checkpoint: Checkpoint) -> Checkpoint:
    """Read the checkpoint that the bias comes from: of stage 1, of the same method, widths and run.

    One of stage 2 was trained on the validation videos. Imported weights say neither their stage nor their run.
    """
    selection = read_checkpoint(path)
    ours, theirs = checkpoint.header, selection.header
    if theirs.prediction is not None and theirs.prediction.stage == 2:
        raise CheckpointError(
            f"{path}: of stage 2, which was trained on the validation videos and cannot choose a bias "
            "there; give --selection-checkpoint that of stage 1"
        )
    if same_weights(selection, checkpoint):
        raise CheckpointError(
            f"{path}: has the same weights as {checkpoint.source}: those of stage 2 were trained on the "
            "validation videos, and cannot choose a bias there; give --selection-checkpoint that of stage 1"
        )
    if theirs.method != ours.method:
        raise CheckpointError(
            f"{path}: a checkpoint of {theirs.method}, and {checkpoint.source} is of {ours.method}"
        )
    if theirs.run is not None and ours.run is not None and theirs.run.id != ours.run.id:
        raise CheckpointError(
            f"{path}: a checkpoint of another run ({theirs.run}, {theirs.run.id}) than {checkpoint.source} "
            f"({ours.run}, {ours.run.id}); give that of stage 1 of the same run"
        )
    if theirs.shape != ours.shape:
        raise CheckpointError(
            f"{path}: made for {_dims_text(theirs.shape)}, and {checkpoint.source} for {_dims_text(ours.shape)}"
        )
    return selection


def _data_for(
    checkpoint: Checkpoint, dataset: str, features: str, split: str | None, root: Path | str | None, needs: Needs
) -> ResolvedData:
    """Find the installed data that a checkpoint can be scored on."""
    shape = checkpoint.header.shape
    own_text = [width for name, width in shape.text.items() if name not in needs.added_text]
    wanted = (shape.audio, shape.visual, own_text)
    data = resolve_data(
        dataset,
        features,
        split,
        root=root,
        needs=needs,
        method=checkpoint.header.method,
        fits=lambda s: _widths(s) == wanted,
    )
    store = data.store
    if shape.sequences and not offers_sequences(store):
        raise CheckpointError(
            f"{checkpoint.source}: made for sequences, but {store.dataset} {store.features} has vectors; "
            "import features with their steps, or name others with --features"
        )
    if _widths(store) != wanted:
        raise CheckpointError(
            f"{checkpoint.source}: made for {_text(*wanted)}, but {store.dataset} {store.features} has "
            f"{_text(*_widths(store))}; import the features that it was made for, or name others with --features"
        )
    return data


def _dims_text(shape: FeatureDims) -> str:
    text = " + ".join(f"{name} {width}" for name, width in shape.text.items())
    return f"audio {shape.audio}, visual {shape.visual}, text {text}{', sequences' if shape.sequences else ''}"


def _widths(store: StoreHeader) -> tuple[int, int, list[int]]:
    return store.audio, store.visual, list(store.text.values())


def _text(audio: int, visual: int, text: list[int]) -> str:
    return f"audio {audio}, visual {visual}, text {' + '.join(map(str, text))}"
