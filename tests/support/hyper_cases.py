"""What the tests of Hyper share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor


def double(rows: Any) -> Tensor:
    return torch.tensor(rows, dtype=torch.float64)
