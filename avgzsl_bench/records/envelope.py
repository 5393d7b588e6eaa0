"""What trainers put around a state dict: an envelope with epoch and optimiser, and prefixes of wrappers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from avgzsl_bench.errors import CheckpointError, one_line

_ENVELOPES = ("model", "state_dict", "model_state_dict")
"""Entries that trainers keep a state dict in, beside epoch, optimiser and others."""
_DEEPEST = 4
"""Envelopes in envelopes that are looked into: a damaged file may hold itself."""
_SHOWN = 4
"""Entries that a message names."""
_PARALLEL, _COMPILED = "module", "_orig_mod"
"""Parts of names: a data-parallel wrapper begins every name with the first, `torch.compile` puts in the second."""


def bare_state(content: Mapping[str, Any], what: str) -> dict[str, Any]:
    """Unwrap the state dict: no envelope, no prefix of a wrapper.

    Raises:
        CheckpointError: it holds no tensor, but entries that do; they are named.
    """
    state = content
    for _ in range(_DEEPEST):
        state = next((state[name] for name in _ENVELOPES if isinstance(state.get(name), Mapping)), state)
    if not any(isinstance(value, Tensor) for value in state.values()) and (places := _places(state, _DEEPEST)):
        raise CheckpointError(
            f"{what}: tensors are in its entry {' and in '.join(places)}; take out the one with the weights: "
            f"torch.save(torch.load(FILE)[{places[0]}], NEW_FILE)"
        )
    if not all(isinstance(name, str) for name in state):
        return dict(state)
    names = {name: [part for part in name.split(".") if part != _COMPILED] for name in state}
    while all(len(parts) > 1 and parts[0] == _PARALLEL for parts in names.values()) and names:
        names = {name: parts[1:] for name, parts in names.items()}
    bare = {".".join(parts): state[name] for name, parts in names.items()}
    return bare if len(bare) == len(state) else dict(state)


def _places(content: Mapping[Any, Any], depth: int, known: set[int] | None = None) -> list[str]:
    """Find the entries of a container that hold tensors, as what to put in brackets; each container once."""
    known = {id(content)} if known is None else known
    found: list[str] = []
    for name, value in content.items():
        if isinstance(value, Mapping) and depth and id(value) not in known:
            known.add(id(value))
            shown = one_line(repr(name), 60)
            here = any(isinstance(inner, Tensor) for inner in value.values())
            found += [shown] if here else [f"{shown}][{below}" for below in _places(value, depth - 1, known)]
    return found[:_SHOWN]
