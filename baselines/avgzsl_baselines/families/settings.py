"""Settings that several methods have, with the defaults of the AVCA benchmark.

Mercea, Riesch, Koepke, Akata: "Audio-visual Generalised Zero-shot Learning with Cross-modal Attention and
Language", CVPR 2022, arXiv 2203.03598; run scripts for UCF with SeLaVi features.
"""

from __future__ import annotations

from typing import Annotated, Literal

from avgzsl_bench import Field, TorchConfig

AdapterDropout = Annotated[
    float,
    Field(ge=0, lt=1, description="dropout rate of W_enc, which is there with several text encoders only"),
]
BatchNormRefresh = Annotated[
    Literal["none", "official"],
    Field(
        description="a second forward pass after each update, whose only effect is on the running statistics "
        "of batch normalisation: 'official', as the published program does, or none"
    ),
]


class BenchmarkConfig(TorchConfig):
    """Settings of a method with the benchmark's schedule."""

    epochs: int = Field(50, ge=1, le=100_000, description="epochs of stage 1; stage 2 trains the best")
    batch_size: int = Field(256, ge=2, description="videos per batch")
    batches_per_epoch: int = Field(500, ge=1, description="batches per epoch")
    learning_rate: float = Field(1e-3, gt=0, description="Adam's initial learning rate")


class EncodedConfig(BenchmarkConfig):
    """Settings of a method with encoders, projections into a joint space and decoders out of it."""

    weight_decay: float = Field(1e-5, ge=0, description="L2 weight decay, added to the gradient")
    encoder_dropout: float = Field(0.2, ge=0, lt=1, description="dropout rate of encoders and transformer")
    projection_dropout: float = Field(
        0.3, ge=0, lt=1, description="dropout rate of the audio and visual projections"
    )
    decoder_dropout: float = Field(
        0.5, ge=0, lt=1, description="dropout rate of the decoders and of the text projection"
    )
    text_adapter_dropout: AdapterDropout = 0.1
    momentum: float = Field(
        0.1,
        gt=0,
        le=1,
        description="share of a pass's statistics in the running ones, in the last batch normalisation of the "
        "encoders and of the audio and visual projections; 0.1 in all others",
    )
