"""Weights in files: our own checkpoints, and the ones that authors released.

Ours is a safetensors file, tensors and nothing that runs, with one JSON entry of metadata: which method, from
which distribution, with which settings and widths, and where the weights come from. Released weights are
pickles of torch. They are read without running anything that they name, and every entry has to fit.
"""

from __future__ import annotations

import hashlib
import os
import pickle
import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import torch
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from avgzsl_bench.data.datasets.feature_sets import PUBLISHED
from avgzsl_bench.errors import AvbenchError, CheckpointError, first_fault, one_line
from avgzsl_bench.gzsl.task import Classes, FeatureDims
from avgzsl_bench.method.registry import method_class, method_spec, provider
from avgzsl_bench.method.settings import build_config, presets
from avgzsl_bench.method.state_dict import SAME_NAMES, Names, expected_state, fit, misfit, require_plain
from avgzsl_bench.method.torch_method import TorchMethod
from avgzsl_bench.plugins.specs import MethodSpec
from avgzsl_bench.system.files import write_atomically

if TYPE_CHECKING:
    from avgzsl_bench.method.base import Method, MethodConfig

SCHEMA: Literal[1] = 1
_ENTRY = "avgzsl_bench"
"""The metadata entry of a safetensors file that makes it one of ours."""

_OFFICIAL_PRESET = "official"
_PARALLEL = "module."
"""What a data-parallel wrapper puts before every name."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Widths(_Part):
    """Widths of the features and of each text encoder's vectors."""

    audio: PositiveInt
    visual: PositiveInt
    text: dict[str, PositiveInt] = Field(min_length=1)
    sequences: bool = Field(False, description="trained on the steps of videos")


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
    """What a checkpoint says of itself."""

    schema_version: Literal[1] = SCHEMA
    method: str
    distribution: str = Field(description="of the plugin that brought the method")
    version: str
    config: dict[str, Any] = Field(description="all settings")
    shape: Widths
    origin: Origin


@dataclass(frozen=True)
class Checkpoint:
    """A method's weights and all that is needed to build it again.

    Attributes:
        header: the method, its settings, the widths it was made for, the weights' origin.
        state: the method's state dict, on the CPU.
        source: where it was read, for messages.
    """

    header: Header
    state: Mapping[str, Tensor]
    source: str = "checkpoint"


def checkpoint_of(spec: MethodSpec, method: Method, origin: Origin | None = None) -> Checkpoint:
    """A method as it is now, as a checkpoint."""
    status = provider(spec)
    header = Header(
        method=spec.name,
        distribution=status.distribution if status else "",
        version=status.version if status else "",
        config=method.config.model_dump(mode="json"),
        shape=Widths(
            audio=method.shape.audio,
            visual=method.shape.visual,
            text=dict(method.shape.text),
            sequences=method.shape.sequences,
        ),
        origin=origin or Origin(),
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
    _require_file(path)
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            metadata = file.metadata() or {}
            # Copies, which lie in memory as torch lays out its own: products of others round differently.
            state = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118 (it is no dict)
    except (SafetensorError, OSError, ValueError, MemoryError, RuntimeError) as error:
        raise CheckpointError(
            f"{path}: not a checkpoint of ours, or damaged: {_line(error)}; weights that authors released are "
            f"read with 'avbench checkpoint import'"
        ) from error
    if _ENTRY not in metadata:
        raise CheckpointError(f"{path}: a safetensors file of another program: it has no {_ENTRY!r} metadata")
    try:
        header = Header.model_validate_json(metadata[_ENTRY])
    except ValidationError as error:
        raise CheckpointError(f"{path}: not a checkpoint of schema {SCHEMA}: {first_fault(error)}") from error
    return Checkpoint(header, state, str(path))


def config_of(checkpoint: Checkpoint) -> MethodConfig:
    """The settings of a checkpoint, as the method takes them.

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
    """The method of a checkpoint, ready to score.

    Args:
        checkpoint: as read.
        shape: widths of the features to be scored; those of the checkpoint.
        classes: the classes of the task, on `device`.
        device: where to build it.

    Raises:
        AvbenchError: the method is not installed, its settings have changed since, or the weights do not fit.
    """
    target = method_class(method_spec(checkpoint.header.method))
    build = _builder(target, config_of(checkpoint), shape, classes)
    state = checkpoint.state
    what = f"{checkpoint.source}: the weights do not fit method {checkpoint.header.method!r}"
    with _told_as_misfit(what):
        if issubclass(target, TorchMethod):
            state = fit(expected_state(build), state, SAME_NAMES, what)
        method = build(device)
        method.load_state_dict(state)
    return method


def read_official(path: Path) -> Mapping[str, Any]:
    """What a released `.pt` file holds, tensors and plain containers alone, on the CPU.

    Raises:
        CheckpointError: missing, damaged, or with anything in it that reading could run.
    """
    _require_file(path)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            content = torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        named = re.search(r"GLOBAL ([\w.]+)", str(error))
        holds = f" ({named[1]})" if named else ""
        raise CheckpointError(
            f"{path}: refused: it holds more than tensors and plain containers{holds}, or is damaged"
        ) from error
    except Exception as error:  # a damaged file makes torch raise anything
        reason = getattr(error, "strerror", None) or "damaged, or not written by torch.save"
        raise CheckpointError(f"{path}: cannot be read: {reason}") from error
    if not isinstance(content, Mapping):
        raise CheckpointError(f"{path}: holds a {type(content).__name__}, not a state dict")
    return content


def official_origin(path: Path, content: Mapping[str, Any]) -> Origin:
    """Where a released file comes from: its name and hash, and what its envelope says."""
    epoch, metric = content.get("epoch"), content.get("metric")
    return Origin(
        kind="released",
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        epoch=epoch if isinstance(epoch, int) else None,
        metric=metric if isinstance(metric, str) else None,
    )


def load_official(method: str | MethodSpec, state_dict: Mapping[str, Any], /, **settings: Any) -> Method:
    """A method with the weights that its authors released, on the CPU and ready to score.

    Widths and as many settings as possible follow from the shapes; the rest are the method's preset `official`,
    if it has one, for the published feature set of these widths.

    Args:
        method: name of a registered method, or a spec.
        state_dict: tensors by their official names, or the published envelope `{epoch, model, optimizer,
            metric}`. Names may begin with `module.`, all of them.
        settings: settings that the shapes do not tell, or that are to differ.

    Raises:
        CheckpointError: entries that are unknown, missing or misshapen; they are named.
        AvbenchError: no such method or setting.
    """
    spec = method_spec(method) if isinstance(method, str) else method
    target = method_class(spec)
    if not (issubclass(target, TorchMethod) and target.official_names):
        raise CheckpointError(f"no released weights of method {spec.name!r} are known")
    what = f"the weights do not fit method {spec.name!r}"
    state = _bare(state_dict)
    require_plain(state, what)
    names = Names(target.official_names)
    shape, told = _official_shape(target, state, names, what)
    config = build_config(
        spec,
        target.Config,
        "",
        _published_features(shape),
        {**told, **settings},
        _OFFICIAL_PRESET if _OFFICIAL_PRESET in presets(spec) else None,
    )
    with _told_as_misfit(what):
        build = _builder(target, config, shape, _stand_in(shape))
        fitted = fit(expected_state(build), state, names, what)
        built = build(torch.device("cpu"))
        built.load_state_dict(fitted)
    if isinstance(built, TorchMethod):
        built.module.eval()
    return built


def _bare(content: Mapping[str, Any]) -> dict[str, Any]:
    """The state dict itself, without envelope and without the prefix of a data-parallel wrapper."""
    model = content.get("model")
    state = dict(model if isinstance(model, Mapping) else content)
    if state and all(isinstance(name, str) and name.startswith(_PARALLEL) for name in state):
        state = {name.removeprefix(_PARALLEL): value for name, value in state.items()}
    return state


def _official_shape(
    target: type[TorchMethod], state: Mapping[str, Tensor], names: Names, what: str
) -> tuple[FeatureDims, dict[str, Any]]:
    """The method's own reading of the shapes; what hinders it is told with all names that nobody knows."""
    unknown = [name for name in state if names.own(name) is None]
    try:
        shape, told = target.official_shape(state)
        if min(shape.audio, shape.visual, *shape.text.values()) < 1:
            raise ValueError("a width is not positive")
    except KeyError as error:
        raise misfit(what, {"unknown": unknown, "missing": [str(error.args[0])]}) from error
    except (CheckpointError, IndexError, TypeError, ValueError) as error:
        raise misfit(what, {"unknown": unknown, "misshapen": [_line(error)]}) from error
    return shape, told


def _published_features(shape: FeatureDims) -> str:
    """The published feature set of one vector a video with these widths; empty if there is none."""
    wanted = (shape.audio, shape.visual, list(shape.text.values()))
    fitting = (f.name for f in PUBLISHED if not f.sequences and (f.audio, f.visual, [*f.text.values()]) == wanted)
    return next(fitting, "")


def _stand_in(shape: FeatureDims) -> Classes:
    """Classes to build a method with; those to be scored come with the videos."""
    text = {encoder: torch.full((3, width), width**-0.5) for encoder, width in shape.text.items()}
    return Classes(("seen", "also seen", "unseen"), text, torch.tensor([True, True, False]))


def _builder(
    target: type[Method], config: MethodConfig, shape: FeatureDims, classes: Classes
) -> Callable[[torch.device], Method]:
    """Builds an untrained method on a device; torch's stream of random numbers stays where it was."""

    def build(device: torch.device) -> Method:
        with torch.random.fork_rng(devices=[]):
            return target(config, shape, classes, seed=0, device=device)

    return build


@contextmanager
def _told_as_misfit(what: str) -> Iterator[None]:
    """Whatever a stranger's method raises while it is built and filled is told in one line."""
    try:
        yield
    except AvbenchError:
        raise
    except Exception as error:
        raise CheckpointError(f"{what}: {type(error).__name__}: {_line(error)}") from error


def _require_file(path: Path) -> None:
    if not os.path.isfile(path):  # which never raises
        raise CheckpointError(f"{path}: no such file")


def _line(error: Exception) -> str:
    return one_line(str(error), 300) or type(error).__name__
