"""The networks of f-VAEGAN-D2 and their updates: one generator, shared by a conditional VAE and a Wasserstein GAN.

See `avgzsl_baselines.fvaegan` for the paper. In the docstrings `B` is the batch, `D` the width of a feature vector
`x`, `Dw` that of the condition `c` (the text of a sample's class), `d` the width of the latent space.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.families.wasserstein import Critic, gradient_penalty, update, value_gap

BETAS = (0.5, 0.999)
"""Adam's decay rates in the published program, for every network and for the classifier."""


class Encoder(nn.Module):
    """E: linear, ReLU, and a linear map each for the mean and the log-variance of the latent."""

    def __init__(self, inputs: int, hidden: int, latent: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.mean = nn.Linear(hidden, latent)
        self.log_variance = nn.Linear(hidden, latent)

    def forward(self, x: Tensor, condition: Tensor) -> tuple[Tensor, Tensor]:
        """`(mu, lv)`, `[B, d]` each, of features `[B, D]` and conditions `[B, Dw]`."""
        hidden = F.relu(self.hidden(torch.cat((x, condition), dim=1)))
        return self.mean(hidden), self.log_variance(hidden)


class Generator(nn.Module):
    """G, the VAE's decoder too: linear, ReLU, linear, sigmoid, so that each coordinate lies between 0 and 1."""

    def __init__(self, inputs: int, hidden: int, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.output = nn.Linear(hidden, outputs)

    def forward(self, latent: Tensor, condition: Tensor) -> Tensor:
        """Features `[B, D]` of latents `[B, d]` and conditions `[B, Dw]`."""
        hidden = F.relu(self.hidden(torch.cat((latent, condition), dim=1)))
        return torch.sigmoid(self.output(hidden))


def reconstruction_loss(reconstructed: Tensor, x: Tensor) -> Tensor:
    """`BCE = -sum_ik [x ln xr + (1 - x) ln(1 - xr)]`, summed over batch and features, `[B, D]` each."""
    return F.binary_cross_entropy(reconstructed, x, reduction="sum")


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """`KL = -1/2 sum_ik (1 + lv - mu^2 - exp(lv))`, summed over batch and latents, `[B, d]` each."""
    return -0.5 * (1 + log_variance - mean.square() - log_variance.exp()).sum()


class VAEGAN(nn.Module):
    """Critics D1 (conditional) and D2 (unconditional), encoder E and generator G.

    D2 learns from the fake features of the same batches, but nothing of it reaches G. The paper gives it the
    unlabelled features of unseen classes, which a method of this benchmark never has before it scores. Arguments
    are widths: of the features, the condition, the latent space and the hidden layers.
    """

    def __init__(
        self, *, features: int, condition: int, latent: int, critic: int, encoder: int, generator: int
    ) -> None:
        super().__init__()
        self.critic = Critic(features + condition, critic)  # D1
        self.unconditional_critic = Critic(features, critic)  # D2
        self.encoder = Encoder(features + condition, encoder, latent)
        self.generator = Generator(latent + condition, generator, features)

    def critic_losses(
        self, x: Tensor, condition: Tensor, z: Tensor, alpha: Tensor, *, penalty_weight: float
    ) -> dict[str, Tensor]:
        """Compute `L_D1` and `L_D2`: mean D(x_fake) - mean D(x) + weight * GP(D). No gradient reaches G.

        Args:
            x: real features, `[B, D]`.
            condition: `[B, Dw]`.
            z: noise of the fake features, `[B, d]`.
            alpha: share of the real features where the penalty is taken, `[B]`.
            penalty_weight: of the gradient penalty.
        """
        with torch.no_grad():
            fake = self.generator(z, condition)

        def conditional(features: Tensor) -> Tensor:
            values: Tensor = self.critic(features, condition)
            return values

        return {
            name: value_gap(critic, x, fake) + penalty_weight * gradient_penalty(critic, x, fake, alpha)
            for name, critic in (("critic", conditional), ("unconditional_critic", self.unconditional_critic))
        }

    def generator_losses(
        self, x: Tensor, condition: Tensor, z: Tensor, eps: Tensor, *, adversarial_weight: float
    ) -> dict[str, Tensor]:
        """Compute `L_GE = weight * (-mean D1(x_rec, c) - mean D1(G(z, c), c)) + BCE + KL`, and the last two terms.

        Args:
            x: real features in [0, 1], `[B, D]`.
            condition: `[B, Dw]`.
            z, eps: noise of the fake features and of the reconstructions' latents, `[B, d]` each.
            adversarial_weight: of the critic's values.
        """
        mean, log_variance = self.encoder(x, condition)
        latent = mean + eps * torch.exp(log_variance / 2)
        twice = torch.cat((condition, condition))
        generated = self.generator(torch.cat((latent, z)), twice)
        adversarial = -2 * self.critic(generated, twice).mean()  # both halves are of the same size
        bce, kl = reconstruction_loss(generated[: len(x)], x), divergence(mean, log_variance)
        return {"generator": adversarial_weight * adversarial + bce + kl, "reconstruction": bce, "divergence": kl}


class Updates:
    """Steps of Adam on the networks.

    Adam treats each parameter by itself: one optimiser for both critics, and one for E and G, do what one for
    each of the four networks does. The weights are as in the losses of `VAEGAN`.
    """

    def __init__(
        self, networks: VAEGAN, *, learning_rate: float, penalty_weight: float, adversarial_weight: float
    ) -> None:
        self._networks = networks
        self._penalty_weight = penalty_weight
        self._adversarial_weight = adversarial_weight
        critics = [*networks.critic.parameters(), *networks.unconditional_critic.parameters()]
        self.critics = adam(critics, learning_rate)
        self.makers = adam([*networks.encoder.parameters(), *networks.generator.parameters()], learning_rate)

    def critic_step(self, x: Tensor, condition: Tensor, z: Tensor, alpha: Tensor) -> Mapping[str, Tensor]:
        """One step of D1 and of D2; returns the losses before it, detached. Arguments as in `critic_losses`."""
        losses = self._networks.critic_losses(x, condition, z, alpha, penalty_weight=self._penalty_weight)
        update(self.critics, torch.stack(tuple(losses.values())).sum())
        return {name: value.detach() for name, value in losses.items()}

    def generator_step(self, x: Tensor, condition: Tensor, z: Tensor, eps: Tensor) -> Mapping[str, Tensor]:
        """One step of E and of G against frozen critics; arguments as in `generator_losses`."""
        losses = self._networks.generator_losses(x, condition, z, eps, adversarial_weight=self._adversarial_weight)
        update(self.makers, losses["generator"])
        return {name: value.detach() for name, value in losses.items()}


def adam(parameters: list[nn.Parameter], learning_rate: float) -> torch.optim.Adam:
    """Adam with this program's decay rates."""
    fused = parameters[0].device.type in ("cpu", "cuda")
    return torch.optim.Adam(parameters, lr=learning_rate, betas=BETAS, fused=fused)
