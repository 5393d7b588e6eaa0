"""Weights that authors released: pickles of torch, read without running anything that they name.

Every entry has to fit the method.
"""

from __future__ import annotations

import hashlib
import pickle
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from avgzsl_bench.data.datasets.feature_sets import PUBLISHED
from avgzsl_bench.data.untrusted.torch_numbers import NUMPY_NUMBERS
from avgzsl_bench.errors import CheckpointError
from avgzsl_bench.gzsl.task import Classes, FeatureDims
from avgzsl_bench.method.base import Method
from avgzsl_bench.method.registry import method_class, method_spec
from avgzsl_bench.method.settings import build_config, presets
from avgzsl_bench.method.state_dict import Names, expected_state, fit, misfit, require_plain
from avgzsl_bench.method.torch_method import TorchMethod
from avgzsl_bench.plugins.specs import MethodSpec
from avgzsl_bench.records.checkpoint import as_misfit, builder, message_of, require_file
from avgzsl_bench.records.checkpoint_header import Origin
from avgzsl_bench.records.envelope import bare_state

_OFFICIAL_PRESET = "official"


def read_official(path: Path) -> Mapping[str, Any]:
    """Read a released `.pt` file: tensors, plain containers and numbers only, on the CPU.

    Raises:
        CheckpointError: missing, damaged, or with anything in it that reading could run.
    """
    require_file(path)
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals(NUMPY_NUMBERS):
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
    """Describe the origin of a released file: its name and hash, and what its envelope says."""
    epoch, metric = content.get("epoch"), content.get("metric")
    return Origin(
        kind="released",
        file=path.name,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        epoch=epoch if isinstance(epoch, int) else None,
        metric=metric if isinstance(metric, str) else None,
    )


def load_official(method: str | MethodSpec, state_dict: Mapping[str, Any], /, **settings: Any) -> Method:
    """Build a method with the weights that its authors released, on the CPU and ready to score.

    Widths and as many settings as possible follow from the shapes; the rest are the method's preset `official`,
    if it has one, for the published feature set of these widths.

    Args:
        method: name of a registered method, or a spec.
        state_dict: tensors by their official names, or an envelope with them as its entry `model`, `state_dict`
            or `model_state_dict`. Names may have the prefixes of `torch.compile` and data-parallel wrappers.
        settings: settings that do not follow from the shapes, or that are to differ.

    Raises:
        CheckpointError: entries that are unknown, missing or misshapen; they are named.
        AvbenchError: no such method or setting.
    """
    spec = method_spec(method) if isinstance(method, str) else method
    target = method_class(spec)
    if not (issubclass(target, TorchMethod) and target.official_names):
        raise CheckpointError(f"no released weights of method {spec.name!r} are known")
    what = f"the weights do not fit method {spec.name!r}"
    state = bare_state(state_dict, what)
    require_plain(state, what)
    names = Names(target.official_names)
    shape, found = _official_shape(target, state, names, what)
    config = build_config(
        spec,
        target.Config,
        "",
        _published_features(shape),
        {**found, **settings},
        _OFFICIAL_PRESET if _OFFICIAL_PRESET in presets(spec) else None,
    )
    with as_misfit(what):
        build = builder(target, config, shape, _stand_in(shape))
        fitted = fit(expected_state(build), state, names, what)
        built = build(torch.device("cpu"))
        built.load_state_dict(fitted)
    if isinstance(built, TorchMethod):
        built.module.eval()
    return built


def _official_shape(
    target: type[TorchMethod], state: Mapping[str, Tensor], names: Names, what: str
) -> tuple[FeatureDims, dict[str, Any]]:
    """Let the method read the shapes; a fault is reported with all unknown names."""
    unknown = [name for name in state if names.own(name) is None]
    try:
        shape, found = target.official_shape(state)
        if min(shape.audio, shape.visual, *shape.text.values()) < 1:
            raise ValueError("a width is not positive")
    except KeyError as error:
        raise misfit(what, {"unknown": unknown, "missing": [str(error.args[0])]}) from error
    except (CheckpointError, IndexError, TypeError, ValueError) as error:
        raise misfit(what, {"unknown": unknown, "misshapen": [message_of(error)]}) from error
    return shape, found


def _published_features(shape: FeatureDims) -> str:
    """Find the published feature set of one vector per video with these widths; empty if there is none."""
    wanted = (shape.audio, shape.visual, list(shape.text.values()))
    fitting = (f.name for f in PUBLISHED if not f.sequences and (f.audio, f.visual, [*f.text.values()]) == wanted)
    return next(fitting, "")


def _stand_in(shape: FeatureDims) -> Classes:
    """Classes to build a method with; those to be scored come with the videos."""
    text = {encoder: torch.full((3, width), width**-0.5) for encoder, width in shape.text.items()}
    return Classes(("seen", "also seen", "unseen"), text, torch.tensor([True, True, False]))
