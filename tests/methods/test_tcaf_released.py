"""TCAF's released weights."""

from __future__ import annotations

import pytest
import torch
from released import as_saved, fc_shapes, layer_normalised, linear, random_state, through_fc
from tcaf_cases import SPEC, sequences
from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines.tcaf import TCAF
from avgzsl_bench import CheckpointError, FeatureDims, Videos, load_official

HIDDEN, DECODED, POSITION, FEED_FORWARD, LAYERS = 24, 20, 8, 10, 2


def official_shapes(inner: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a released checkpoint; `inner` is heads times head width."""
    shapes: dict[str, tuple[int, ...]] = {"cls_token": (1, 1, 300)}
    for net, *widths in (
        ("A_enc", 32, HIDDEN, 300),
        ("V_enc", 40, HIDDEN, 300),
        ("W_proj", 300, 64),
        ("D_w", 64, 300),
        ("O_proj", 300, DECODED, 64),
        ("D_o", 64, DECODED, 300),
    ):
        shapes |= fc_shapes(net, *widths)
    for block in ("position_encoder_block", "audiovisual_embeddings"):
        shapes |= {
            f"{block}.fourier_randn": (2, POSITION // 2),
            f"{block}.modal_embedding.weight": (2, POSITION),
            f"{block}.fourier_embeddings.weight": (POSITION, POSITION),
            f"{block}.fourier_embeddings.bias": (POSITION,),
            f"{block}.pad_embedding.weight": (1, POSITION),
        }
        for modality in ("audio", "video"):
            shapes[f"{block}.out_proj_{modality}.weight"] = (300, 300 + POSITION, 1)
            shapes[f"{block}.out_proj_{modality}.bias"] = (300,)
    for number in range(LAYERS):
        layer = f"Audio_visual_transformer.layers.{number}"
        shapes |= {f"{layer}.attn.to_{part}.weight": (inner, 300) for part in "qkv"}
        shapes |= {f"{layer}.attn.to_out.0.weight": (300, inner), f"{layer}.attn.to_out.0.bias": (300,)}
        shapes |= {f"{layer}.ff.net.0.weight": (FEED_FORWARD, 300), f"{layer}.ff.net.0.bias": (FEED_FORWARD,)}
        shapes |= {f"{layer}.ff.net.3.weight": (300, FEED_FORWARD), f"{layer}.ff.net.3.bias": (300,)}
        shapes |= {f"{layer}.norm.{entry}": (300,) for entry in ("weight", "bias")}
    return shapes


def released_state(inner: int) -> dict[str, Tensor]:
    state = random_state(official_shapes(inner))
    for name, value in state.items():
        if name.startswith("audiovisual_embeddings."):
            state[name] = state[name.replace("audiovisual_embeddings", "position_encoder_block")].clone()
        elif name.endswith("weight") and value.ndim > 1 and "_embedding." not in name:
            state[name] = value / value.shape[1] ** 0.5
    return state


def released_embedding(state: dict[str, Tensor], audio: Tensor, visual: Tensor, heads: int) -> Tensor:
    """theta_o of one video without padding, `[Ta, Da]` and `[Tv, Dv]`, as the program scores it."""

    def located(x: Tensor, modality: str, row: int) -> Tensor:
        name = "position_encoder_block"
        frequencies = state[f"{name}.fourier_randn"]
        times = torch.arange(len(x), dtype=x.dtype).unsqueeze(1)
        angle = 2 * torch.pi * times * (frequencies[0] + frequencies[1])
        tau = linear(state, torch.cat((angle.sin(), angle.cos()), dim=1), f"{name}.fourier_embeddings")
        position = state[f"{name}.modal_embedding.weight"][row] + tau
        return linear(state, torch.cat((x, position), dim=1), f"{name}.out_proj_{modality}")

    audio = located(through_fc(state, audio / 255, "A_enc"), "audio", 0)
    visual = located(through_fc(state, visual / visual.norm(dim=0).clamp(min=1e-12), "V_enc"), "video", 1)
    x = torch.cat((state["cls_token"][0], audio, visual))
    part = torch.tensor([0] + [1] * len(audio) + [2] * len(visual))
    forbidden = (part.unsqueeze(1) == part) & (part > 0)
    for number in range(LAYERS):
        layer = f"Audio_visual_transformer.layers.{number}"
        normed = layer_normalised(state, x, f"{layer}.norm")
        query, key, value = (linear(state, normed, f"{layer}.attn.to_{n}").chunk(heads, dim=1) for n in "qkv")
        attended = []
        for q, k, v in zip(query, key, value, strict=True):
            scores = (q @ k.T / q.shape[1] ** 0.5).masked_fill(forbidden, torch.finfo(q.dtype).min)
            attended.append(torch.softmax(scores, dim=1) @ v)
        x = x + linear(state, torch.cat(attended, dim=1), f"{layer}.attn.to_out.0")
        normed = layer_normalised(state, x, f"{layer}.norm")
        x = x + linear(state, F.gelu(linear(state, normed, f"{layer}.ff.net.0")), f"{layer}.ff.net.3")
    return through_fc(state, x[:1], "O_proj")[0]


@pytest.mark.parametrize(
    ("heads", "head_width", "settings"), [(8, 64, {}), (3, 128, {}), (4, 6, {"heads": 4, "head_width": 6})]
)
def test_released_weights(heads: int, head_width: int, settings: dict[str, int]) -> None:
    state = released_state(heads * head_width)
    method = load_official(SPEC, as_saved(state), **settings)
    assert isinstance(method, TCAF)
    assert method.shape == FeatureDims(32, 40, {"word2vec": 300}, sequences=True)
    c = method.config
    assert (c.depth, c.heads, c.head_width, c.feed_forward_width) == (LAYERS, heads, head_width, FEED_FORWARD)
    assert (c.encoder_hidden_width, c.decoder_hidden_width, c.position_width) == (HIDDEN, DECODED, POSITION)
    assert (c.eval_times, c.text_order, c.calibration) == ("index", "official", "avca")

    generator = torch.Generator().manual_seed(1)
    audio = sequences(255 * torch.rand(12, 32, generator=generator), [4, 1, 3], 0.96)
    visual = sequences(torch.rand(15, 40, generator=generator), [2, 5, 4], 0.64)
    videos = Videos(torch.rand(3, 32), torch.rand(3, 40), audio, visual)
    embedded = method.embed_videos(videos)
    pairs = zip(audio.values.split(4), audio.length, visual.values.split(5), visual.length, strict=True)
    expected = torch.stack([released_embedding(state, a[:m], v[:n], heads) for a, m, v, n in pairs])
    torch.testing.assert_close(embedded, expected, rtol=0, atol=5e-6)
    assert (expected > 0).any()


def test_released_weights_that_do_not_fit() -> None:
    with pytest.raises(CheckpointError, match=r"attn\.to_q\.weight"):
        load_official(SPEC, released_state(24))  # heads that no published setting has, and that are not given
    state = released_state(512)
    state["audiovisual_embeddings.pad_embedding.weight"] += 1
    with pytest.raises(CheckpointError, match=r"contradicting each other: position_encoder_block\.pad_embedding"):
        load_official(SPEC, state)
    with pytest.raises(CheckpointError, match="A_enc and V_enc"):
        load_official(SPEC, released_state(512) | {"V_enc.fc.0.bias": torch.zeros(HIDDEN + 1)})
