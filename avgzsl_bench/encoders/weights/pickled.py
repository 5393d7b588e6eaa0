"""Tensors in a `.pt` file of somebody else's: read without running anything that it names."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from avgzsl_bench.encoders.weights.refusals import explained, require_files
from avgzsl_bench.errors import DataError

if TYPE_CHECKING:
    import torch


def read_tensors(folder: Path, name: str, entry: str) -> dict[str, torch.Tensor]:
    """Read the tensors of a file that lie under one of its entries, by name, on the CPU.

    Args:
        folder: where the file lies.
        name: of the file.
        entry: key of the mapping from names to tensors.

    Raises:
        DataError: missing, cut short, with more than tensors and plain containers in it, or without the entry.
    """
    import torch

    what = f"weights in {folder / name}"
    require_files(folder, "the encoder", (name,))
    with explained(what):
        content = torch.load(folder / name, map_location="cpu", weights_only=True)
    state = content.get(entry) if isinstance(content, Mapping) else None
    if not isinstance(state, Mapping) or not all(isinstance(value, torch.Tensor) for value in state.values()):
        raise DataError(f"{what}: holds no tensors under {entry!r}; it is another file")
    return {str(key): value for key, value in state.items()}
