"""The objectives of AVFS as reconstructed in `avgzsl_baselines.avfs`.

A conditional Wasserstein game with gradient penalty makes features, as in f-CLSWGAN (Xian, Lorenz, Schiele,
Akata: "Feature Generating Networks for Zero-Shot Learning", CVPR 2018). A contrastive objective between videos
and a discriminative one between videos and class texts shape the embedding, and through it the generator, as in
CE-GZSL (Han, Fu, Chen, Yang: "Contrastive Embedding for Generalized Zero-Shot Learning", CVPR 2021).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines.families.avfs_networks import AVFSNetworks
from avgzsl_baselines.families.wasserstein import Critic, gradient_penalty, value_gap


@dataclass(frozen=True)
class FeatureBatch:
    """A batch of real videos: x `[B, Dx]`, their classes' texts w `[B, Dw]`, and their classes y, int64 `[B]`."""

    features: Tensor
    text: Tensor
    label: Tensor


def contrastive_loss(projected: Tensor, label: Tensor, temperature: float) -> Tensor:
    """Contrast videos of the same class with all others of the batch, a scalar.

        L_con = mean_i -1/|P_i| sum_{p in P_i} ln( exp(q_i q_p / t) / sum_{j != i} exp(q_i q_j / t) )

    `P_i` are the others of class `y_i`. Rows without any are no anchors, and without anchors the loss is 0. Rows
    of q, `[B, d]`, are at least two and have unit norm; y is int64 `[B]`.
    """
    own = torch.eye(len(label), dtype=torch.bool, device=label.device)
    similarity = (projected @ projected.T / temperature).masked_fill(own, -torch.inf)
    positive = (label.unsqueeze(1) == label) & ~own
    count = positive.sum(dim=1)
    log_share = similarity - similarity.logsumexp(dim=1, keepdim=True)
    of_anchor = -log_share.masked_fill(~positive, 0).sum(dim=1) / count.clamp(min=1)
    return of_anchor.sum() / (count > 0).sum().clamp(min=1)


def critic_losses(
    critic: Critic, batch: FeatureBatch, fake: Tensor, alpha: Tensor, *, penalty_weight: float
) -> dict[str, Tensor]:
    """Compute `critic` = mean D(xf, w) - mean D(x, w) + weight GP, and the `penalty` GP itself; scalars.

    Args:
        critic: D.
        batch: real features and their texts.
        fake: xf `[B, Dx]` for the same texts, detached.
        alpha: share of each real feature where the penalty is taken, `[B]` in [0, 1).
        penalty_weight: of GP.
    """

    def value(features: Tensor) -> Tensor:
        values: Tensor = critic(features, batch.text)
        return values

    penalty = gradient_penalty(value, batch.features, fake, alpha)
    return {"critic": value_gap(value, batch.features, fake) + penalty_weight * penalty, "penalty": penalty}


def embedding_losses(
    networks: AVFSNetworks, batch: FeatureBatch, class_text: Tensor, temperature: float
) -> dict[str, Tensor]:
    """Compute `contrastive` L_con(q, y) and `discriminative` CE(S(h, W), y) of real videos, as far as in use.

    W, `[C, Dw]`, are the texts of the training classes; the temperature is that of L_con.
    """
    hidden = networks.encode(batch.features)
    losses: dict[str, Tensor] = {}
    if (projected := networks.project(hidden)) is not None:
        losses["contrastive"] = contrastive_loss(projected, batch.label, temperature)
    if networks.scorer is not None:
        losses["discriminative"] = F.cross_entropy(networks.scorer(hidden, class_text), batch.label)
    return losses


def generator_losses(
    networks: AVFSNetworks, batch: FeatureBatch, fake: Tensor, class_text: Tensor, temperature: float
) -> dict[str, Tensor]:
    """Compute the losses of generated videos: to be rated as real, near their class's videos, near its text.

    `adversarial` = -mean D(xf, w), `generated_contrastive` = L_con([qf; q], [y; y]), where no gradient reaches the
    real videos' q, and `generated_discriminative` = CE(S(hf, W), y); the last two where in use. The real videos
    serve as further anchors, positives and negatives; xf, `[B, Dx]`, are one for each text of the batch.
    """
    assert networks.critic is not None
    losses = {"adversarial": -networks.critic(fake, batch.text).mean()}
    hidden = networks.encode(fake)
    if (projected := networks.project(hidden)) is not None:
        with torch.no_grad():
            real = networks.project(networks.encode(batch.features))
        assert real is not None
        both = torch.cat((projected, real)), torch.cat((batch.label, batch.label))
        losses["generated_contrastive"] = contrastive_loss(*both, temperature)
    if networks.scorer is not None:
        losses["generated_discriminative"] = F.cross_entropy(networks.scorer(hidden, class_text), batch.label)
    return losses
