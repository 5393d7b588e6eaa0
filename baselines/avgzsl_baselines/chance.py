"""Chance: scores that know nothing, the floor under every table.

A score is a uniform pseudo-random number, a function of the seed, the bits of the video's features and the
bits of the class's text embedding, and of nothing else: neither the other videos, nor the order of videos or
classes, nor the device changes it. Integer arithmetic modulo 2^64 with the finaliser of SplitMix64 (Steele,
Lea, Flood: "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014).
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from avgzsl_bench import Classes, FeatureDims, Method, MethodConfig, Samples, Videos

BLOCK = 4096
"""Videos hashed at a time, so that memory stays bounded whatever their number."""


def _signed(value: int) -> int:
    """Return the int64 with the bits of `value` modulo 2^64."""
    return (value + 2**63) % 2**64 - 2**63


_STEP = _signed(0x9E3779B97F4A7C15)
_ROUNDS = ((30, _signed(0xBF58476D1CE4E5B9)), (27, _signed(0x94D049BB133111EB)))


def _shift_right(x: Tensor, bits: int) -> Tensor:
    """Shift right logically: zeros come in from the left, whatever the sign."""
    kept: int = (1 << (64 - bits)) - 1
    return (x >> bits) & kept


def mix(x: Tensor) -> Tensor:
    """Apply SplitMix64's finaliser, a bijection of int64 in which every input bit reaches every output bit."""
    for bits, factor in _ROUNDS:
        x = (x ^ _shift_right(x, bits)) * factor
    return x ^ _shift_right(x, 31)


def random_integers(seed: int, count: int, device: torch.device) -> Tensor:
    """Return the first `count` values of SplitMix64 from `seed`: int64 `[count]`."""
    steps = torch.arange(1, count + 1, device=device)
    return mix(steps * _STEP + _signed(seed))


def row_keys(rows: Tensor, multipliers: Tensor) -> Tensor:
    """Hash the bits of each row, float32 `[M, D]`, to a 64-bit key, int64 `[M]`.

    Multipliers, int64 `[D]`, are odd, so that a change of any one value changes the key.
    """
    bits = rows.float().contiguous().view(torch.int32).long()
    return mix((bits * multipliers).sum(dim=1))


class Chance(Method):
    """Uniform scores in [0, 1); there is nothing to train."""

    def __init__(
        self, config: MethodConfig, shape: FeatureDims, classes: Classes, *, seed: int, device: torch.device
    ) -> None:
        super().__init__(config, shape, classes, seed=seed, device=device)
        self._reseed(seed)

    def _reseed(self, seed: int) -> None:
        self.seed = _signed(seed)
        features = self.shape.audio + self.shape.visual
        integers = random_integers(self.seed, features + self.shape.text_width, self.device) | 1
        self._of_video, self._of_class = integers[:features], integers[features:]

    def train_epoch(self, train: Samples) -> Mapping[str, float]:
        """Learn nothing, log nothing."""
        return {}

    def score(self, videos: Videos, classes: Classes) -> Tensor:
        """Score by uniform pseudo-random numbers: float32 `[N, K]`."""
        of_class = row_keys(classes.embedding(), self._of_class)
        return videos.mapped(lambda block: self._score_block(block, of_class), BLOCK)

    def _score_block(self, videos: Videos, of_class: Tensor) -> Tensor:
        of_video = row_keys(torch.cat([videos.audio, videos.visual], dim=1), self._of_video)
        hashed = mix(of_video.unsqueeze(1) + of_class)
        return _shift_right(hashed, 40).float() * 2.0**-24

    def state_dict(self) -> dict[str, Tensor]:
        """Return the seed, int64 scalar."""
        return {"seed": torch.tensor(self.seed)}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over a seed."""
        self._reseed(int(state["seed"]))

    def parameter_count(self) -> int:
        """Return 0: nothing is trained."""
        return 0
