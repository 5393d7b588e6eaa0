"""Released checkpoints: names and shapes, random values for them, and what the published programs make of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def random_state(shapes: Mapping[str, Sequence[int]], seed: int = 0) -> dict[str, Tensor]:
    """Values uniform in [-0.4, 0.6), but for variances, which are a half more and so positive."""
    generator = torch.Generator().manual_seed(seed)
    state = {}
    for name, shape in shapes.items():
        value = torch.rand(tuple(shape), generator=generator) + 0.1
        state[name] = value if name.endswith("running_var") else value - 0.5
    return state


NORM = ("weight", "bias", "running_mean", "running_var")


def fc_shapes(net: str, *widths: int, last_normalised: bool = True) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a network of linear layers, each with batch normalisation, ReLU and dropout after it."""
    shapes: dict[str, tuple[int, ...]] = {}
    for number, (inputs, outputs) in enumerate(pairwise(widths)):
        layer, norm = f"{net}.fc.{4 * number}", f"{net}.fc.{4 * number + 1}"
        shapes |= {f"{layer}.weight": (outputs, inputs), f"{layer}.bias": (outputs,)}
        if last_normalised or number < len(widths) - 2:
            shapes |= {f"{norm}.{entry}": (outputs,) for entry in NORM}
    return shapes


def avca_shapes(hidden: int = 64, projection_hidden: int = 48, visual: int = 128) -> dict[str, tuple[int, ...]]:
    """Names and shapes of AVCA's released weights, on audio features of width 96."""
    shapes: dict[str, tuple[int, ...]] = {"pos_emb1D": (2, 300)}
    for net, *widths in (
        ("A_enc", 96, hidden, 300),
        ("V_enc", visual, hidden, 300),
        ("A_proj", 300, projection_hidden, 64),
        ("V_proj", 300, projection_hidden, 64),
        ("W_proj", 300, 64),
        ("D", 64, 300),
        ("A_rec", 64, 300),
        ("V_rec", 64, 300),
    ):
        shapes |= fc_shapes(net, *filter(None, widths))
    attention, feed_forward = (f"cross_attention.layers.0.{i}" for i in range(2))
    shapes |= {f"{line}.norm.{x}": (300,) for line in (attention, feed_forward) for x in ("weight", "bias")}
    shapes |= {f"{attention}.fn.to_qkv.weight": (900, 300)}
    shapes |= {f"{attention}.fn.to_out.0.weight": (300, 300), f"{attention}.fn.to_out.0.bias": (300,)}
    shapes |= {f"{feed_forward}.fn.net.0.weight": (64, 300), f"{feed_forward}.fn.net.0.bias": (64,)}
    return shapes | {f"{feed_forward}.fn.net.3.weight": (300, 64), f"{feed_forward}.fn.net.3.bias": (300,)}


def linear(state: Mapping[str, Tensor], x: Tensor, name: str) -> Tensor:
    weight = state[f"{name}.weight"]
    return F.linear(x, weight.reshape(weight.shape[:2]), state.get(f"{name}.bias"))


def batch_normalised(state: Mapping[str, Tensor], x: Tensor, name: str) -> Tensor:
    weight, bias, mean, variance = (state[f"{name}.{entry}"] for entry in NORM)
    return (x - mean) / (variance + 1e-5).sqrt() * weight + bias


def layer_normalised(state: Mapping[str, Tensor], x: Tensor, name: str) -> Tensor:
    return F.layer_norm(x, (x.shape[-1],), state[f"{name}.weight"], state[f"{name}.bias"])


def through_fc(state: Mapping[str, Tensor], x: Tensor, net: str) -> Tensor:
    """What such a network gives in evaluation mode."""
    for first in (0, 4):
        if f"{net}.fc.{first}.weight" in state:
            x = linear(state, x, f"{net}.fc.{first}")
            if f"{net}.fc.{first + 1}.weight" in state:
                x = batch_normalised(state, x, f"{net}.fc.{first + 1}").clamp(min=0)
    return x


def as_saved(state: Mapping[str, Tensor]) -> dict[str, Any]:
    """With the counters of batch normalisation, in the published envelope."""
    norms = [name.removesuffix("running_mean") for name in state if name.endswith("running_mean")]
    counters = {f"{norm}num_batches_tracked": torch.tensor(9) for norm in norms}
    return {"epoch": 3, "model": {**state, **counters}, "optimizer": {}, "metric": "score"}
