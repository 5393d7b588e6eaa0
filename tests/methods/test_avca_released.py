"""AVCA's released weights."""

from __future__ import annotations

import pytest
import torch
from released import avca_shapes, layer_normalised, linear, random_state, through_fc
from torch.nn import functional as F

from avgzsl_baselines.avca import AVCA
from avgzsl_bench import CheckpointError, Classes, FeatureDims, Videos
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.records.released_weights import load_official


@pytest.mark.parametrize(("hidden", "projection_hidden"), [(64, 48), (0, 0)])
def test_released_weights(hidden: int, projection_hidden: int) -> None:
    state = random_state(avca_shapes(hidden, projection_hidden))
    for name in state:
        if name.endswith("weight") and state[name].ndim == 2:
            state[name] /= state[name].shape[1] ** 0.5
    method = load_official(method_spec("avca"), state)
    assert isinstance(method, AVCA)
    assert method.shape == FeatureDims(96, 128, {"word2vec": 300})
    assert (method.config.encoder_hidden_width, method.config.projection_hidden_width) == (
        hidden,
        projection_hidden,
    )
    audio, visual, text = torch.randn(3, 96), torch.randn(3, 128), torch.randn(4, 300)

    encoded = torch.stack((through_fc(state, audio, "A_enc"), through_fc(state, visual, "V_enc")), dim=1)
    x = encoded + state["pos_emb1D"]
    attention, feed_forward = (f"cross_attention.layers.0.{i}" for i in range(2))
    normed = layer_normalised(state, x, f"{attention}.norm")
    query, key, value = linear(state, normed, f"{attention}.fn.to_qkv").chunk(3, dim=-1)
    heads = []
    for h in range(3):
        q, k, v = (part[:, :, 100 * h : 100 * (h + 1)] for part in (query, key, value))
        heads.append(torch.softmax(q @ k.transpose(1, 2) / 10, dim=-1) @ v)
    x = x + linear(state, torch.cat(heads, dim=-1), f"{attention}.fn.to_out.0")
    hidden = linear(state, layer_normalised(state, x, f"{feed_forward}.norm"), f"{feed_forward}.fn.net.0")
    x = x + linear(state, F.gelu(hidden), f"{feed_forward}.fn.net.3")
    embedded = through_fc(state, (encoded + x)[:, 1], "V_proj")
    words = through_fc(state, text, "W_proj")
    classes = Classes(tuple("abcd"), {"word2vec": text}, torch.ones(4, dtype=torch.bool))
    scores = method.score(Videos(audio, visual), classes)
    torch.testing.assert_close(scores, -(embedded[:, None] - words).norm(dim=2), rtol=1e-4, atol=1e-4)


def test_released_weights_that_contradict_each_other() -> None:
    shapes = avca_shapes()
    with pytest.raises(CheckpointError, match="different widths"):
        AVCA.official_shape(random_state(shapes | {"V_enc.fc.0.bias": (63,)}))
    with pytest.raises(CheckpointError, match="3 heads"):
        AVCA.official_shape(random_state(shapes | {"cross_attention.layers.0.0.fn.to_out.0.weight": (300, 256)}))
