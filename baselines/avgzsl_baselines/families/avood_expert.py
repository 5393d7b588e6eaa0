"""The unseen expert of AV-OOD-GZSL: AVCA's network with a deeper text projection, and its losses.

See `avgzsl_baselines.avood` for the paper. `B` is the batch, `d` the width of the joint space, and a prime marks
samples of other classes, which are trained on as much as the samples themselves.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.families.avca_losses import Embedded, avca_losses
from avgzsl_baselines.families.avca_network import AVCAConfig, AVCANet
from avgzsl_baselines.families.layers import LinearBlock
from avgzsl_baselines.families.paired import paired
from avgzsl_baselines.families.wasserstein import WEIGHT_DEVIATION, small_normal
from avgzsl_bench import Batch, FeatureDims


class UnseenExpert(AVCANet):
    """AVCA's network, whose text projection W_proj has a hidden layer as the projections of videos have.

    Linear maps of the blocks start from N(0, 0.02^2) with biases 0, scales of batch normalisation from
    N(1, 0.02^2); the transformer starts as PyTorch has it.
    """

    def __init__(self, shape: FeatureDims, config: AVCAConfig) -> None:
        super().__init__(shape, config)
        hidden, dropout = config.projection_hidden_width, config.projection_dropout
        self.text_hidden = LinearBlock(self.text_adapter.width, hidden, dropout)
        self.text_projection = LinearBlock(hidden, config.embedding_width, dropout, config.momentum)
        for block in self.modules():
            if isinstance(block, LinearBlock):
                small_normal(block.linear)
                nn.init.normal_(block.norm.weight, mean=1.0, std=WEIGHT_DEVIATION)

    def embed_texts(self, text: Tensor) -> Tensor:
        """Compute theta_w = W_proj(w) of texts `[K, Dw]` in one pass: `[K, d]`."""
        embedded: Tensor = self.text_projection(self.text_hidden(self.text_adapter(text)))
        return embedded

    def sides(self, batch: Batch, text: Tensor) -> tuple[Embedded, Embedded]:
        """Embed, decode and reconstruct a batch and its negatives; the second side has the roles exchanged.

        Passes: D text, text', audio, audio', visual, visual'; all others positive, negative. Labels point into
        the rows of `text`, `[R, Dw]`.
        """
        pairs = paired(batch)
        encoded, video = self.embed_videos(pairs.audio, pairs.visual, pairs.sizes)
        words, hidden = self.text_adapter.passes(text, pairs.labels, self.text_hidden)
        texts = self.text_projection.passes(hidden, pairs.sizes)
        decoded = self.decoder.passes(torch.cat((texts, video.flatten(0, 1))), 3 * pairs.sizes)
        reconstructed = torch.stack(
            (
                self.audio_reconstruction.passes(video[0], pairs.sizes),
                self.visual_reconstruction.passes(video[1], pairs.sizes),
            )
        )
        computed = encoded, video, texts, decoded.view(3, -1, decoded.shape[-1]), reconstructed, words
        sides = zip(*map(_by_side, computed), strict=True)
        own, other = (_Side(*parts) for parts in sides)
        return own.against(other), other.against(own)


def _by_side(passes: Tensor) -> tuple[Tensor, ...]:
    """Take samples and negatives, `[..., 2B, d]`, apart: `[..., B, d]` each."""
    return passes.view(*passes.shape[:-2], 2, -1, passes.shape[-1]).unbind(-3)


@dataclass(frozen=True)
class _Side:
    """What is computed of the samples, or of those of other classes; named as in `Embedded`."""

    encoded: Tensor
    video: Tensor
    text: Tensor
    decoded: Tensor
    reconstructed: Tensor
    target: Tensor

    def against(self, other: _Side) -> Embedded:
        """Give what the losses of this side read, with the other side for negatives."""
        return Embedded(
            encoded=self.encoded,
            other_encoded=other.encoded,
            video=self.video,
            other_video=other.video,
            text=self.text,
            other_text=other.text,
            decoded=self.decoded,
            other_decoded=other.decoded,
            reconstructed=self.reconstructed,
            target=self.target,
        )


def side_losses(side: Embedded, margin: float) -> dict[str, Tensor]:
    """Compute the losses of one side, scalars of weight 1; sums run over the modalities m = audio, visual.

        triplets       = sum_m tri(theta_m, theta_w, theta_m') + tri(theta_w, theta_m, theta_w')
                             + tri(theta_w, theta_m, theta_m') + tri(theta_m, theta_w, theta_w')
                             + tri(rho_w, rho_m, rho_m')
        regularization = sum_m MSE(phi^_m, phi_m)
        reconstruction = MSE(rho_a, w) + MSE(rho_v, w) + MSE(rho_w, w)

    These are AVCA's without the distance of theta_m from theta_w in its regularization.
    """
    terms = avca_losses(side, margin=margin, k1=1.0, k2=1.0, regularization=False)
    return {
        "triplets": terms["base"] + terms["contrast"] + terms["additional"],
        "regularization": 2 * F.mse_loss(side.reconstructed, side.encoded),
        "reconstruction": terms["reconstruction"],
    }
