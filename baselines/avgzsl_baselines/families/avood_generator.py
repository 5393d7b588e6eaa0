"""The feature generator of AV-OOD-GZSL: a conditional Wasserstein GAN with a decoder back to the text.

See `avgzsl_baselines.avood` for the paper. In the docstrings `B` is the batch, `D` the width of a video vector
`x`, audio beside visual, and `Dw` that of the text `w` of a sample's class.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.families.wasserstein import Critic, gradient_penalty, small_normal, update, value_gap
from avgzsl_bench import Dropout

BETAS = (0.5, 0.999)
"""Adam's decay rates for all networks but the unseen expert."""

SLOPE = 0.2
"""Of every LeakyReLU."""


class ThreeLayers(nn.Module):
    """Linear maps over two hidden layers, with LeakyReLU and dropout after each of these."""

    def __init__(self, inputs: int, hidden: tuple[int, int], outputs: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.first = nn.Linear(inputs, hidden[0])
        self.second = nn.Linear(hidden[0], hidden[1])
        self.output = nn.Linear(hidden[1], outputs)
        self.dropout = Dropout(dropout)
        small_normal(self)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, inputs]` to `[B, outputs]`."""
        for layer in (self.first, self.second):
            x = self.dropout(F.leaky_relu(layer(x), SLOPE))
        outputs: Tensor = self.output(x)
        return outputs


class Generator(nn.Module):
    """G: linear, ReLU, linear, LeakyReLU, linear; the hidden layers have half the width of a video vector."""

    def __init__(self, features: int, condition: int) -> None:
        super().__init__()
        hidden = features // 2
        self.first = nn.Linear(features + condition, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.output = nn.Linear(hidden, features)
        small_normal(self)

    def forward(self, noise: Tensor, text: Tensor) -> Tensor:
        """Make features `[B, D]` from noise `[B, D]` and texts `[B, Dw]`."""
        hidden = F.relu(self.first(torch.cat((noise, text), dim=1)))
        features: Tensor = self.output(F.leaky_relu(self.second(hidden), SLOPE))
        return features


def similarity_losses(made: Tensor, x: Tensor, label: Tensor, order: Tensor) -> dict[str, Tensor]:
    """Compare made features with real ones by cosine: two scalars.

        matching     = mean_i 1 - cos(G_i, x_i)
        non_matching = mean_i c_i,  c_i = 1 - cos(G_i, x_p(i)) where y_p(i) = y_i, else max(0, cos(G_i, x_p(i)))

    Args:
        made, x: features made for the texts of the real ones, and these, `[B, D]` each.
        label: classes y, int64 `[B]`.
        order: the permutation p of the batch, int64 `[B]`.
    """
    cosine = F.cosine_similarity(made, x.index_select(0, order), dim=1)
    same = label.index_select(0, order) == label
    return {
        "matching": (1 - F.cosine_similarity(made, x, dim=1)).mean(),
        "non_matching": torch.where(same, 1 - cosine, F.relu(cosine)).mean(),
    }


class FeatureGAN(nn.Module):
    """Generator G, critic D and the decoder R of texts; hidden layers of D and R have width `(D + Dw) / 2`."""

    def __init__(self, features: int, condition: int) -> None:
        super().__init__()
        hidden = (features + condition) // 2
        self.generator = Generator(features, condition)
        self.critic = Critic(features + condition, hidden)
        self.decoder = ThreeLayers(features, (hidden, hidden), condition)

    def critic_loss(
        self, x: Tensor, text: Tensor, noise: Tensor, share: Tensor, *, penalty_weight: float
    ) -> Tensor:
        """Compute mean D(G) - mean D(x) + weight * penalty, a scalar; no gradient reaches G.

        Args:
            x: real features, `[B, D]`.
            text: of their classes, `[B, Dw]`.
            noise: `[B, D]`.
            share: of the real features where the penalty is taken, `[B]`.
            penalty_weight: of the gradient penalty.
        """
        with torch.no_grad():
            made = self.generator(noise, text)

        def value(features: Tensor) -> Tensor:
            values: Tensor = self.critic(features, text)
            return values

        return value_gap(value, x, made) + penalty_weight * gradient_penalty(value, x, made, share)

    def decoder_loss(self, features: Tensor, text: Tensor) -> Tensor:
        """Compute MSE(R(features), w), a scalar, of features `[B, D]` and texts `[B, Dw]`."""
        return F.mse_loss(self.decoder(features), text)

    def generator_losses(
        self, x: Tensor, text: Tensor, label: Tensor, noise: Tensor, order: Tensor
    ) -> dict[str, Tensor]:
        """Compute the parts of G's loss, scalars: `adversarial` -mean D(G), `similarity_losses`, and `text`.

        Arguments as in `critic_loss` and `similarity_losses`; `text` among the results is `decoder_loss` of G.
        """
        made = self.generator(noise, text)
        return {
            "adversarial": -self.critic(made, text).mean(),
            **similarity_losses(made, x, label, order),
            "text": self.decoder_loss(made, text),
        }


class GANUpdates:
    """Steps of Adam on the networks, one optimiser each: that of R is the same for steps with and without G.

    Args:
        gan: the networks.
        learning_rate: of all three.
        penalty_weight: of the critic's gradient penalty.
        similarity_weight: of both losses by cosine in G's loss.
        text_weight: of the decoded text in G's loss.
    """

    def __init__(
        self,
        gan: FeatureGAN,
        *,
        learning_rate: float,
        penalty_weight: float,
        similarity_weight: float,
        text_weight: float,
    ) -> None:
        self._gan = gan
        self._penalty_weight = penalty_weight
        self._similarity_weight = similarity_weight
        self._text_weight = text_weight
        self._generator, self._critic, self._decoder = (
            adam(network.parameters(), learning_rate) for network in (gan.generator, gan.critic, gan.decoder)
        )

    def critic_step(self, x: Tensor, text: Tensor, noise: Tensor, share: Tensor) -> Tensor:
        """Update R on real features, then D; returns D's loss before it. Arguments as in `critic_loss`."""
        update(self._decoder, self._gan.decoder_loss(x, text))
        loss = self._gan.critic_loss(x, text, noise, share, penalty_weight=self._penalty_weight)
        update(self._critic, loss)
        return loss.detach()

    def generator_step(self, x: Tensor, text: Tensor, label: Tensor, noise: Tensor, order: Tensor) -> Tensor:
        """Update G and R together; returns the loss before it. Arguments as in `generator_losses`."""
        loss = self.generator_total(self._gan.generator_losses(x, text, label, noise, order))
        parameters = [*self._gan.generator.parameters(), *self._gan.decoder.parameters()]
        for parameter in parameters:
            parameter.grad = None
        loss.backward(inputs=parameters)  # type: ignore[no-untyped-call]
        self._generator.step()
        self._decoder.step()
        return loss.detach()

    def generator_total(self, losses: dict[str, Tensor]) -> Tensor:
        """Compute G's loss of its parts."""
        similarity = self._similarity_weight * (losses["matching"] + losses["non_matching"])
        return losses["adversarial"] + similarity + self._text_weight * losses["text"]


def adam(parameters: Iterable[nn.Parameter], learning_rate: float) -> torch.optim.Adam:
    """Adam with the decay rates of all networks but the unseen expert."""
    own = list(parameters)
    fused = own[0].device.type in ("cpu", "cuda")
    return torch.optim.Adam(own, lr=learning_rate, betas=BETAS, fused=fused)
