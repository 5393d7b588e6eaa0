"""Wasserstein critics with a gradient penalty, as the feature-generating methods train them.

Gulrajani, Ahmed, Arjovsky, Dumoulin, Courville: "Improved Training of Wasserstein GANs", NeurIPS 2017. A critic
`D` gives real features high values and generated ones low values; it is trained to minimise

    mean D(fake) - mean D(real) + weight * mean_i (|grad D(mixed_i)| - 1)^2

with `mixed = alpha real + (1 - alpha) fake`, one `alpha` a sample. A condition, where there is one, is a further
input that is not mixed and to which the penalty's gradient is not taken.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

WEIGHT_DEVIATION = 0.02
"""Standard deviation of the first weights of the networks that `small_normal` initialises."""


def small_normal(module: nn.Module) -> None:
    """Draw the weights of all linear layers in a module from N(0, 0.02^2) and set their biases to 0."""
    for layer in module.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.weight, std=WEIGHT_DEVIATION)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)


class Critic(nn.Module):
    """Linear, LeakyReLU with slope 0.2, linear to one value; weights as `small_normal` draws them.

    `inputs` is the width of the features and of the condition, if any, together.
    """

    def __init__(self, inputs: int, hidden: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(inputs, hidden)
        self.value = nn.Linear(hidden, 1)
        small_normal(self)

    def forward(self, *parts: Tensor) -> Tensor:
        """Compute values `[B]` of inputs whose parts, `[B, ...]` each, are put side by side."""
        values: Tensor = self.value(nn.functional.leaky_relu(self.hidden(torch.cat(parts, dim=1)), 0.2))
        return values.squeeze(1)


def update(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    """Update the parameters that the optimiser holds, computing no other gradients."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    optimizer.zero_grad(set_to_none=True)
    loss.backward(inputs=parameters)  # type: ignore[no-untyped-call]
    optimizer.step()


def value_gap(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor) -> Tensor:
    """Compute mean D(fake) - mean D(real), a scalar: what a critic lowers, minus its estimate of the distance.

    The critic maps features `[B, D]`, as `real` and `fake` are, to values `[B]`, a condition already bound.
    """
    return critic(fake).mean() - critic(real).mean()


def gradient_penalty(critic: Callable[[Tensor], Tensor], real: Tensor, fake: Tensor, alpha: Tensor) -> Tensor:
    """Compute mean_i (|grad D(mixed_i)|_2 - 1)^2, a scalar without the weight, differentiable in the critic.

    No gradient reaches whatever made `real` and `fake`.

    Args:
        critic: from features `[B, D]` to values `[B]`, each only of its own row; a condition already bound.
        real, fake: features `[B, D]`.
        alpha: share of the real features, `[B]`.
    """
    mixed = torch.lerp(fake.detach(), real.detach(), alpha.unsqueeze(1)).requires_grad_()
    (slope,) = torch.autograd.grad(critic(mixed).sum(), mixed, create_graph=True)
    penalty: Tensor = (slope.norm(dim=1) - 1).square().mean()
    return penalty
