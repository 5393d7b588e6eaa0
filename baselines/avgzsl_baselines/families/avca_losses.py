"""The losses of AVCA, on a batch in the joint space.

Mercea, Riesch, Koepke, Akata: "Audio-visual Generalised Zero-shot Learning with Cross-modal Attention and
Language", CVPR 2022, arXiv 2203.03598. `B` is the batch, `D` the width of the encodings, `d` that of the joint
space, and a prime marks samples of other classes.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines.families.triplet import hinge, length, triplet_loss


@dataclass(frozen=True)
class Embedded:
    """A training batch. Axes and pairs of two hold audio before visual; in AVCA all but `target` is not negative.

    Attributes:
        encoded: phi `[2, B, D]`.
        other_encoded: phi' `[2, B, D]`, which none of AVCA's own losses reads.
        video: theta_a and theta_v, `[2, B, d]`.
        other_video: theta_a' and theta_v', `[2, B, d]`.
        text: theta_w `[B, d]`.
        other_text: theta_w' `[B, d]`.
        decoded: rho_w, rho_a and rho_v, `[3, B, Dw]`.
        other_decoded: rho_w', which no loss reads, rho_a' and rho_v', `[3, B, Dw]`.
        reconstructed: phi^ `[2, B, D]`: the encodings, from the embeddings.
        target: w `[B, Dw]`.
    """

    encoded: Tensor
    other_encoded: Tensor
    video: Tensor
    other_video: Tensor
    text: Tensor
    other_text: Tensor
    decoded: Tensor
    other_decoded: Tensor
    reconstructed: Tensor
    target: Tensor


@dataclass(frozen=True)
class CrossTriplets:
    """The triplets of videos and texts in the joint space: each `[2]`, audio and visual, means over the batch.

    Attributes:
        text_video_video: tri(theta_w, theta_m, theta_m').
        video_text_text: tri(theta_m, theta_w, theta_w').
        video_text_video: tri(theta_m, theta_w, theta_m').
        text_video_text: tri(theta_w, theta_m, theta_w').
    """

    text_video_video: Tensor
    video_text_text: Tensor
    video_text_video: Tensor
    text_video_text: Tensor


def cross_triplets(embedded: Embedded, margin: float) -> CrossTriplets:
    """Compute all eight triplets in the joint space, from six distances per modality."""
    text, other_text, video, other_video = (
        embedded.text,
        embedded.other_text,
        embedded.video,
        embedded.other_video,
    )
    apart = text - video
    differences = (
        apart,
        -apart,  # another length: the constant in `length` makes the two directions differ
        text - other_video,
        video - other_text,
        video - other_video,
        (text - other_text).expand_as(video),
    )
    near, far = torch.split(length(torch.stack(differences)), [2, 4])
    return CrossTriplets(*hinge(torch.cat((near, near.flip(0))), far, margin).mean(dim=-1))


def avca_losses(
    embedded: Embedded, *, margin: float, k1: float, k2: float, regularization: bool
) -> dict[str, Tensor]:
    """Compute the losses of AVCA, scalars of weight 1; sums run over the modalities m = audio, visual.

        base           = sum_m tri(theta_w, theta_m, theta_m') + tri(theta_m, theta_w, theta_w')
        contrast       = sum_m tri(rho_w, rho_m, rho_m')
        reconstruction = MSE(rho_a, w) + MSE(rho_v, w) + MSE(rho_w, w)
        additional     = sum_m k1 tri(theta_m, theta_w, theta_m') + k2 tri(theta_w, theta_m, theta_w')
        regularization = sum_m MSE(phi^_m, phi_m) + MSE(theta_m, theta_w)

    Nothing is detached: encodings and text embeddings are moved towards what should resemble them, too.
    """
    triplets = cross_triplets(embedded, margin)
    text, near = torch.split(embedded.decoded, [1, 2])
    far = embedded.other_decoded[1:]
    # The mean over as many entries each, times their number, is the sum of their means.
    losses = {
        "base": (triplets.text_video_video + triplets.video_text_text).sum(),
        "contrast": 2 * triplet_loss(text, near, far, margin),
        "reconstruction": 3 * F.mse_loss(embedded.decoded, embedded.target.expand_as(embedded.decoded)),
        "additional": (k1 * triplets.video_text_video + k2 * triplets.text_video_text).sum(),
    }
    if regularization:
        losses["regularization"] = 2 * (
            F.mse_loss(embedded.reconstructed, embedded.encoded) + (embedded.video - embedded.text).square().mean()
        )
    return losses
