"""The losses of KDA: alignment with the class vector, and classification with a margin between like classes.

After the program of Chen, Li, Hong, Huang, Xu, Gu, Lan, Zhu, Wang: "Boosting Audio-visual Zero-shot Learning with
Large Language Models", arXiv 2311.12268v2. `B` is the batch, `K` the classes trained on, `E` the width of a class
vector.
"""

from __future__ import annotations

from typing import Literal

from torch import Tensor
from torch.nn import functional as F

MarginOn = Literal["probability", "logit"]

CONSTANT_MARGIN = 0.3
"""What `constant_margin` takes from every class but the sample's own."""

_NORM_FLOOR = 1e-16
"""Added to a norm before it divides."""


def class_similarity(vectors: Tensor) -> Tensor:
    """Compute cosines `s` of class vectors `[K, E]` with each other: `[K, K]`."""
    unit = vectors / (vectors.norm(dim=1, keepdim=True) + _NORM_FLOOR)
    similarity: Tensor = unit @ unit.T
    return similarity


def adaptive_margin(
    similarity: Tensor, label: Tensor, scale: Tensor | float, offset: Tensor | float = 0.0
) -> Tensor:
    """Compute rows `M[y]` of `M = a s + b - I`: the more another class resembles the sample's own, the larger.

    The offset adds the same to every class, which no softmax feels: trained, as in the published program, it
    would wander on rounding noise. It stays 0. Of s, `[K, K]`, y, int64 `[B]`, and scalars a and b: `[B, K]`.
    """
    return scale * similarity.index_select(0, label) + offset - F.one_hot(label, len(similarity))


def constant_margin(similarity: Tensor, label: Tensor) -> Tensor:
    """-0.3 for every class but the sample's own, whatever the `similarity`, whose type it has: `[B, K]`."""
    return CONSTANT_MARGIN * (F.one_hot(label, len(similarity)).to(similarity) - 1)


def margin_cross_entropy(logits: Tensor, label: Tensor, margin: Tensor | None, on: MarginOn) -> Tensor:
    """Compute the mean cross-entropy of scores plus margin, a scalar.

    On probabilities: `CE(softmax(L) + M[y], y)`, a softmax of its own on top of the first, as in the published
    program. On logits: `CE(L + M[y], y)`, as in Li et al.: "Boosting Few-Shot Learning With Adaptive Margin
    Loss", CVPR 2020.

    Args:
        logits: `L`, `[B, K]`.
        label: `y`, int64 `[B]`.
        margin: `M[y]`, `[B, K]`; None for no margin.
        on: what the margin is added to.
    """
    scores = logits.softmax(dim=1) if on == "probability" else logits
    return F.cross_entropy(scores if margin is None else scores + margin, label)
