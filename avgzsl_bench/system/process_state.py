"""What figures depend on beside code and data: types, devices, threads, flags and random streams of the process.

Code of strangers that changes one of them, when it is imported or runs, would change what others compute.
"""

from __future__ import annotations

import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from operator import attrgetter
from types import ModuleType
from typing import Any

_VARIABLES = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "CUBLAS_WORKSPACE_CONFIG",
    "NVIDIA_TF32_OVERRIDE",
    "TORCH_ALLOW_TF32_CUBLAS_OVERRIDE",
)
"""Environment variables that libraries read when they start."""

_ATTRIBUTES = (
    "utils.deterministic.fill_uninitialized_memory",
    "backends.cudnn.enabled",
    "backends.cudnn.benchmark",
    "backends.cudnn.deterministic",
    "backends.cudnn.allow_tf32",
    "backends.cuda.matmul.allow_tf32",
    "backends.cuda.matmul.allow_fp16_reduced_precision_reduction",
    "backends.cuda.matmul.allow_bf16_reduced_precision_reduction",
    "backends.fp32_precision",
    "backends.cuda.matmul.fp32_precision",
    "backends.cudnn.fp32_precision",
    "backends.cudnn.conv.fp32_precision",
    "backends.cudnn.rnn.fp32_precision",
    "backends.mkldnn.fp32_precision",
    "backends.mkldnn.matmul.fp32_precision",
    "backends.mkldnn.conv.fp32_precision",
    "backends.mkldnn.rnn.fp32_precision",
)
"""Settings of torch that are attributes. Of those of TF32 the old come first, because they change the new ones."""


@contextmanager
def process_state_kept() -> Iterator[None]:
    """Put back after the block what was changed in it; neither torch nor NumPy is imported for it.

    Of one that the block imports, the state right after that is what is put back.
    """
    environment = _note(_environment())
    noted = [*environment, *_note(_python())]
    watches = []

    def note(states: Callable[[], list[_State]]) -> None:
        noted.extend(_note(states()))

    for name, states in (("numpy", _numpy), ("torch", _torch)):
        if name in sys.modules:
            note(states)
        else:
            watches.append(_FirstImport(name, partial(_put_back, environment), partial(note, states)))
    sys.meta_path[:0] = watches
    try:
        yield
    finally:
        sys.meta_path[:] = [finder for finder in sys.meta_path if finder not in watches]
        _put_back(noted)


@dataclass(frozen=True)
class _State:
    """One thing that is put back; a random stream always is, anything else where it has changed."""

    read: Callable[[], Any]
    write: Callable[[Any], object]
    stream: bool = False

    def value(self) -> Any:
        """Read it; None where torch cannot tell, as old and new settings of TF32 were mixed."""
        try:
            return self.read()
        except RuntimeError:
            return None


def _note(states: Sequence[_State]) -> list[tuple[_State, Any]]:
    return [(state, state.value()) for state in states]


def _put_back(noted: Sequence[tuple[_State, Any]]) -> None:
    for state, value in noted:
        if value is not None and (state.stream or state.value() != value):
            state.write(value)


def _environment() -> list[_State]:
    def write(values: dict[str, str]) -> None:
        for name in _VARIABLES:
            os.environ.pop(name, None)
        os.environ.update(values)

    return [_State(lambda: {name: os.environ[name] for name in _VARIABLES if name in os.environ}, write)]


def _python() -> list[_State]:
    def fatal() -> list[Any]:
        return [rule for rule in warnings.filters if rule[0] == "error"]

    def write(value: list[Any]) -> None:
        kept = [rule for rule in warnings.filters if rule[0] != "error" or rule in value]
        warnings.resetwarnings()
        warnings.filters.extend(kept)  # type: ignore[attr-defined]

    return [_State(random.getstate, random.setstate, stream=True), _State(fatal, write)]


def _numpy() -> list[_State]:
    import numpy as np

    return [
        _State(np.random.get_state, np.random.set_state, stream=True),
        _State(np.geterr, lambda handling: np.seterr(**handling)),
    ]


def _torch() -> list[_State]:
    """List the states of torch, in the order in which they can be put back."""
    import torch

    return [
        _State(torch.get_default_dtype, torch.set_default_dtype),
        _State(torch.is_grad_enabled, torch.set_grad_enabled),
        _State(torch.get_default_device, _set_default_device),
        _State(torch.get_num_threads, torch.set_num_threads),
        _State(_flushes_denormals, torch.set_flush_denormal),
        _State(_determinism, _set_determinism),
        *(
            _State(partial(torch.is_autocast_enabled, kind), partial(torch.set_autocast_enabled, kind))
            for kind in ("cpu", "cuda")
        ),
        _State(torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
        *(_attribute(*path.rsplit(".", 1)) for path in _ATTRIBUTES if _has(path)),
        _State(torch.get_rng_state, torch.set_rng_state, stream=True),
        _State(_cuda_streams, torch.cuda.set_rng_state_all, stream=True),
    ]


def _has(path: str) -> bool:
    """Check whether this version of torch has a setting."""
    import torch

    try:
        attrgetter(path)(torch)
    except AttributeError:
        return False
    except RuntimeError:  # it is there, see `_State.value`
        pass
    return True


def _attribute(owner: str, name: str) -> _State:
    import torch

    place = attrgetter(owner)(torch)
    return _State(lambda: getattr(place, name), lambda value: setattr(place, name, value))


def _set_default_device(device: Any) -> None:
    import torch

    torch.set_default_device(
        None if device.type == "cpu" else device
    )  # None: without a mode that intercepts calls


def _flushes_denormals() -> bool:
    return sys.float_info.min / 2 == 0


def _determinism() -> tuple[bool, bool]:
    import torch

    return torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()


def _set_determinism(value: tuple[bool, bool]) -> None:
    import torch

    torch.use_deterministic_algorithms(value[0], warn_only=value[1])


def _cuda_streams() -> list[Any] | None:
    import torch

    started: bool = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return torch.cuda.get_rng_state_all() if started else None


class _FirstImport(MetaPathFinder):
    """Calls one function right before a module is imported for the first time, and another right after.

    It finds nothing itself, and takes itself off the path.
    """

    def __init__(self, name: str, before: Callable[[], object], after: Callable[[], object]) -> None:
        self._name, self._before, self._after = name, before, after

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec is not None and spec.loader is not None:
            execute = spec.loader.exec_module

            def execute_between(module: ModuleType) -> None:
                self._before()
                execute(module)
                self._after()

            spec.loader.exec_module = execute_between  # type: ignore[method-assign]
        return spec
