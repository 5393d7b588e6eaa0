"""The losses of AVCA, on a batch in the joint space.

Mercea, Riesch, Koepke, Akata: "Audio-visual Generalised Zero-shot Learning with Cross-modal Attention and
Language", CVPR 2022, arXiv 2203.03598. `B` is the batch, `D` the width of the encodings, `d` that of the joint
space, and a prime marks samples of other classes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines.families.triplet import distance, hinge, triplet_loss


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
        decoded: rho_a and rho_v, `[B, Dw]` each.
        other_decoded: rho_a' and rho_v', `[B, Dw]` each.
        text_decoded: rho_w `[B, Dw]`.
        reconstructed: phi^ `[2, B, D]`: the encodings, from the embeddings.
        target: w `[B, Dw]`.
    """

    encoded: Tensor
    other_encoded: Tensor
    video: Tensor
    other_video: Tensor
    text: Tensor
    other_text: Tensor
    decoded: tuple[Tensor, Tensor]
    other_decoded: tuple[Tensor, Tensor]
    text_decoded: Tensor
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
    # Not one matrix: the constant in `distance` makes the two directions differ.
    text_video, video_text = distance(text, video), distance(video, text)
    return CrossTriplets(
        text_video_video=hinge(text_video, distance(text, other_video), margin).mean(dim=1),
        video_text_text=hinge(video_text, distance(video, other_text), margin).mean(dim=1),
        video_text_video=hinge(video_text, distance(video, other_video), margin).mean(dim=1),
        text_video_text=hinge(text_video, distance(text, other_text), margin).mean(dim=1),
    )


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
    losses = {
        "base": (triplets.text_video_video + triplets.video_text_text).sum(),
        "contrast": sum_over(
            triplet_loss(embedded.text_decoded, near, far, margin)
            for near, far in zip(embedded.decoded, embedded.other_decoded, strict=True)
        ),
        "reconstruction": sum_over(
            F.mse_loss(decoded, embedded.target) for decoded in (*embedded.decoded, embedded.text_decoded)
        ),
        "additional": (k1 * triplets.video_text_video + k2 * triplets.text_video_text).sum(),
    }
    if regularization:
        # Both modalities have as many entries: their mean times two is the sum of their means.
        losses["regularization"] = 2 * (
            F.mse_loss(embedded.reconstructed, embedded.encoded) + (embedded.video - embedded.text).square().mean()
        )
    return losses


def sum_over(terms: Iterable[Tensor]) -> Tensor:
    """Sum scalars."""
    first, *others = terms
    return sum(others, first)
