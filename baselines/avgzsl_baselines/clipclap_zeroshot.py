"""CLIP + CLAP zero-shot: a weighted sum of both models' cosines with the class texts; nothing is trained.

    F = (1 - l) S_v / t_v + l S_a / t_a

The temperatures of the two models differ, so that a raw sum weighs the modalities by accident: cosines are
divided by their spread within a video, `t_m^2 = mean_i var_c S_m[i, c]` over training videos and training classes.
An **epoch** is one weight `l`, so that the protocol's choice of the best epoch is the choice of the weight; of
equals it takes the earliest, the most even. Stage 2 keeps the weight and measures the spreads on its own videos.

`epochs = 1` is the row of equal weights. With `scale = none` it ranks as the raw concatenation, since for vectors
of unit norm `|n([v; a]) - n([w^v; w^a])|^2 = 2 - S_v - S_a`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

import torch
from torch import Tensor

from avgzsl_baselines.families.joint_spaces import AudioText, JointConfig, VisualText
from avgzsl_baselines.families.zero_shot import ZeroShot
from avgzsl_bench import Field, Samples

WEIGHTS = (0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9, 0.0, 1.0)
"""Weights of audio, one an epoch."""


class ClipClapZeroShotConfig(JointConfig):
    """How many weights are tried, and on what scale the cosines are."""

    epochs: int = Field(len(WEIGHTS), ge=1, le=len(WEIGHTS), description="weights of audio to try, 0.5 first")
    scale: Literal["spread", "none"] = Field(
        "spread", description="what cosines are divided by: their spread over training classes, or nothing"
    )
    visual_text: VisualText = "clip"
    audio_text: AudioText = "clap"

    @property
    def joint(self) -> Mapping[str, str]:
        """The text encoder of each modality."""
        return {"visual": self.visual_text, "audio": self.audio_text}


class ClipClapZeroShot(ZeroShot[ClipClapZeroShotConfig]):
    """Cosines of both modalities, weighted."""

    _candidate = -1
    _weight = WEIGHTS[0]
    _spread: Mapping[str, float] = MappingProxyType({"visual": 1.0, "audio": 1.0})

    def train_epoch(self, train: Samples) -> Mapping[str, float]:
        """Move on to the next weight; the first call measures the spreads."""
        logged = super().train_epoch(train)
        found = self.statistics(train)
        if self.config.scale == "spread":
            self._spread = {"visual": found["visual"].spread, "audio": found["audio"].spread}
        self._candidate += 1
        self._weight = WEIGHTS[self._candidate]
        return {"weight": self._weight, **{f"{name}_spread": t for name, t in self._spread.items()}, **logged}

    def coefficients(self) -> Mapping[str, float]:
        """Return `(1 - l) / t_v` and `l / t_a`."""
        return {
            "visual": (1 - self._weight) / self._spread["visual"],
            "audio": self._weight / self._spread["audio"],
        }

    def state_dict(self) -> dict[str, Tensor]:
        """Return weight of audio and spreads, float64 scalars."""
        values = {"weight": self._weight, **{f"{name}_spread": t for name, t in self._spread.items()}}
        return {name: torch.tensor(value, dtype=torch.float64) for name, value in values.items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over weight and spreads."""
        self._weight = float(state["weight"])
        self._spread = {"visual": float(state["visual_spread"]), "audio": float(state["audio_spread"])}
