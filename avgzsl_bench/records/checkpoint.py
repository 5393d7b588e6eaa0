"""Our checkpoints: a method's weights in a safetensors file, with one JSON entry of metadata.

The entry states which method it is, from which distribution, with which settings and widths, where the weights
come from, and which run trained them.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import torch
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from avgzsl_bench.errors import AvbenchError, CheckpointError, first_fault, one_line
from avgzsl_bench.gzsl.task import Classes, FeatureDims
from avgzsl_bench.method.base import Method, MethodConfig
from avgzsl_bench.method.registry import method_class, method_spec, provider
from avgzsl_bench.method.state_dict import SAME_NAMES, expected_state, fit
from avgzsl_bench.method.torch_method import TorchMethod
from avgzsl_bench.plugins.specs import MethodSpec
from avgzsl_bench.records.checkpoint_header import SCHEMA, Header, Origin, PredictionPart
from avgzsl_bench.records.run_spec import RunSpec
from avgzsl_bench.system.files import broken_link, os_reason, write_atomically

_ENTRY = "avgzsl_bench"
"""The metadata entry of a safetensors file that makes it one of ours."""

_TEXT = "prediction.text."
"""Begins the names of the tensors with class embeddings, which the name of a text encoder ends."""


@dataclass(frozen=True)
class Checkpoint:
    """A method's weights, and everything needed to build it again.

    Attributes:
        header: the method, its settings, the widths it was made for, the weights' origin.
        state: the method's state dict, on the CPU.
        source: where it was read, for messages.
        text: float32 `[K, Dw]` by text encoder, embeddings of `header.prediction.classes`; empty without them.
    """

    header: Header
    state: Mapping[str, Tensor]
    source: str = "checkpoint"
    text: Mapping[str, Tensor] = field(default_factory=dict)


def checkpoint_of(
    spec: MethodSpec,
    method: Method,
    origin: Origin | None = None,
    run: RunSpec | None = None,
    *,
    state: Mapping[str, Tensor] | None = None,
    prediction: PredictionPart | None = None,
    text: Mapping[str, Tensor] | None = None,
) -> Checkpoint:
    """Make a checkpoint of a method.

    Args:
        spec, method: the method as registered, and as it is.
        origin: where the weights come from; None: they were trained here.
        run: the run that trained them, if one did.
        state: the method's state dict; None: as it is now.
        prediction: what a prediction needs, with the class embeddings by text encoder in `text`.
    """
    status = provider(spec)
    header = Header(
        method=spec.name,
        distribution=status.distribution if status else "",
        version=status.version if status else "",
        config=method.config.model_dump(mode="json"),
        shape=method.shape,
        origin=origin or Origin(),
        run=run,
        prediction=prediction,
    )
    state = method.state_dict() if state is None else state
    return Checkpoint(header, _on_the_cpu(state), text=_on_the_cpu(text or {}))


def _on_the_cpu(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu() for name, value in tensors.items()}


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        AvbenchError: the folder cannot be written to.
    """
    write_atomically(path, checkpoint_bytes(checkpoint))


def checkpoint_bytes(checkpoint: Checkpoint) -> bytes:
    """Encode a checkpoint as the content of a safetensors file, the same bytes for the same checkpoint."""
    text = {f"{_TEXT}{encoder}": vectors for encoder, vectors in checkpoint.text.items()}
    # Copies: safetensors takes neither views nor two names for one piece of memory.
    tensors = {name: value.contiguous().clone() for name, value in {**checkpoint.state, **text}.items()}
    return save(tensors, metadata={_ENTRY: checkpoint.header.model_dump_json()})


def read_checkpoint(path: Path) -> Checkpoint:
    """Read a checkpoint of ours. The method need not be installed.

    Raises:
        CheckpointError: missing, damaged, foreign, or of another schema.
    """
    require_file(path)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            # Copies, which lie in memory as torch lays out its own: products of others round differently.
            state = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 (it is no dict)
    except (SafetensorError, OSError, ValueError, MemoryError, RuntimeError) as error:
        raise CheckpointError(
            f"{path}: not a checkpoint of ours, or damaged: {message_of(error)}; weights that authors released "
            f"are read with 'avbench checkpoint import'"
        ) from error
    if _ENTRY not in metadata:
        raise CheckpointError(f"{path}: a safetensors file of another program: it has no {_ENTRY!r} metadata")
    try:
        header = Header.model_validate_json(metadata[_ENTRY])
    except ValidationError as error:
        raise CheckpointError(f"{path}: not a checkpoint of schema {SCHEMA}: {first_fault(error)}") from error
    text = _class_embeddings(path, header, state)
    return Checkpoint(header, state, str(path), text)


def _class_embeddings(path: Path, header: Header, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """Take the class embeddings out of the tensors of a checkpoint, if it has a part for predictions.

    Raises:
        CheckpointError: one is missing, or of another shape or kind.
    """
    if header.prediction is None:
        return {}
    classes, text = len(header.prediction.classes), {}
    for encoder, width in header.shape.text.items():
        vectors = tensors.pop(f"{_TEXT}{encoder}", None)
        if vectors is None or vectors.shape != (classes, width) or vectors.dtype != torch.float32:
            raise CheckpointError(f"{path}: no class embeddings by {encoder!r}, {classes} times {width} numbers")
        if not bool(torch.isfinite(vectors).all()):
            raise CheckpointError(f"{path}: a class embedding by {encoder!r} is not finite")
        text[encoder] = vectors
    return text


def same_weights(one: Checkpoint, other: Checkpoint) -> bool:
    """Check whether two checkpoints hold the same learned values, whatever files they come from.

    Those of a method that learns nothing, which have no real numbers, never are.
    """
    learned = any(value.is_floating_point() for value in one.state.values())
    if not learned or one.state.keys() != other.state.keys():
        return False
    return all(torch.equal(value, other.state[name]) for name, value in one.state.items())


def config_of(checkpoint: Checkpoint) -> MethodConfig:
    """Parse the settings of a checkpoint.

    Raises:
        AvbenchError: the method is not installed, or its settings have changed since.
    """
    header = checkpoint.header
    target = method_class(method_spec(header.method))
    try:
        return target.Config.model_validate(header.config)
    except ValidationError as error:
        first = error.errors()[0]
        written = f"{header.distribution} {header.version}".strip() or "a method that was not registered"
        raise CheckpointError(
            f"{checkpoint.source}: setting {'.'.join(map(str, first['loc']))!r} of method {header.method!r}: "
            f"{first['msg']}; the checkpoint was written with {written}"
        ) from error


def restore(checkpoint: Checkpoint, shape: FeatureDims, classes: Classes, device: torch.device) -> Method:
    """Build the method of a checkpoint, ready to score.

    Args:
        checkpoint: as read.
        shape: widths of the features to be scored; those of the checkpoint.
        classes: the classes of the task, on `device`.
        device: where to build it.

    Raises:
        AvbenchError: the method is not installed, its settings have changed since, or the weights do not fit.
    """
    target = method_class(method_spec(checkpoint.header.method))
    build = builder(target, config_of(checkpoint), shape, classes)
    state = checkpoint.state
    what = f"{checkpoint.source}: the weights do not fit method {checkpoint.header.method!r}"
    with as_misfit(what):
        if issubclass(target, TorchMethod):
            state = fit(expected_state(build), state, SAME_NAMES, what)
        method = build(device)
        method.load_state_dict(state)
    return method


def builder(
    target: type[Method], config: MethodConfig, shape: FeatureDims, classes: Classes
) -> Callable[[torch.device], Method]:
    """Make a function that builds an untrained method on a device and leaves torch's random stream as it was."""

    def build(device: torch.device) -> Method:
        with torch.random.fork_rng(devices=[]):
            return target(config, shape, classes, seed=0, device=device)

    return build


@contextmanager
def as_misfit(what: str) -> Iterator[None]:
    """Turn whatever a method raises while it is built and filled into one line."""
    try:
        yield
    except AvbenchError:
        raise
    except Exception as error:
        raise CheckpointError(f"{what}: {type(error).__name__}: {message_of(error)}") from error


def require_file(path: Path) -> None:
    """Refuse a path at which there is no file."""
    try:
        fault = None if stat.S_ISREG(path.stat().st_mode) else "not a file"
    except (FileNotFoundError, NotADirectoryError):
        fault = broken_link(path) or "no such file"
    except OSError as error:
        fault = f"cannot be read: {os_reason(error)}"
    if fault is not None:
        raise CheckpointError(f"{path}: {fault}")


def message_of(error: Exception) -> str:
    """Put the message of an exception on one line; its type if it has none."""
    return one_line(str(error), 300) or type(error).__name__
