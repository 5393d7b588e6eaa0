"""The network of STFT: a semantic and a spiking path for each modality, fused, then reasoned over jointly.

After Li, Wang, Xiong, Fan: "Spiking Tucker Fusion Transformer for Audio-Visual Zero-Shot Learning", IEEE
Transactions on Image Processing 33, 2024, arXiv 2407.08130, as reconstructed in `avgzsl_baselines.stft`. `N` are
videos, `B` those of a batch, `T` time steps, `D` the width of the encodings and `d` that of the joint space; an
axis of 2 is audio before visual, and a prime marks samples of other classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn
from torch.func import functional_call

from avgzsl_baselines.families.layers import LinearBlock, TwoLayerBlock
from avgzsl_baselines.families.settings import EncodedConfig
from avgzsl_baselines.families.stft_fusion import KnowledgeCombiner, TripleLayer, TuckerFusion
from avgzsl_baselines.families.stft_spiking import SpikingBranches
from avgzsl_baselines.families.text_adapter import TextAdapter
from avgzsl_baselines.families.token_attention import TokenLayer
from avgzsl_bench import FeatureDims, Field


class STFTConfig(EncodedConfig):
    """Settings of STFT; the defaults are those for UCF with SeLaVi features."""

    encoder_dropout: float = Field(
        0.2, ge=0, lt=1, description="dropout rate of the encoders, the transformer layers and the Tucker fusion"
    )
    model_width: int = Field(512, ge=2, description="width D of the encodings and of all that works on them")
    hidden_width: int = Field(
        512,
        ge=2,
        description="width of the hidden layers of encoders and projections, and of the first spiking block",
    )
    embedding_width: int = Field(64, ge=1, description="width d of the joint space")
    slots: int = Field(4, ge=1, description="knowledge slots")
    heads: int = Field(8, ge=1, description="attention heads")
    head_width: int = Field(64, ge=1, description="width of an attention head")
    feed_forward_width: int = Field(64, ge=1, description="width of the transformer layers' hidden layers")
    tucker_rank: int = Field(60, ge=1, description="rank r of the Tucker fusion, in each direction")
    time_steps: int = Field(10, ge=1, description="steps T that the spiking branches run for")
    time_constant: float = Field(2.0, ge=1, description="time constant tau of the neurons, in steps")
    threshold: float = Field(1.0, gt=0, description="firing threshold of the first step")
    score_on: Literal["av", "visual", "audio"] = Field(
        "av", description="embedding that is compared with the classes': the mean of both modalities', or one"
    )


@dataclass(frozen=True)
class Inputs:
    """What the network reads of some videos.

    Attributes:
        audio: `[N, Da]`, for the semantic path; the mean over time where there are sequences.
        visual: `[N, Dv]`, likewise.
        audio_steps: `[N, T, Da]`, what the spiking branch reads at each step; `[N, 1, Da]` where that is always
            the same.
        visual_steps: `[N, T, Dv]` or `[N, 1, Dv]`, likewise.
    """

    audio: Tensor
    visual: Tensor
    audio_steps: Tensor
    visual_steps: Tensor

    def above(self, other: Inputs) -> Inputs:
        """Put the others below these videos."""
        return Inputs(**{name: torch.cat((own, vars(other)[name])) for name, own in vars(self).items()})


@dataclass(frozen=True)
class Embedded:
    """A training batch.

    Attributes:
        encoded: phi, `[2, B, D]`.
        video: theta_a and theta_v, `[2, B, d]`.
        joint: theta_av, `[B, d]`.
        other_joint: theta_av', `[B, d]`.
        text: theta_w, `[B, d]`.
        other_text: theta_w', `[B, d]`.
        decoded: rho_a, rho_v and rho_w, `[3, B, Dw]`.
        reconstructed: r_a and r_v, `[2, B, D]`: the encodings, from the embeddings.
        target: w, `[B, Dw]`.
    """

    encoded: Tensor
    video: Tensor
    joint: Tensor
    other_joint: Tensor
    text: Tensor
    other_text: Tensor
    decoded: Tensor
    reconstructed: Tensor
    target: Tensor


class STFTNet(nn.Module):
    """Encoders, knowledge combiner, spiking branches, fusion, joint layer, projections and decoders."""

    def __init__(self, shape: FeatureDims, config: STFTConfig) -> None:
        super().__init__()
        width, hidden, joint = config.model_width, config.hidden_width, config.embedding_width
        dropout, text_dropout = config.encoder_dropout, config.decoder_dropout
        layer = (width, config.heads, config.head_width, config.feed_forward_width, dropout)

        def encoder(inputs: int) -> TwoLayerBlock:
            return TwoLayerBlock(inputs, hidden, width, dropout, config.momentum)

        def projection() -> TwoLayerBlock:
            return TwoLayerBlock(width, hidden, joint, config.projection_dropout, config.momentum)

        self.text_adapter = TextAdapter(shape.text, config.text_adapter_dropout)
        self.audio_encoder = encoder(shape.audio)  # A_enc
        self.visual_encoder = encoder(shape.visual)  # V_enc
        self.combiner = KnowledgeCombiner(width, config.slots, TripleLayer(*layer))  # LKC
        neurons = config.time_steps, config.time_constant, config.threshold
        self.spiking = SpikingBranches(shape.audio, shape.visual, hidden, width, *neurons)
        self.audio_fusion = TuckerFusion(width, config.tucker_rank, dropout)
        self.visual_fusion = TuckerFusion(width, config.tucker_rank, dropout)
        self.modalities = nn.Parameter(0.02 * torch.randn(2, width))  # mod
        self.joint_layer = TokenLayer(*layer)
        self.audio_projection = projection()  # A_proj
        self.visual_projection = projection()  # V_proj
        self.text_projection = LinearBlock(self.text_adapter.width, joint, text_dropout)  # W_proj
        self.decoder = LinearBlock(joint, self.text_adapter.width, text_dropout)  # Dec
        self.audio_reconstruction = LinearBlock(joint, width, text_dropout)  # A_rec
        self.visual_reconstruction = LinearBlock(joint, width, text_dropout)  # V_rec

    def encode(self, inputs: Inputs, sizes: list[int]) -> Tensor:
        """Compute phi, `[2, N, D]`, of several passes, one below the other; `sizes` are their rows."""
        audio, visual = inputs.audio, inputs.visual
        return torch.stack((self.audio_encoder.passes(audio, sizes), self.visual_encoder.passes(visual, sizes)))

    def temporal(self, inputs: Inputs) -> Tensor:
        """Compute S, `[2, N, D]`, in double precision where videos are scored.

        The smallest rounding can decide whether a neuron fires, and products of matrices round differently as
        the number of videos changes: in single precision a video's scores would, now and then, depend on how
        many are scored with it.
        """
        steps = (inputs.audio_steps, inputs.visual_steps)
        if self.training or inputs.audio.device.type == "mps":  # which knows single precision only
            spikes: Tensor = self.spiking(*steps)
            return spikes
        parameters = {name: value.double() for name, value in self.spiking.named_parameters()}
        precise: Tensor = functional_call(self.spiking, parameters, tuple(part.double() for part in steps))
        return precise.to(inputs.audio.dtype)

    def fuse(self, encoded: Tensor, temporal: Tensor) -> Tensor:
        """Compute Y, `[2, N, D]`: the combiner's R of phi and the temporal S, fused for each modality."""
        semantic = self.combiner(encoded)
        return torch.stack(
            (self.audio_fusion(semantic[0], temporal[0]), self.visual_fusion(semantic[1], temporal[1]))
        )

    def embed_videos(self, inputs: Inputs, sizes: list[int]) -> tuple[Tensor, Tensor]:
        """Encode and embed several passes, one below the other.

            phi_m = A_enc(a), V_enc(v),  R_m = LKC(phi),  S_m = SNN_m(frames),  Y_m = Tucker_m(R_m, S_m)
            [Z_0, Z_1] = Transformer([Y_a + mod_0, Y_v + mod_1])                                      (Eq. 14)
            theta_a = A_proj(Z_0),  theta_v = V_proj(Z_1)

        All but the encoders and projections is without statistics of a batch: to it the passes are one. Their rows
        are `sizes`. Returns phi, `[2, N, D]`, and theta, `[2, N, d]`.
        """
        encoded = self.encode(inputs, sizes)
        fused = self.fuse(encoded, self.temporal(inputs))
        reasoned = self.joint_layer(fused + self.modalities.unsqueeze(1))
        return encoded, torch.stack(
            (self.audio_projection.passes(reasoned[0], sizes), self.visual_projection.passes(reasoned[1], sizes))
        )

    def embed_texts(self, text: Tensor) -> Tensor:
        """Compute theta_w = W_proj(w) of texts `[K, Dw]` in one pass: `[K, d]`."""
        embedded: Tensor = self.text_projection(self.text_adapter(text))
        return embedded

    def forward(self, inputs: Inputs, text: Tensor, labels: Sequence[Tensor]) -> Embedded:
        """Embed a batch and, below it, its negatives, each a pass; decode and reconstruct the batch.

        The labels, `[B]` of the samples and `[B]` of the negatives, point into the rows of `text`, `[R, Dw]`.
        """
        sizes = [len(label) for label in labels]
        count = sizes[0]
        encoded, video = self.embed_videos(inputs, sizes)
        joint = video.mean(dim=0)
        words, texts = self.text_adapter.passes(text, labels, self.text_projection)
        video = video[:, :count]
        decoded = self.decoder.passes(torch.cat((*video, texts[:count])), [count] * 3)
        return Embedded(
            encoded=encoded[:, :count],
            video=video,
            joint=joint[:count],
            other_joint=joint[count:],
            text=texts[:count],
            other_text=texts[count:],
            decoded=decoded.view(3, count, -1),
            reconstructed=torch.stack((self.audio_reconstruction(video[0]), self.visual_reconstruction(video[1]))),
            target=words[:count],
        )
