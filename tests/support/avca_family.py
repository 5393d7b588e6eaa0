"""Fixture F of AVCA, for methods whose networks contain AVCA's, and their specs."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from built_methods import build
from paired_cases import FIXTURE_TEXT
from reference_values import fill

from avgzsl_baselines.avca import AVCA
from avgzsl_baselines.families.avca_network import AVCANet
from avgzsl_baselines.families.stft_network import STFTNet
from avgzsl_baselines.families.token_attention import TokenLayer
from avgzsl_bench import FeatureDims

NO_DROPOUT = dict.fromkeys(
    ("encoder_dropout", "projection_dropout", "decoder_dropout", "text_adapter_dropout"), 0.0
)

SMALL = {"model_width": 8, "embedding_width": 5, "encoder_hidden_width": 9, "projection_hidden_width": 7}
"""Widths of a network that trains in no time."""

M = TypeVar("M", bound=AVCA)


def fill_token_layer(layer: TokenLayer, first: int) -> None:
    attention, feed_forward = layer.attention, layer.feed_forward
    fill(attention.query_key_value, attention.output, feed_forward.hidden, feed_forward.output, first=first)


def fill_avca(net: AVCANet | STFTNet, layer: TokenLayer) -> None:
    """Fill as in fixture F what a network that is laid out as AVCA's has of it, and its token layer."""
    fill(*net.audio_encoder, *net.visual_encoder, net.text_projection, net.decoder)
    projections = (*net.audio_projection, *net.visual_projection)
    fill(*projections, net.audio_reconstruction, net.visual_reconstruction, first=7)
    fill_token_layer(layer, first=13)


def fixture_of(method: type[M], shape: FeatureDims, **settings: Any) -> M:
    """The method with AVCA's part of the network as in fixture F, in float64 and without dropout."""
    widths = {"encoder_hidden_width": 8, "projection_hidden_width": 7}
    built = build(method, shape, FIXTURE_TEXT, **NO_DROPOUT | widths | settings)
    net = built.module.double()
    fill_avca(net, net.transformer[0])
    with torch.no_grad():
        for t in range(2):
            net.positions[t] = (((5 * torch.arange(300) + 3 * t) % 11) - 5).double() / 50
    return built
