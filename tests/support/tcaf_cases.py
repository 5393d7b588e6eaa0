"""What the tests of TCAF share."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from built_methods import build
from reference_values import T, X, fill
from torch import Tensor

from avgzsl_baselines.families.timed_sequences import AudioVisual
from avgzsl_baselines.tcaf import TCAF
from avgzsl_bench import Batch, FeatureDims, Sequences, Videos
from avgzsl_bench.method.registry import method_spec

SPEC = method_spec("tcaf")


NO_DROPOUT = dict.fromkeys(
    ("encoder_dropout", "decoder_dropout", "text_dropout", "position_dropout", "transformer_dropout"), 0.0
)


AUDIO_LENGTH, VISUAL_LENGTH = (3, 2, 3, 1), (4, 3, 4, 2)
make = partial(build, TCAF)


def sequences(values: Tensor, length: tuple[int, ...] | list[int], seconds: float) -> Sequences:
    """Videos of as many rows each of `values` as the longest has, of which the first `length` are real."""
    steps = torch.tensor(length)
    longest = len(values) // len(steps)
    return Sequences(values, longest * torch.arange(len(steps)), steps, int(steps.max()), seconds)


def fixture_batch() -> Batch:
    """Batch F; what is beyond the end of a video is noise here, and has to be read as zeros."""
    audio = sequences(255 * X(12, 6, 0), AUDIO_LENGTH, 0.96)
    visual = sequences(X(16, 5, 5), VISUAL_LENGTH, 0.64)
    means = (s.padded().values.sum(dim=1) / s.length.unsqueeze(1) for s in (audio, visual))
    return Batch(*means, torch.tensor([0, 2, 4, 1]), audio_steps=audio, visual_steps=visual)


def videos_of(batch: Batch) -> Videos:
    return Videos(batch.audio, batch.visual, batch.audio_steps, batch.visual_steps)


def pair_of(batch: Batch) -> AudioVisual:
    return AudioVisual(batch.audio_steps, batch.visual_steps)


def fixture_method(**settings: Any) -> TCAF:
    widths = {
        "encoder_hidden_width": 9,
        "decoder_hidden_width": 6,
        "embedding_width": 4,
        "position_width": 4,
        "depth": 2,
        "heads": 2,
        "head_width": 4,
        "feed_forward_width": 7,
        "learning_rate": 1e-3,
        "weight_decay": 1e-5,
    }
    shape = FeatureDims(6, 5, {"word2vec": 300}, sequences=True)
    method = make(shape, T(5, 0), **NO_DROPOUT | widths | settings)
    net = method.module.double()
    fill(*net.audio_encoder.blocks, *net.visual_encoder.blocks, net.text_projection, net.text_decoder)
    fill(*net.video_projection, *net.video_decoder, net.positions.time, *net.positions.join, first=7)
    for number, layer in enumerate(net.transformer):
        attention, feed_forward = layer.attention, layer.feed_forward
        parts = (attention.query, attention.key, attention.value, attention.output)
        fill(*parts, feed_forward.hidden, feed_forward.output, first=14 + 6 * number)
    i, j = torch.arange(2).unsqueeze(1), torch.arange(4).unsqueeze(0)
    grid = (((5 * i + 3 * j) % 7) - 3).double() / 10
    with torch.no_grad():
        net.class_token.copy_((((7 * torch.arange(300)) % 11) - 5).double() / 10)
        net.positions.modality.weight.copy_(grid)
        net.positions.padding.weight.fill_(0.5)
        net.positions.frequencies.copy_(grid[:, :2])
    return method
