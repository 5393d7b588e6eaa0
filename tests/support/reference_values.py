"""Small deterministic networks and inputs in float64, for numbers that were worked out elsewhere.

`i` counts rows (output units) and `j` columns (input units) from 0; every layer has an integer tag.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

AUDIO, VISUAL, TEXT = 6, 5, 300

PRINTED_10, PRINTED_8 = 5.1e-11, 5.1e-9
"""What numbers printed with ten or eight digits behind the point may be off by."""


def doubles(*rows: Any) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)


def _grid(rows: int, columns: int) -> tuple[Tensor, Tensor]:
    return torch.arange(rows).unsqueeze(1), torch.arange(columns).unsqueeze(0)


def weight(rows: int, columns: int, tag: int) -> Tensor:
    """W[i,j] = (((7i + 13j + 5ij + 11 tag) mod 101) - 50) / (50 sqrt(columns))."""
    i, j = _grid(rows, columns)
    return (((7 * i + 13 * j + 5 * i * j + 11 * tag) % 101) - 50).double() / (50 * columns**0.5)


def bias(rows: int, tag: int) -> Tensor:
    """b[i] = (((3i + 5 tag) mod 7) - 3) / 30."""
    return (((3 * torch.arange(rows) + 5 * tag) % 7) - 3).double() / 30


def X(videos: int, width: int, offset: int) -> Tensor:
    """X(n,d,q)[i,j] = ((29i + 17j + 3ij + q) mod 31) / 31."""
    i, j = _grid(videos, width)
    return ((29 * i + 17 * j + 3 * i * j + offset) % 31).double() / 31


def T(classes: int, offset: int, width: int = TEXT) -> Tensor:
    """T(n,q): rows of ((19i + 7j + 11ij + q) mod 37) - 18, each of unit Euclidean norm."""
    i, j = _grid(classes, width)
    rows = (((19 * i + 7 * j + 11 * i * j + offset) % 37) - 18).double()
    return rows / rows.norm(dim=1, keepdim=True)


def fill(*layers: nn.Module | None, first: int = 1) -> None:
    """Give linear layers, or those of blocks, the fixture's weights and biases of the tags from `first` on."""
    with torch.no_grad():
        for tag, layer in enumerate(layers, start=first):
            if layer is not None:
                linear = getattr(layer, "linear", layer)
                linear.weight.copy_(weight(*linear.weight.shape, tag))
                if linear.bias is not None:
                    linear.bias.copy_(bias(len(linear.bias), tag))
