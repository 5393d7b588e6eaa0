"""The network of TCAF and its settings.

After the program of Mercea, Hummel, Koepke, Akata: "Temporal and cross-modal attention for audio-visual zero-shot
learning", ECCV 2022, arXiv 2207.09966. `N` is the number of videos, `T` the steps of a modality with padding, `L`
the tokens of both and the class token, `D` their width, `d` the width of the joint space.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.clipclap import Embedded
from avgzsl_baselines.families.layers import LinearBlock, TwoLayerBlock
from avgzsl_baselines.families.settings import BatchNormRefresh
from avgzsl_baselines.families.step_attention import AttentionKind, TransformerLayer, permitted_keys, score_bias
from avgzsl_baselines.families.timed_sequences import AudioSteps, AudioVisual
from avgzsl_bench import Dropout, FeatureDims, Field, TorchConfig

Times = Literal["seconds", "index"]

AUDIO_SCALE = 255.0
"""What audio features are divided by, as in the published program whatever they are. It suits the bytes of VGGish;
smaller features learn as well, for batch normalisation follows twice."""

FREQUENCY_SCALE = 10.0
"""Standard deviation of the random numbers of which two make up a frequency of the time embedding."""

_AUDIO, _VISUAL = 0, 1


class TCAFConfig(TorchConfig):
    """Settings of TCAF; the defaults are the published ones for UCF with C3D and VGGish features."""

    epochs: int = Field(50, ge=1, le=100_000, description="epochs of stage 1; stage 2 trains the best")
    learning_rate: float = Field(7e-5, gt=0, description="Adam's initial learning rate")
    weight_decay: float = Field(1e-5, ge=0, description="L2 weight decay, added to the gradient")
    model_width: int = Field(300, ge=1, description="width D of the encodings and of the transformer")
    embedding_width: int = Field(64, ge=1, description="width d of the joint space")
    encoder_hidden_width: int = Field(512, ge=1, description="width of the encoders' hidden layers")
    decoder_hidden_width: int = Field(
        512, ge=1, description="width of the hidden layers of the videos' projection and decoder"
    )
    position_width: int = Field(
        64, ge=2, multiple_of=2, description="width of the embeddings of time, modality and padding"
    )
    depth: int = Field(6, ge=1, description="layers of the transformer")
    heads: int = Field(8, ge=1, description="attention heads")
    head_width: int = Field(64, ge=1, description="width of an attention head")
    feed_forward_width: int = Field(128, ge=1, description="width of the transformer's hidden layers")
    encoder_dropout: float = Field(0.3, ge=0, lt=1, description="dropout rate of the encoders")
    decoder_dropout: float = Field(
        0.1, ge=0, lt=1, description="dropout rate of the videos' projection and decoder"
    )
    text_dropout: float = Field(0.1, ge=0, lt=1, description="dropout rate of the texts' projection and decoder")
    position_dropout: float = Field(0.2, ge=0, lt=1, description="dropout rate of the transformer's input")
    transformer_dropout: float = Field(0.3, ge=0, lt=1, description="dropout rate in the transformer")
    attention: AttentionKind = Field(
        "cross", description="what a step attends to: the other modality, its own ('self'), or both"
    )
    assembly: Literal["max", "fixed"] = Field(
        "max", description="whole videos, padded to the longest of a batch, or windows of a fixed number of steps"
    )
    train_window: int = Field(
        60, ge=1, le=10_000, description="visual steps of a window in training, with assembly=fixed"
    )
    test_window: int = Field(
        300, ge=1, le=10_000, description="visual steps of a window in scoring, with assembly=fixed"
    )
    audio_window: AudioSteps = Field(
        "official",
        description="audio steps of a window: as the published program computes them, which is too few where they "
        "are not of one second, or as many as last as long ('duration')",
    )
    window_start: Literal["all", "official"] = Field(
        "all",
        description="starts of windows in training: all that are possible, or, as in the published program, all "
        "but the last",
    )
    visual_norm: Literal["time", "feature"] = Field(
        "time",
        description="what visual features are divided by: each column's norm over the steps of its video, as in "
        "the published program, or each step's own norm",
    )
    bn_padding: Literal["all", "real"] = Field(
        "all",
        description="steps that the encoders' batch normalisation takes its statistics from: all, padding "
        "included, as in the published program, or only real ones",
    )
    eval_times: Times = Field(
        "seconds",
        description="times of the steps in scoring: seconds, as in training, or, as in the published program, "
        "their index",
    )
    bn_refresh: BatchNormRefresh = "none"


def unit_norm(values: Tensor, dim: int) -> Tensor:
    """Divide by the Euclidean norm along an axis, as `F.normalize` does; fast where it is not the last, too."""
    return values / values.square().sum(dim=dim, keepdim=True).sqrt().clamp_min(1e-12)


def weighted_batch_norm(norm: nn.BatchNorm1d, rows: Tensor, weight: Tensor) -> Tensor:
    """Normalise a batch in training by statistics of some of its rows, running statistics included.

    All `rows`, `[N, width]`, are normalised; `weight`, `[N, 1]`, is 1 for rows that count and 0 for others.
    """
    assert norm.running_mean is not None
    assert norm.running_var is not None
    assert norm.num_batches_tracked is not None
    assert norm.momentum is not None
    count = weight.sum()
    mean = (rows * weight).sum(dim=0) / count
    centred = rows - mean
    variance = (centred.square() * weight).sum(dim=0) / count
    with torch.no_grad():
        norm.num_batches_tracked.add_(1)
        norm.running_mean.lerp_(mean, norm.momentum)
        norm.running_var.lerp_(variance * count / (count - 1).clamp(min=1), norm.momentum)
    return centred * (variance + norm.eps).rsqrt() * norm.weight + norm.bias


class StepEncoder(nn.Module):
    """Two blocks on every step of every video, with batch statistics of all steps or only of real ones."""

    def __init__(self, inputs: int, hidden: int, outputs: int, dropout: float, *, real_only: bool) -> None:
        super().__init__()
        self.blocks = TwoLayerBlock(inputs, hidden, outputs, dropout)
        self.real_only = real_only

    def forward(self, steps: Tensor, real: Tensor) -> Tensor:
        """Map steps `[N, T, inputs]` to `[N, T, outputs]`; `real` bool `[N, T]`, false for padding."""
        rows = steps.flatten(0, 1)
        if self.real_only and self.training:
            weight = real.flatten().unsqueeze(1).to(rows.dtype)
            for block in self.blocks:
                assert isinstance(block, LinearBlock)
                rows = block.dropout(F.relu(weighted_batch_norm(block.norm, block.linear(rows), weight)))
        else:
            rows = self.blocks(rows)
        return rows.view(*real.shape, -1)


class PositionBlock(nn.Module):
    """Joins the encoding of a step with its modality m, its time t and whether it is padding.

        tau(t) = W_t [sin(2 pi t g); cos(2 pi t g)] + b_t,   g_k = R_0k + R_1k
        token  = dropout(Linear_m([encoding ; modality_m + tau(t) + padding]))

    `R` is drawn once and never trained, but kept with the weights. The padding embedding is added to padded steps
    alone, to which no real one attends: it gets no gradient. `position_width` is even.
    """

    frequencies: Tensor

    def __init__(self, width: int, position_width: int, dropout: float) -> None:
        super().__init__()
        self.modality = nn.Embedding(2, position_width)
        self.padding = nn.Embedding(1, position_width)
        self.register_buffer("frequencies", FREQUENCY_SCALE * torch.randn(2, position_width // 2))
        self.time = nn.Linear(position_width, position_width)
        self.join = nn.ModuleList(nn.Linear(width + position_width, width) for _ in range(2))
        self.dropout = Dropout(dropout)

    def embed_times(self, times: Tensor) -> Tensor:
        """tau of times `[T]`: `[T, position width]`."""
        angle = 2 * math.pi * times.unsqueeze(1) * self.frequencies.sum(dim=0)
        embedded: Tensor = self.time(torch.cat((angle.sin(), angle.cos()), dim=1))
        return embedded

    def forward(self, encoded: Tensor, real: Tensor, modality: int, seconds: float) -> Tensor:
        """Compute tokens `[N, T, D]` of a modality, 0 audio or 1 visual, from encodings `[N, T, D]`.

        `real`, bool `[N, T]`, is false for padding; `seconds` are from one step to the next, the first at 0.
        """
        times = seconds * torch.arange(encoded.shape[1], device=encoded.device, dtype=self.frequencies.dtype)
        position = self.modality.weight[modality] + self.embed_times(times)
        position = position + self.padding.weight * real.logical_not().unsqueeze(2)
        token: Tensor = self.dropout(self.join[modality](torch.cat((encoded, position), dim=2)))
        return token


class TCAFNet(nn.Module):
    """Encoders, position block, transformer, projections into the joint space, and decoders out of it."""

    def __init__(self, shape: FeatureDims, config: TCAFConfig) -> None:
        super().__init__()
        self.config = config
        width, joint, text = config.model_width, config.embedding_width, shape.text_width

        def encoder(inputs: int) -> StepEncoder:
            real_only, dropout = config.bn_padding == "real", config.encoder_dropout
            return StepEncoder(inputs, config.encoder_hidden_width, width, dropout, real_only=real_only)

        self.audio_encoder = encoder(shape.audio)  # A_enc
        self.visual_encoder = encoder(shape.visual)  # V_enc
        self.class_token = nn.Parameter(torch.randn(width))
        self.positions = PositionBlock(width, config.position_width, config.position_dropout)
        layer = (width, config.heads, config.head_width, config.feed_forward_width, config.transformer_dropout)
        self.transformer = nn.ModuleList(TransformerLayer(*layer) for _ in range(config.depth))
        hidden, dropout = config.decoder_hidden_width, config.decoder_dropout
        self.video_projection = TwoLayerBlock(width, hidden, joint, dropout)  # O_proj
        self.video_decoder = TwoLayerBlock(joint, hidden, text, dropout)  # D_o
        self.text_projection = LinearBlock(text, joint, config.text_dropout)  # W_proj
        self.text_decoder = LinearBlock(joint, text, config.text_dropout)  # D_w

    def tokens(self, videos: AudioVisual, times: Times) -> tuple[Tensor, Tensor]:
        """Make the transformer's input: tokens `[N, L, D]`, and the bias on attention scores `[N, 1, L, L]`."""
        audio, visual = videos.audio.padded(), videos.visual.padded()
        scaled = unit_norm(visual.values, dim=1 if self.config.visual_norm == "time" else 2)
        encoded_audio = self.audio_encoder(audio.values / AUDIO_SCALE, audio.mask)
        encoded_visual = self.visual_encoder(scaled, visual.mask)
        seconds = (1.0, 1.0) if times == "index" else (videos.audio.seconds, videos.visual.seconds)
        tokens = (
            self.class_token.expand(len(audio.mask), 1, -1),
            self.positions(encoded_audio, audio.mask, _AUDIO, seconds[_AUDIO]),
            self.positions(encoded_visual, visual.mask, _VISUAL, seconds[_VISUAL]),
        )
        permitted = permitted_keys(audio.mask, visual.mask, self.config.attention)
        joined = torch.cat(tokens, dim=1)
        return joined, score_bias(permitted, joined.dtype)

    def class_tokens(self, videos: AudioVisual, times: Times) -> Tensor:
        """c: the class token after the last layer, `[N, D]`, the only token that is computed there."""
        tokens, bias = self.tokens(videos, times)
        last = len(self.transformer) - 1
        for number, layer in enumerate(self.transformer):
            tokens = layer(tokens, bias, first=1 if number == last else None)
        return tokens[:, 0]

    def embed_videos(self, videos: AudioVisual, times: Times) -> Tensor:
        """theta_o = O_proj(c), `[N, d]`."""
        embedded: Tensor = self.video_projection(self.class_tokens(videos, times))
        return embedded

    def forward(self, videos: AudioVisual, label: Tensor, class_text: Tensor) -> Embedded:
        """Embed a batch and, with batch statistics and dropout masks of their own, all `K` classes.

        Times are seconds. Labels, int64 `[B]`, are rows of `class_text`, `[K, Dw]`, which decoders aim at.
        """
        video = self.embed_videos(videos, "seconds")
        # The samples' texts are rows of the classes': one linear map serves both passes.
        mapped = self.text_projection.linear(class_text)
        text = self.text_projection.activate(mapped.index_select(0, label))
        return Embedded(
            video=video,
            text=text,
            classes=self.text_projection.activate(mapped),
            encoded_text=class_text.index_select(0, label),
            video_decoded=self.video_decoder(video),
            text_decoded=self.text_decoder(text),
        )
