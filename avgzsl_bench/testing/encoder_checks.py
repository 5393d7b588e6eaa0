"""`check_encoder`: what every encoder must keep to, for its author to check."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from avgzsl_bench.encoders.weights.files import weight_files
from avgzsl_bench.errors import DataError
from avgzsl_bench.plugins.specs import EncoderSpec, WeightsSource
from avgzsl_bench.testing.checking import require, run_checks
from avgzsl_bench.testing.encoder_trial import EncoderTrial

TOLERANCE = 1e-5
"""What rounding may change in a vector, over its length."""

_LONG = 10_000
"""Characters of a long text."""


def check_vectors(trial: EncoderTrial) -> None:
    """Require finite float32 vectors of the stated width, for one input and for several."""
    for modality in trial.modalities():
        inputs = trial.inputs(modality)
        trial.encode(modality, inputs)
        trial.encode(modality, inputs[:1])


def check_inputs_unchanged(trial: EncoderTrial) -> None:
    """Require that frames and sounds are left as they were."""
    for modality in trial.modalities():
        inputs = trial.inputs(modality)
        before = [np.array(item) for item in inputs]
        trial.encode(modality, inputs)
        same = all(np.array_equal(one, np.array(other)) for one, other in zip(before, inputs, strict=True))
        require(same, f"encoding changes its inputs of {modality!r} in place")


def check_unit_length(trial: EncoderTrial) -> None:
    """Require vectors of unit length where the encoder says that it gives them."""
    if not trial.kind.unit_length:
        return
    for modality in trial.modalities():
        lengths = np.linalg.norm(trial.encode(modality, trial.inputs(modality)), axis=1)
        far = float(lengths[np.abs(lengths - 1).argmax()])
        rule = f"unit_length is set, but a vector of {modality!r} has length {far:.6g}"
        require(abs(far - 1) <= TOLERANCE, rule)


def check_other_inputs(trial: EncoderTrial) -> None:
    """Require that a vector depends on its own input alone, not on the others or their order."""
    for modality in trial.modalities():
        inputs = trial.inputs(modality)
        together = trial.encode(modality, inputs)
        alone = np.concatenate([trial.encode(modality, inputs[i : i + 1]) for i in range(len(inputs))])
        _require_near(alone, together, f"a vector of {modality!r} changes with the other inputs of its batch")
        turned = np.ascontiguousarray(inputs[::-1]) if isinstance(inputs, np.ndarray) else inputs[::-1]
        backwards = trial.encode(modality, turned)[::-1]
        _require_near(backwards, together, f"a vector of {modality!r} changes with the order of its batch")


def check_same_twice(trial: EncoderTrial) -> None:
    """Require the same bits from a second call, and from an encoder that is built anew."""
    again = trial.build()
    for modality in trial.modalities():
        inputs = trial.inputs(modality)
        first = trial.encode(modality, inputs).copy()
        require(
            np.array_equal(first, trial.encode(modality, inputs)),
            f"a second call gives other {modality!r} vectors",
        )
        rebuilt = trial.encode(modality, inputs, again)
        require(np.array_equal(first, rebuilt), f"built a second time it gives other {modality!r} vectors")


def check_nothing_random(trial: EncoderTrial) -> None:
    """Require that building and encoding leave the global random generators as they were."""
    before = _generators()
    trial.build()
    _require_unmoved(before, "building it")
    for modality in trial.modalities():
        inputs, before = trial.inputs(modality), _generators()
        trial.encode(modality, inputs)
        _require_unmoved(before, f"encoding {modality!r}")


def check_text_lengths(trial: EncoderTrial) -> None:
    """Require vectors of texts of one character and of ten thousand."""
    if "text" in trial.modalities():
        for text in ("a", "x" * _LONG, "surf " * (_LONG // 5)):
            try:
                trial.encode("text", [text])
            except (IndexError, RuntimeError, ValueError) as error:
                raise AssertionError(
                    f"a text of {len(text)} characters: {type(error).__name__}: {error}"
                ) from error


def check_refuses_damaged_weights(trial: EncoderTrial) -> None:
    """Require a `DataError` on one line from weights that are not there, or cut to half.

    Weights that come in an installed package are not checked: that is installed whole or not at all.
    """
    source = trial.spec.weights
    if source is None or source.package or trial.weights is None:
        return
    with TemporaryDirectory(prefix="avbench-") as folder:
        _require_refused(trial, Path(folder), "an empty folder in place of its weights")
    with _cut_weights(trial.weights, source) as (folder, name):
        _require_refused(trial, folder, f"{name} cut to half")


CHECKS: tuple[Callable[[EncoderTrial], None], ...] = (
    check_vectors,
    check_inputs_unchanged,
    check_unit_length,
    check_other_inputs,
    check_same_twice,
    check_nothing_random,
    check_text_lengths,
    check_refuses_damaged_weights,
)


def check_encoder(
    encoder: str | EncoderSpec, weights: str | PathLike[str] | None = None, device: str = "cpu"
) -> None:
    """Run every check on an encoder.

    Args:
        encoder: name of a registered encoder, or a spec.
        weights: folder with its weights; None: where they are on this machine, if it needs any.
        device: device on which it computes.

    Raises:
        AssertionError: a rule is broken; the message names the encoder, the check and the rule.
        UnknownNameError: no encoder of that name is registered.
        PluginError: its class cannot be imported, or a package that it needs is not installed.
        DataError: its weights are not here, damaged, or of another model.
    """
    trial = EncoderTrial.of(encoder, weights, device)
    run_checks(f"encoder {trial.spec.name}", CHECKS, trial)


def _require_near(actual: np.ndarray, expected: np.ndarray, rule: str) -> None:
    """Require that vectors agree within `TOLERANCE` of their length."""
    error = np.linalg.norm(actual - expected, axis=1)
    length = np.linalg.norm(expected, axis=1)
    require(bool((error <= TOLERANCE * length).all()), f"{rule}, by {float(error.max()):.2g}")


def _generators() -> dict[str, bytes]:
    """Give the states of the global random generators, by what they are called."""
    return {
        "random": repr(random.getstate()).encode(),
        "numpy.random": repr([np.asarray(part).tobytes() for part in np.random.get_state(legacy=True)]).encode(),  # noqa: NPY002
        "torch": torch.get_rng_state().numpy().tobytes(),
    }


def _require_unmoved(before: dict[str, bytes], what: str) -> None:
    moved = [name for name, state in _generators().items() if state != before[name]]
    require(not moved, f"{what} draws from a global random generator: {', '.join(moved)}")


def _require_refused(trial: EncoderTrial, folder: Path, what: str) -> None:
    try:
        trial.kind(folder, trial.device)
    except DataError as error:
        require(str(error).isprintable(), f"{what}: the message of DataError is not one line: {str(error)!r}")
    except Exception as error:
        raise AssertionError(
            f"{what}: {type(error).__name__}: {error}; raise DataError with the reason"
        ) from error
    else:
        raise AssertionError(f"{what}: built without an error; raise DataError")


@contextmanager
def _cut_weights(weights: Path, source: WeightsSource) -> Iterator[tuple[Path, str]]:
    """Copy a folder of weights for the block, with the largest file of weights cut to half; give its name too."""
    files = weight_files(weights, source)
    require(bool(files), f"{weights}: no file of weights there that the spec's `files` names")
    largest = max(files, key=lambda path: path.stat().st_size)
    with TemporaryDirectory(prefix="avbench-") as folder:
        copy = Path(shutil.copytree(weights, Path(folder, "weights")))
        name = largest.relative_to(weights)
        with (copy / name).open("r+b") as stream:
            stream.truncate(largest.stat().st_size // 2)
        yield copy, str(name)
