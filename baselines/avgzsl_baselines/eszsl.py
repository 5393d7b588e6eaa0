"""ESZSL: bilinear compatibility in closed form.

Romera-Paredes, Torr: "An Embarrassingly Simple Approach to Zero-Shot Learning", ICML 2015. With videos `X`
`[N, D]`, targets `Y` in {-1, +1} `[N, C]` and class embeddings `S` `[C, Dw]` (the paper's matrices,
transposed, and their choice `beta = gamma lambda`), the objective

    |X W S^T - Y|^2 + gamma |W S^T|^2 + lambda |X W|^2 + gamma lambda |W|^2

is minimised by

    W = (X^T X + gamma I)^-1  X^T Y S  (S^T S + lambda I)^-1.

Decisions of ours: a video is its audio and its visual vector, each of unit norm, side by side, less the mean
of the training videos; class embeddings are taken as they come, all text encoders side by side. Every
training video counts once. The mean matters: the model has no intercept, so without centring it spends itself
on the -1 that nearly all targets share, and carries that over to unseen classes; with it `X^T 1 = 0` and the
-1 cancels. An **epoch** is one pair (gamma, lambda) of the paper's grid, so that the protocol's choice of the
best epoch is the choice of the pair.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from avgzsl_bench import Classes, FeatureDims, Field, Method, MethodConfig, Samples, Videos

EXPONENTS = (-3, -2, -1, 0, 1, 2, 3)
GRID = tuple((gamma, lam) for gamma in EXPONENTS for lam in EXPONENTS)
"""The paper's 49 pairs `(log10 gamma, log10 lambda)`; lambda varies fastest."""

BLOCK = 4096
"""Videos taken at a time, so that memory stays bounded whatever their number."""


class ESZSLConfig(MethodConfig):
    """How many pairs of the grid are tried, and what they are tried on."""

    epochs: int = Field(len(GRID), ge=1, le=len(GRID), description="pairs (gamma, lambda) of the grid to try")
    center: bool = Field(True, description="subtract the mean of the training videos from every video")


@dataclass(frozen=True)
class Statistics:
    """All that the solution takes from the training videos, in double precision.

    Attributes:
        mean: what was subtracted from each video, float64 `[D]`.
        gram: `X^T X`, float64 `[D, D]`.
        target: `X^T Y S`, float64 `[D, Dw]`.
    """

    mean: Tensor
    gram: Tensor
    target: Tensor


def joint_features(videos: Videos) -> Tensor:
    """Put audio and visual vectors, each of unit norm, side by side: float32 `[N, Da + Dv]`."""
    return torch.cat([F.normalize(videos.audio, dim=1), F.normalize(videos.visual, dim=1)], dim=1)


def gather_statistics(train: Samples, text: Tensor, *, center: bool) -> Statistics:
    """Sum over the training videos, block by block.

    Args:
        train: `N` videos with labels in `0..C-1`.
        text: class embeddings `S`, float64 `[C, Dw]`; the sums live on its device.
        center: subtract the mean of the videos; without it, zero.
    """
    width = train.videos.audio.shape[1] + train.videos.visual.shape[1]
    mean = text.new_zeros(width)
    gram = text.new_zeros(width, width)
    by_class = text.new_zeros(width, len(text))
    blocks = [slice(start, start + BLOCK) for start in range(0, len(train), BLOCK)]
    if center:
        for block in blocks:
            mean += joint_features(train.videos.take(block)).to(text.device).double().sum(dim=0)
        mean /= len(train)
    for block in blocks:
        x = joint_features(train.videos.take(block)).to(text.device).double() - mean
        y = 2 * F.one_hot(train.label[block].to(text.device), len(text)).double() - 1
        gram.addmm_(x.T, x)
        by_class.addmm_(x.T, y)
    return Statistics(mean, gram, by_class @ text)


def ridge_solve(gram: Tensor, ridge: float, target: Tensor) -> Tensor:
    """Compute `(gram + ridge I)^-1 target` for a positive semi-definite `gram` `[n, n]` and `target` `[n, m]`."""
    damped = gram.clone()
    damped.diagonal().add_(ridge)
    return torch.cholesky_solve(target, torch.linalg.cholesky(damped))


class ESZSL(Method[ESZSLConfig]):
    """The closed form, one pair of regularisation strengths an epoch."""

    def __init__(
        self, config: ESZSLConfig, shape: FeatureDims, classes: Classes, *, seed: int, device: torch.device
    ) -> None:
        super().__init__(config, shape, classes, seed=seed, device=device)
        solver = torch.device("cpu") if device.type == "mps" else device  # mps has no double precision
        self._text = classes.seen_classes().embedding().to(solver).double()
        width = shape.audio + shape.visual
        self._mean = torch.zeros(width, device=device)
        self._weight = torch.zeros(width, shape.text_width, device=device)
        self._statistics: Statistics | None = None
        self._candidate = -1
        self._solved = self._candidate
        self._left: tuple[int, Tensor] | None = None

    def train_epoch(self, train: Samples) -> Mapping[str, float]:
        """Move on to the next pair of the grid; the first call takes in the training videos."""
        if self._statistics is None:
            self._statistics = gather_statistics(train, self._text, center=self.config.center)
            self._mean = self._statistics.mean.float().to(self.device)
        self._candidate += 1
        gamma, lam = GRID[self._candidate]
        return {"log10_gamma": float(gamma), "log10_lambda": float(lam)}

    def score(self, videos: Videos, classes: Classes) -> Tensor:
        """Compute `X W S^T` of centred videos and any classes: float32 `[N, K]`, in blocks of videos."""
        # One row a class: the product with few columns instead gives a video other bits in another place on some
        # processors.
        projection = classes.embedding() @ self._solution().T
        return videos.mapped(lambda block: F.linear(joint_features(block) - self._mean, projection), BLOCK)

    def state_dict(self) -> dict[str, Tensor]:
        """Return the solution `W`, float32 `[Da + Dv, Dw]`, and the mean of the videos, float32 `[Da + Dv]`."""
        return {"weight": self._solution().clone(), "mean": self._mean.clone()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over a solution and the mean that goes with it."""
        self._weight = state["weight"].to(self.device)
        self._mean = state["mean"].to(self.device)
        self._solved = self._candidate

    def parameter_count(self) -> int:
        """Return the number of entries of `W`."""
        return self._weight.numel()

    def _solution(self) -> Tensor:
        """Return `W` of the current pair, solved when first needed; zero before the first epoch."""
        if self._statistics is not None and self._solved != self._candidate:
            gamma, lam = GRID[self._candidate]
            if self._left is None or self._left[0] != gamma:
                self._left = gamma, ridge_solve(self._statistics.gram, 10.0**gamma, self._statistics.target)
            right = ridge_solve(self._text.T @ self._text, 10.0**lam, self._left[1].T).T
            self._weight = right.float().to(self.device).contiguous()
            self._solved = self._candidate
        return self._weight
