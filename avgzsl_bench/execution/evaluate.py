"""Scoring a checkpoint on a dataset: the test once, at a bias that does not come from the test."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from avgzsl_bench.data.added_texts import find_added_text
from avgzsl_bench.data.benchmark import benchmark_of, find_store, offers_sequences, preferred_for, shape_of
from avgzsl_bench.data.datasets.feature_sets import SIMULATED
from avgzsl_bench.data.datasets.registry import known_dataset
from avgzsl_bench.data.store.installed import data_root as resolve_data_root
from avgzsl_bench.data.store.installed import installed
from avgzsl_bench.errors import CheckpointError, ConfigError
from avgzsl_bench.execution.stages import score, validate
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.gzsl.metrics import Metrics, metrics_of
from avgzsl_bench.method.precision import precision_context
from avgzsl_bench.method.registry import method_class, method_spec
from avgzsl_bench.records.checkpoint import Checkpoint, Widths, config_of, read_checkpoint, restore
from avgzsl_bench.system.device import choose_device, make_deterministic

if TYPE_CHECKING:
    from avgzsl_bench.data.datasets.facts import Dataset
    from avgzsl_bench.data.store.store import StoreHeader
    from avgzsl_bench.gzsl.calibration import Calibration
    from avgzsl_bench.gzsl.task import Benchmark
    from avgzsl_bench.plugins.specs import Needs

_Widths = tuple[int, int, list[int]]
"""Widths of audio, visual and each text encoder's vectors."""


@dataclass(frozen=True)
class Evaluation:
    """What scoring a checkpoint gave.

    Attributes:
        checkpoint: what was scored.
        benchmark: what it was scored on.
        calibration: the rule that chose the bias on the validation videos; None where the bias was given.
        validation: figures of the selection checkpoint on the validation videos, at their own best bias; None
            where the bias was given.
        metrics: the figures of the test.
    """

    checkpoint: Checkpoint
    benchmark: Benchmark
    calibration: str | None
    validation: Metrics | None
    metrics: Metrics


def evaluate_checkpoint(
    path: Path,
    dataset: str,
    *,
    bias: float | None = None,
    selection_checkpoint: Path | None = None,
    calibration: str | None = None,
    features: str = "auto",
    split: str = "cls",
    text_order: str | None = None,
    device: str = "auto",
    data_root: Path | str | None = None,
) -> Evaluation:
    """Score a checkpoint on the test videos of a dataset.

    Args:
        path: a checkpoint of ours.
        dataset: name of a registered dataset.
        bias: what to subtract from seen scores.
        selection_checkpoint: in place of `bias`: the same method as stage 1 left it. It is scored on the
            validation videos, and the bias is chosen there.
        calibration: how it is chosen; None: as the checkpoint's settings say.
        features: feature set; `auto` takes the best installed one that has the checkpoint's widths.
        split: class split: `cls`, `main`, or a source-disjoint view, `cls-disjoint` or `main-disjoint`.
        text_order: `by-name` or `official`; None: as the checkpoint's settings say.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        data_root: folder of installed data.

    Raises:
        AvbenchError: what was asked for cannot work; the message says why.
    """
    rule = _bias_rule(bias, selection_checkpoint, calibration)
    root = resolve_data_root(Path(data_root) if data_root is not None else None)
    facts = known_dataset(dataset, root)
    facts.facts(split)
    place = choose_device(device)
    checkpoint = read_checkpoint(path)
    config = config_of(checkpoint)
    selection = None if selection_checkpoint is None else _selection(selection_checkpoint, checkpoint)
    spec = method_spec(checkpoint.header.method)
    target, needs = method_class(spec), spec.needs
    store = _store(checkpoint, facts, features, split, root, needs)
    added = find_added_text(root, facts, store, target.added_text(config, needs.added_text))
    target.check(config, shape_of(store, needs, added))
    make_deterministic(place)
    benchmark = benchmark_of(store, facts, split, place, text_order or config.text_order, needs, added)
    # The test checkpoint first: if its weights do not fit, nothing need be scored.
    method = restore(checkpoint, benchmark.shape, benchmark.final.classes, place)
    validation = None
    if selection is not None:
        rule = rule or parse_calibration(config.calibration)
        chooser = restore(selection, benchmark.shape, benchmark.selection.classes, place)
        with precision_context("full", place):
            validation, bias = validate(chooser, benchmark.selection, rule)
    assert bias is not None, "given, or chosen on the validation videos"
    task = benchmark.final
    with precision_context("full", place):
        decisions = score(method, task)
    metrics = metrics_of(decisions, task.ground_truth, bias)
    return Evaluation(checkpoint, benchmark, rule.name if rule else None, validation, metrics)


def _bias_rule(bias: float | None, selection: Path | None, calibration: str | None) -> Calibration | None:
    """The calibration asked for, after checking that the bias comes from one place.

    Raises:
        ConfigError: from none or from both, or a rule or value that cannot be used.
    """
    if (bias is None) == (selection is None):
        how = "no bias" if bias is None else "two biases"
        raise ConfigError(
            f"{how}: give either --bias VALUE, or --selection-checkpoint FILE, a checkpoint of stage 1 that is "
            f"scored on the validation videos to choose it"
        )
    if bias is not None and not math.isfinite(bias):
        raise ConfigError(f"--bias {bias}: must be a finite number")
    if bias is not None and calibration is not None:
        raise ConfigError("--calibration chooses a bias, and --bias gives one; leave one out")
    return None if calibration is None else parse_calibration(calibration)


def _selection(path: Path, checkpoint: Checkpoint) -> Checkpoint:
    """The checkpoint that the bias comes from.

    Raises:
        CheckpointError: it is of another method or of other widths than the one to be scored.
    """
    selection = read_checkpoint(path)
    ours, theirs = checkpoint.header, selection.header
    if theirs.method != ours.method:
        raise CheckpointError(
            f"{path}: a checkpoint of {theirs.method}, and {checkpoint.source} is of {ours.method}"
        )
    if theirs.shape != ours.shape:
        raise CheckpointError(
            f"{path}: made for {_spoken_shape(theirs.shape)}, and {checkpoint.source} for "
            f"{_spoken_shape(ours.shape)}"
        )
    return selection


def _store(
    checkpoint: Checkpoint, dataset: Dataset, features: str, split: str, root: Path, needs: Needs
) -> StoreHeader:
    """The installed features that a checkpoint can be scored on.

    Raises:
        DataError: not installed, or damaged.
        CheckpointError: of other widths than the checkpoint.
    """
    wanted = _wanted(checkpoint)
    if features == "auto":
        stores = [h for h in installed(root) if h.dataset == dataset.name and not h.simulated]
        fitting = preferred_for([h for h in stores if _present(h) == wanted], needs)
        features = next(iter(fitting), SIMULATED)
    store = find_store(dataset, features, split, root, needs)
    if checkpoint.header.shape.sequences and not offers_sequences(store):
        raise CheckpointError(
            f"{checkpoint.source}: made for sequences, but {store.dataset} {store.features} has vectors; "
            "import features with their steps, or name others with --features"
        )
    if _present(store) != wanted:
        raise CheckpointError(
            f"{checkpoint.source}: made for {_spoken(wanted)}, but {store.dataset} {store.features} has "
            f"{_spoken(_present(store))}; import the features that it was made for, or name others with --features"
        )
    return store


def _wanted(checkpoint: Checkpoint) -> _Widths:
    shape = checkpoint.header.shape
    added = method_spec(checkpoint.header.method).needs.added_text
    return shape.audio, shape.visual, [width for name, width in shape.text.items() if name not in added]


def _spoken_shape(shape: Widths) -> str:
    text = " + ".join(f"{name} {width}" for name, width in shape.text.items())
    return f"audio {shape.audio}, visual {shape.visual}, text {text}{', sequences' if shape.sequences else ''}"


def _present(store: StoreHeader) -> _Widths:
    return store.audio, store.visual, list(store.text.values())


def _spoken(widths: _Widths) -> str:
    audio, visual, text = widths
    return f"audio {audio}, visual {visual}, text {' + '.join(map(str, text))}"
