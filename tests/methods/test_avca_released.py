"""AVCA's released weights."""

from __future__ import annotations

import pytest
import torch
from avca_cases import SPEC
from released import random_state
from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines.avca import AVCA
from avgzsl_bench import CheckpointError, Classes, FeatureDims, Videos
from avgzsl_bench.records.released_weights import load_official

NORM = ("weight", "bias", "running_mean", "running_var")


def official_shapes(hidden: int = 64, projection_hidden: int = 48) -> dict[str, tuple[int, ...]]:
    shapes: dict[str, tuple[int, ...]] = {"pos_emb1D": (2, 300)}

    def add(net: str, first: int, inputs: int, outputs: int) -> None:
        shapes.update({f"{net}.fc.{first}.weight": (outputs, inputs), f"{net}.fc.{first}.bias": (outputs,)})
        shapes.update({f"{net}.fc.{first + 1}.{x}": (outputs,) for x in NORM})

    for net, inputs, width, outputs in (
        ("A_enc", 96, hidden, 300),
        ("V_enc", 128, hidden, 300),
        ("A_proj", 300, projection_hidden, 64),
        ("V_proj", 300, projection_hidden, 64),
    ):
        if width:
            add(net, 0, inputs, width)
            add(net, 4, width, outputs)
        else:
            add(net, 0, inputs, outputs)
    for net, inputs, outputs in (("W_proj", 300, 64), ("D", 64, 300), ("A_rec", 64, 300), ("V_rec", 64, 300)):
        add(net, 0, inputs, outputs)
    attention, feed_forward = (f"cross_attention.layers.0.{i}" for i in range(2))
    shapes |= {f"{line}.norm.{x}": (300,) for line in (attention, feed_forward) for x in ("weight", "bias")}
    shapes |= {f"{attention}.fn.to_qkv.weight": (900, 300)}
    shapes |= {f"{attention}.fn.to_out.0.weight": (300, 300), f"{attention}.fn.to_out.0.bias": (300,)}
    shapes |= {f"{feed_forward}.fn.net.0.weight": (64, 300), f"{feed_forward}.fn.net.0.bias": (64,)}
    return shapes | {f"{feed_forward}.fn.net.3.weight": (300, 64), f"{feed_forward}.fn.net.3.bias": (300,)}


@pytest.mark.parametrize(("hidden", "projection_hidden"), [(64, 48), (0, 0)])
def test_released_weights(hidden: int, projection_hidden: int) -> None:
    state = random_state(official_shapes(hidden, projection_hidden))
    for name in state:
        if name.endswith("weight") and state[name].ndim == 2:
            state[name] /= state[name].shape[1] ** 0.5
    method = load_official(SPEC, state)
    assert isinstance(method, AVCA)
    assert method.shape == FeatureDims(96, 128, {"word2vec": 300})
    assert (method.config.encoder_hidden_width, method.config.projection_hidden_width) == (
        hidden,
        projection_hidden,
    )
    audio, visual, text = torch.randn(3, 96), torch.randn(3, 128), torch.randn(4, 300)

    def linear(x: Tensor, name: str) -> Tensor:
        return x @ state[f"{name}.weight"].T + state.get(f"{name}.bias", torch.zeros(()))

    def block(x: Tensor, net: str) -> Tensor:
        for first in (0, 4):
            if f"{net}.fc.{first}.weight" in state:
                weight, bias, mean, variance = (state[f"{net}.fc.{first + 1}.{entry}"] for entry in NORM)
                x = (linear(x, f"{net}.fc.{first}") - mean) / (variance + 1e-5).sqrt() * weight + bias
                x = x.clamp(min=0)
        return x

    def layer_norm(x: Tensor, name: str) -> Tensor:
        return F.layer_norm(x, (300,), state[f"{name}.weight"], state[f"{name}.bias"])

    encoded = torch.stack((block(audio, "A_enc"), block(visual, "V_enc")), dim=1)
    x = encoded + state["pos_emb1D"]
    line = "cross_attention.layers.0.0"
    query, key, value = linear(layer_norm(x, f"{line}.norm"), f"{line}.fn.to_qkv").chunk(3, dim=-1)
    heads = []
    for h in range(3):
        q, k, v = (part[:, :, 100 * h : 100 * (h + 1)] for part in (query, key, value))
        heads.append(torch.softmax(q @ k.transpose(1, 2) / 10, dim=-1) @ v)
    x = x + linear(torch.cat(heads, dim=-1), f"{line}.fn.to_out.0")
    line = "cross_attention.layers.0.1"
    x = x + linear(F.gelu(linear(layer_norm(x, f"{line}.norm"), f"{line}.fn.net.0")), f"{line}.fn.net.3")
    embedded = block((encoded + x)[:, 1], "V_proj")
    words = block(text, "W_proj")
    classes = Classes(tuple("abcd"), {"word2vec": text}, torch.ones(4, dtype=torch.bool))
    scores = method.score(Videos(audio, visual), classes)
    torch.testing.assert_close(scores, -(embedded[:, None] - words).norm(dim=2), rtol=1e-4, atol=1e-4)


def test_released_weights_that_contradict_each_other() -> None:
    shapes = official_shapes()
    with pytest.raises(CheckpointError, match="different widths"):
        AVCA.official_shape(random_state(shapes | {"V_enc.fc.0.bias": (63,)}))
    with pytest.raises(CheckpointError, match="3 heads"):
        AVCA.official_shape(random_state(shapes | {"cross_attention.layers.0.0.fn.to_out.0.weight": (300, 256)}))
