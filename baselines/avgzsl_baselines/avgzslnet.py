"""AVGZSLNet: triplets in both directions, and one decoder that rebuilds the class text from any modality.

Mazumder, Singh, Parida, Namboodiri: "AVGZSLNet: Audio-Visual Generalized Zero-Shot Learning by Reconstructing
Label Features from Multi-Modal Embeddings", WACV 2021, arXiv 2005.13402. Architecture, losses and schedule
follow the program of the AVCA benchmark (Mercea et al., CVPR 2022), where the figures that papers compare with
come from; the authors' own has other widths, triplets and optimiser.

Extension: with several text encoders the text network reads W_enc (`families.text_adapter`), and the
reconstructions, which have unit norm, aim at the output of W_enc divided by its norm.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines.families.paired import paired
from avgzsl_baselines.families.triplet import triplet_loss
from avgzsl_baselines.families.two_branch import EmbeddingNet, TwoBranchConfig, TwoBranchMethod, TwoBranchNet
from avgzsl_bench import Batch, FeatureDims, Field, Videos


class AVGZSLNetConfig(TwoBranchConfig):
    """Settings of AVGZSLNet."""

    dropout: float = Field(0.8, ge=0, lt=1, description="dropout rate of the three embedding networks")
    decoder_dropout: float = Field(0.5, ge=0, lt=1, description="dropout rate of the decoder")
    decoder_hidden_width: int = Field(64, ge=1, description="width of the decoder's hidden layer")


@dataclass(frozen=True)
class Embedded:
    """Samples in the joint space, and what the decoder makes of them.

    Attributes:
        audio: A `[B, d]`.
        visual: V `[B, d]`.
        text: T `[B, d]`.
        audio_decoded: R_A `[B, Dw]`, of unit norm.
        visual_decoded: R_V `[B, Dw]`, of unit norm.
    """

    audio: Tensor
    visual: Tensor
    text: Tensor
    audio_decoded: Tensor
    visual_decoded: Tensor


def reconstruction_loss(decoded: Tensor, target: Tensor) -> Tensor:
    """Compute `mean_i ||r_i - w_i||_2`, a scalar; where the two are equal its gradient is zero."""
    distance: Tensor = torch.linalg.vector_norm(decoded - target, dim=1)
    return distance.mean()


def avgzslnet_losses(
    positive: Embedded, negative: Embedded, text_decoded: Tensor, target: Tensor, margin: float
) -> dict[str, Tensor]:
    """Compute the three losses of AVGZSLNet, scalars of weight 1.

        triplet         = tri(T, A, A') + tri(A, T, T') + tri(T, V, V') + tri(V, T, T')
        reconstruction  = |R_T - w| + |R_A - w| + |R_V - w|             (`reconstruction_loss`)
        decoded_triplet = tri(R_T, R_A, R_A') + tri(R_T, R_V, R_V')

    A prime marks the samples of other classes; R_T and w are `[B, Dw]`.
    """
    p, n = positive, negative
    return {
        "triplet": triplet_loss(p.text, p.audio, n.audio, margin)
        + triplet_loss(p.audio, p.text, n.text, margin)
        + triplet_loss(p.text, p.visual, n.visual, margin)
        + triplet_loss(p.visual, p.text, n.text, margin),
        "reconstruction": reconstruction_loss(text_decoded, target)
        + reconstruction_loss(p.audio_decoded, target)
        + reconstruction_loss(p.visual_decoded, target),
        "decoded_triplet": triplet_loss(text_decoded, p.audio_decoded, n.audio_decoded, margin)
        + triplet_loss(text_decoded, p.visual_decoded, n.visual_decoded, margin),
    }


class AVGZSLNetwork(TwoBranchNet):
    """The three embedding networks and the decoder that they share."""

    def __init__(self, shape: FeatureDims, config: AVGZSLNetConfig) -> None:
        super().__init__(shape, config)
        widths = config.embedding_width, config.decoder_hidden_width, self.text_adapter.width
        self.decoder = EmbeddingNet(*widths, config.decoder_dropout)

    def decode(self, embedded: Tensor, sizes: list[int]) -> Tensor:
        """`norm(g(.))` of several passes, one below the other: `[N, d]` to `[N, Dw]`, of unit norm."""
        return F.normalize(self.decoder.passes(embedded, sizes), dim=1)

    def target(self, words: Tensor) -> Tensor:
        """Compute the target of reconstructions, `[N, Dw]`: word vectors, or outputs of W_enc with unit norm."""
        return words if self.text_adapter.encoder is None else F.normalize(words, dim=1)

    def forward(self, batch: Batch, text: Tensor) -> tuple[Embedded, Embedded, Tensor, Tensor]:
        """Embed and decode a batch and its negatives.

        Passes: `f_a`, `f_v` and `f_t` positive, negative; decoder A, V, T, A', V'.

        Args:
            batch: the samples, with negatives.
            text: `[R, Dw]`, the texts that labels point into.

        Returns:
            Positives, negatives, R_T `[B, Dw]` and the target w `[B, Dw]`.
        """
        pairs = paired(batch)
        audio, negative_audio = torch.split(self.audio.passes(pairs.audio, pairs.sizes), pairs.sizes)
        visual, negative_visual = torch.split(self.visual.passes(pairs.visual, pairs.sizes), pairs.sizes)
        words, hidden = self.text_adapter.passes(text, pairs.labels, self.text.hidden)
        embedded_text, negative_text = torch.split(self.text.output(hidden), pairs.sizes)
        embedded = (audio, visual, embedded_text, negative_audio, negative_visual)
        sizes = [len(part) for part in embedded]
        decoded = self.decode(torch.cat(embedded), sizes)
        r_audio, r_visual, r_text, r_negative_audio, r_negative_visual = torch.split(decoded, sizes)
        positive = Embedded(audio, visual, embedded_text, r_audio, r_visual)
        negative = Embedded(negative_audio, negative_visual, negative_text, r_negative_audio, r_negative_visual)
        return positive, negative, r_text, self.target(words[: len(batch.label)])


class AVGZSLNet(TwoBranchMethod[AVGZSLNetConfig]):
    """AVGZSLNet. Scored by the sum of the audio and the visual distance; the decoder serves only training."""

    module: AVGZSLNetwork

    official_names: ClassVar[Mapping[str, str]] = {
        **TwoBranchMethod.official_names,
        "decoder_net.embedding_net.fc.0": "decoder.hidden.linear",
        "decoder_net.embedding_net.fc.1": "decoder.hidden.norm",
        "decoder_net.embedding_net.fc.4": "decoder.output",
    }

    def build(self) -> AVGZSLNetwork:
        """Build the three networks and the decoder."""
        return AVGZSLNetwork(self.shape, self.config)

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """Compute `total` = L_ct + L_cmd, and the latter in its two parts."""
        positive, negative, text_decoded, target = self.module(batch, self.train_text)
        losses = avgzslnet_losses(positive, negative, text_decoded, target, self.config.margin)
        return {"total": losses["triplet"] + losses["reconstruction"] + losses["decoded_triplet"], **losses}

    def embed_videos(self, videos: Videos) -> Tensor:
        """Compute A and V of videos, side by side, `[N, 2d]`."""
        return torch.cat((self.module.audio(videos.audio), self.module.visual(videos.visual)), dim=1)

    def combine(self, audio: Tensor, visual: Tensor, videos: Tensor) -> Tensor:
        """Add both."""
        return audio + visual

    @classmethod
    def official_shape(cls, state: Mapping[str, Tensor]) -> tuple[FeatureDims, dict[str, Any]]:
        """Derive the widths of the features, of the hidden layers and of the joint space."""
        shape, settings = super().official_shape(state)
        return shape, {**settings, "decoder_hidden_width": len(state["decoder_net.embedding_net.fc.0.bias"])}
