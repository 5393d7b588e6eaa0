"""Our checkpoints: a method's weights in a safetensors file, with one JSON entry of metadata.

The entry states which method it is, from which distribution, with which settings and widths, where the weights
come from, and which run trained them.
"""

from __future__ import annotations

import stat
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
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
from avgzsl_bench.records.run_spec import RunSpec
from avgzsl_bench.system.files import broken_link, os_reason, write_atomically

SCHEMA: Literal[1] = 1
_ENTRY = "avgzsl_bench"
"""The metadata entry of a safetensors file that makes it one of ours."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Origin(_Part):
    """Where weights come from: the method's authors released them, or they were trained here.

    Of a released file: its name, its sha256, and the epochs it was trained for and what it was chosen by, where
    it says so.
    """

    kind: Literal["released", "trained"] = "trained"
    file: str | None = None
    sha256: str | None = None
    epoch: int | None = None
    metric: str | None = None


class Header(_Part):
    """The metadata of a checkpoint."""

    schema_version: Literal[1] = SCHEMA
    method: str
    distribution: str = Field(description="of the plugin that brought the method")
    version: str
    config: dict[str, Any] = Field(description="all settings")
    shape: FeatureDims = Field(description="widths of the features that the weights were made for")
    origin: Origin
    run: RunSpec | None = Field(None, description="the run that trained the weights; none for released ones")

    @field_validator("shape")
    @classmethod
    def _widths_are_positive(cls, shape: FeatureDims) -> FeatureDims:
        if not shape.text or min(shape.audio, shape.visual, *shape.text.values()) < 1:
            raise ValueError("widths must be positive, of at least one text encoder")
        return shape


@dataclass(frozen=True)
class Checkpoint:
    """A method's weights, and everything needed to build it again.

    Attributes:
        header: the method, its settings, the widths it was made for, the weights' origin.
        state: the method's state dict, on the CPU.
        source: where it was read, for messages.
    """

    header: Header
    state: Mapping[str, Tensor]
    source: str = "checkpoint"


def checkpoint_of(
    spec: MethodSpec, method: Method, origin: Origin | None = None, run: RunSpec | None = None
) -> Checkpoint:
    """Make a checkpoint of a method as it is now.

    Args:
        spec, method: the method as registered, and as it is.
        origin: where the weights come from; None: they were trained here.
        run: the run that trained them, if one did.
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
    )
    return Checkpoint(header, {name: value.detach().cpu() for name, value in method.state_dict().items()})


def write_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all.

    Raises:
        AvbenchError: the folder cannot be written to.
    """
    # Copies: safetensors takes neither views nor two names for one piece of memory.
    state = {name: value.contiguous().clone() for name, value in checkpoint.state.items()}
    write_atomically(path, save(state, metadata={_ENTRY: checkpoint.header.model_dump_json()}))


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
    return Checkpoint(header, state, str(path))


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
        fault = None if stat.S_ISREG(path.stat().st_mode) else "no such file"
    except (FileNotFoundError, NotADirectoryError):
        fault = broken_link(path) or "no such file"
    except OSError as error:
        fault = f"cannot be read: {os_reason(error)}"
    if fault is not None:
        raise CheckpointError(f"{path}: {fault}")


def message_of(error: Exception) -> str:
    """Put the message of an exception on one line; its type if it has none."""
    return one_line(str(error), 300) or type(error).__name__
