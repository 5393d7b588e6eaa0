"""Does a state dict fit a method? Every entry that is unknown, missing or misshapen is named, in one message."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from avgzsl_bench.errors import AvbenchError, CheckpointError

if TYPE_CHECKING:
    from avgzsl_bench.method.base import Method

_SHOWN = 4
"""Entries of a kind that a message names before it counts the rest."""

_COUNTER = "num_batches_tracked"
"""A counter of batch normalisation that nothing reads here: it may be absent, and is 0 then."""


@dataclass(frozen=True)
class Names:
    """Parameter names of a file, and a method's own for them.

    Attributes:
        prefixes: prefixes of the file's names and the method's own for each; the longest that matches counts.
            A prefix ends where a part of the name ends, at a dot or the end. `{"": ""}` changes nothing.
    """

    prefixes: Mapping[str, str]

    def own(self, name: str) -> str | None:
        """Return the method's name for the file's `name`; None if no prefix matches."""
        return _renamed(name, self.prefixes.items())

    def in_file(self, name: str) -> str:
        """Return the file's name for the method's `name`; that name itself if no prefix matches."""
        return _renamed(name, ((own, theirs) for theirs, own in self.prefixes.items())) or name


SAME_NAMES = Names({"": ""})


def _renamed(name: str, prefixes: Iterable[tuple[str, str]]) -> str | None:
    fitting = [
        (old, new)
        for old, new in prefixes
        if name.startswith(old) and (not old or old.endswith(".") or name[len(old) :][:1] in ("", "."))
    ]
    if not fitting:
        return None
    old, new = max(fitting, key=lambda pair: len(pair[0]))
    return new + name[len(old) :]


def expected_state(build: Callable[[torch.device], Method]) -> Mapping[str, Tensor]:
    """Return the state of an untrained method, for its names, shapes and types.

    It takes no memory, so that shapes from a damaged or hostile file cost none; only a method that cannot be
    built on torch's meta device is built in earnest.

    Args:
        build: builds the method on a device.
    """
    try:
        with torch.device("meta"):
            return build(torch.device("meta")).state_dict()
    except AvbenchError:
        raise
    except Exception:  # whatever a stranger's method does that the meta device cannot
        return build(torch.device("cpu")).state_dict()


def require_plain(state: Mapping[str, Tensor], what: str) -> None:
    """Refuse entries that are no dense tensors, that are empty, or that claim more values than they hold.

    Raises:
        CheckpointError: there are some; they are named.
    """
    wrong = [str(name) for name, value in state.items() if not (isinstance(name, str) and _is_plain(value))]
    if wrong:
        raise misfit(what, {"not plain tensors": wrong})


def _is_plain(value: object) -> bool:
    return (
        isinstance(value, Tensor)
        and value.layout == torch.strided
        and value.device.type != "meta"
        and not (value.is_quantized or value.is_complex() or value.is_nested)
        and 0 < value.numel() * value.element_size() <= value.untyped_storage().nbytes()
    )


def fit(expected: Mapping[str, Tensor], given: Mapping[str, Tensor], names: Names, what: str) -> dict[str, Tensor]:
    """Fit entries to a method: put them under its names, in its shapes and types.

    Shapes may differ in axes of length 1. Two entries may be the same one under two names if they are equal.

    Args:
        expected: the state of the method (`expected_state`).
        given: plain tensors by the file's names.
        names: from the file's names to the method's.
        what: what does not fit, for the message.

    Raises:
        CheckpointError: entries that are unknown, missing, misshapen, not finite or contradict each other.
    """
    wrong: dict[str, list[str]] = {
        kind: [] for kind in ("unknown", "missing", "misshapen", "not finite", "contradicting each other")
    }
    fitted: dict[str, Tensor] = {}
    met: dict[str, str] = {}
    for name, value in given.items():
        own = names.own(name)
        if own is None or own not in expected:
            wrong["unknown"].append(name)
            continue
        wanted = expected[own]
        twin = met.setdefault(own, name)
        if _kind(value) != _kind(wanted) or _long_axes(value) != _long_axes(wanted):
            wrong["misshapen"].append(f"{name} ({_described(value)}, not {_described(wanted)})")
        elif not bool(torch.isfinite(value).all()):
            wrong["not finite"].append(name)
        elif own in fitted and not torch.equal(fitted[own], _as(value, wanted)):
            wrong["contradicting each other"].append(f"{twin} and {name}")
        else:
            fitted[own] = _as(value, wanted)
    for own, wanted in expected.items():
        if own not in met and own.rpartition(".")[2] == _COUNTER:
            fitted[own] = torch.zeros(wanted.shape, dtype=wanted.dtype)
        elif own not in met:
            wrong["missing"].append(names.in_file(own))
    if any(wrong.values()):
        raise misfit(what, wrong)
    return fitted


def misfit(what: str, wrong: Mapping[str, Sequence[str]]) -> CheckpointError:
    """Make the error for wrong entries, sorted by what is wrong with them."""
    found = "; ".join(f"{kind}: {_listed(entries)}" for kind, entries in wrong.items() if entries)
    return CheckpointError(f"{what}: {found}")


def _as(value: Tensor, wanted: Tensor) -> Tensor:
    return value.detach().to(wanted.dtype).reshape(wanted.shape)


def _kind(tensor: Tensor) -> str:
    return "real" if tensor.is_floating_point() else str(tensor.dtype)


def _long_axes(tensor: Tensor) -> list[int]:
    return [length for length in tensor.shape if length != 1]


def _described(tensor: Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')} {list(tensor.shape)}"


def _listed(entries: Sequence[str]) -> str:
    rest = len(entries) - _SHOWN
    return ", ".join(entries[:_SHOWN]) + (f" and {rest} more" if rest > 0 else "")
