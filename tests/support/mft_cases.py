"""What the tests of MFT share."""

from __future__ import annotations

from typing import Any

import torch
from built_methods import build
from reference_values import AUDIO, TEXT, VISUAL, T, fill
from torch import nn

from avgzsl_baselines.clipclap import ClipClap, VideoEncoder
from avgzsl_bench import FeatureDims
from avgzsl_mft.method import MFT
from avgzsl_mft.model import SelfAttention

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


def fill_video_encoder(encoder: nn.Module) -> None:
    """Fill the layers in front of the joint space; give the modality embeddings their fixed values."""
    if isinstance(encoder, VideoEncoder):
        fill(encoder.block)
        return
    alone = len(encoder.encoders) == 1
    for e in encoder.encoders:
        fill(e.block, first=1 if alone else ENCODER_TAG[e.modality])
    with torch.no_grad():
        rows, columns = encoder.modality.shape
        i, j = torch.arange(rows).unsqueeze(1), torch.arange(columns)
        encoder.modality.copy_((((5 * i + 3 * j) % 7) - 3).double() / 10)
    number = 0
    for part in encoder.layers:
        if isinstance(part, SelfAttention):
            fill(part.qkv, part.out, first=11 + 4 * number)
        else:
            fill(part.map[1], part.map[4], first=13 + 4 * number)
            number += 1


def fixture_method(cls: type[ClipClap] = MFT, **settings: Any) -> ClipClap:
    method = build(cls, SMALL_SHAPE, T(5, 0), **settings)
    net = method.module.double()
    fill_video_encoder(net.video_encoder)
    fill(
        net.text_encoder, *net.video_projection, *net.video_decoder, net.text_projection, net.text_decoder, first=4
    )
    return method
