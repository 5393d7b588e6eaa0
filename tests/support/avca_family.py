"""Fixture F of AVCA, for methods whose networks contain AVCA's, and their specs."""

from __future__ import annotations

from typing import Any, TypeVar

import torch
from joint_space import build
from paired_cases import FIXTURE_TEXT
from reference_values import fill
from torch import nn

from avgzsl_baselines.avca import AVCA
from avgzsl_baselines.families.avca_network import AVCANet
from avgzsl_baselines.families.stft_network import STFTNet
from avgzsl_baselines.families.token_attention import TokenLayer
from avgzsl_bench import FeatureDims

NO_DROPOUT = {
    "encoder_dropout": 0.0,
    "projection_dropout": 0.0,
    "decoder_dropout": 0.0,
    "text_adapter_dropout": 0.0,
}

SMALL = {"model_width": 8, "embedding_width": 5, "encoder_hidden_width": 9, "projection_hidden_width": 7}
"""Widths of a network that trains in no time."""

M = TypeVar("M", bound=AVCA)


def layers_by_tag(net: AVCANet | STFTNet, layer: TokenLayer) -> dict[int, nn.Linear]:
    """The linear layers that fixture F fills, by their tags, in networks that are laid out as AVCA's."""
    return {
        1: net.audio_encoder[0].linear,
        2: net.audio_encoder[1].linear,
        3: net.visual_encoder[0].linear,
        4: net.visual_encoder[1].linear,
        5: net.text_projection.linear,
        6: net.decoder.linear,
        7: net.audio_projection[0].linear,
        8: net.audio_projection[1].linear,
        9: net.visual_projection[0].linear,
        10: net.visual_projection[1].linear,
        11: net.audio_reconstruction.linear,
        12: net.visual_reconstruction.linear,
        13: layer.attention.query_key_value,
        14: layer.attention.output,
        15: layer.feed_forward.hidden,
        16: layer.feed_forward.output,
    }


def fixture_of(method: type[M], shape: FeatureDims, **settings: Any) -> M:
    """The method with AVCA's part of the network as in fixture F, in float64 and without dropout."""
    widths = {"encoder_hidden_width": 8, "projection_hidden_width": 7}
    built = build(method, shape, FIXTURE_TEXT, **NO_DROPOUT | widths | settings)
    net = built.module.double()
    fill(layers_by_tag(net, net.transformer[0]))
    with torch.no_grad():
        for t in range(2):
            net.positions[t] = (((5 * torch.arange(300) + 3 * t) % 11) - 5).double() / 50
    return built
