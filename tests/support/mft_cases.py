"""What the tests of MFT share."""

from __future__ import annotations

from typing import Any

import torch
from joint_space import build
from reference_values import AUDIO, TEXT, VISUAL, T, fill
from torch import nn

from avgzsl_baselines.clipclap import ClipClap, VideoEncoder
from avgzsl_bench import FeatureDims
from avgzsl_mft.method import MFT
from avgzsl_mft.model import FusionTransformer, SelfAttention

SMALL: dict[str, Any] = {
    "model_width": 8,
    "hidden_width": 6,
    "embedding_width": 4,
    "dropout": 0.0,
    "layers": 2,
    "heads": 2,
    "head_width": 3,
    "feed_forward": 5,
    "transformer_dropout": 0.0,
    "learning_rate": 1e-3,
    "weight_decay": 1e-5,
}


SMALL_SHAPE = FeatureDims(AUDIO, VISUAL, {"clip": 100, "clap": TEXT - 100})
ENCODER_TAG = {"both": 1, "visual": 2, "audio": 3}


def encoder_tags(encoder: nn.Module) -> dict[int, nn.Linear]:
    """The tagged layers in front of the joint space; gives the modality embeddings their fixed values."""
    if isinstance(encoder, VideoEncoder):
        return {1: encoder.block.linear}
    assert isinstance(encoder, FusionTransformer)
    alone = len(encoder.encoders) == 1
    layers = {1 if alone else ENCODER_TAG[e.modality]: e.block.linear for e in encoder.encoders}
    with torch.no_grad():
        rows, columns = encoder.modality.shape
        i, j = torch.arange(rows).unsqueeze(1), torch.arange(columns)
        encoder.modality.copy_((((5 * i + 3 * j) % 7) - 3).double() / 10)
    number = 0
    for part in encoder.layers:
        if isinstance(part, SelfAttention):
            layers |= {11 + 4 * number: part.qkv, 12 + 4 * number: part.out}
        else:
            layers |= {13 + 4 * number: part.map[1], 14 + 4 * number: part.map[4]}
            number += 1
    return layers


def fixture_method(cls: type[ClipClap] = MFT, **settings: Any) -> ClipClap:
    method = build(cls, SMALL_SHAPE, T(5, 0), **settings)
    net = method.module.double()
    fill(
        {
            **encoder_tags(net.video_encoder),
            4: net.text_encoder.linear,
            5: net.video_projection[0].linear,
            6: net.video_projection[1].linear,
            7: net.video_decoder[0].linear,
            8: net.video_decoder[1].linear,
            9: net.text_projection.linear,
            10: net.text_decoder.linear,
        }
    )
    return method
