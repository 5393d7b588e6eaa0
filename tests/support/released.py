"""Random values for a list of parameter names and shapes of a released checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor


def random_state(shapes: Mapping[str, Sequence[int]], seed: int = 0) -> dict[str, Tensor]:
    """Values uniform in [-0.4, 0.6), but for variances, which are a half more and so positive."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        value = torch.rand(tuple(shape), generator=generator) + 0.1
        state[name] = value if name.endswith("running_var") else value - 0.5
    return state
