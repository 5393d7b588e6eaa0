"""Classification without training: cosines of features with class texts in the space of one pre-trained model.

    S_m[i, c] = n(m_i) . n(w^m_c)        n(x): x with unit Euclidean norm; m: visual or audio

Nothing is learnt of the benchmark. The encoders may have met its unseen classes, and its videos, in pre-training.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines.families.joint_spaces import AnyJointConfig, JointMethod
from avgzsl_bench import Classes, ConfigError, FeatureDims, Samples, Videos

BLOCK = 4096
"""Videos taken at a time, so that memory stays bounded whatever their number."""

_ALIKE = 1e-12
"""A spread of cosines below this is rounding: all classes are alike."""


@dataclass(frozen=True)
class SpaceStatistics:
    """Cosines of the training videos with the texts of the training classes, in one modality.

    Attributes:
        spread: their standard deviation within a video; 1 where all classes are alike.
        own_minus_other: mean cosine with the own class minus mean cosine with the others. Clearly above 0 if the
            encoders belong together; near 0 if they do not, or if texts and classes do not match.
    """

    spread: float
    own_minus_other: float


def space_statistics(train: Samples, classes: Classes, joint: Mapping[str, str]) -> dict[str, SpaceStatistics]:
    """Compare the training videos with the training classes, in double precision and in blocks of videos.

    Args:
        train: `N` videos with labels in `0..C-1`; each counts once.
        classes: the `C` training classes.
        joint: text encoder by modality.
    """
    return {modality: _statistics(train, classes.text[text], modality) for modality, text in joint.items()}


def _statistics(train: Samples, text: Tensor, modality: str) -> SpaceStatistics:
    directions = F.normalize(_double(text), dim=1)
    variance, own, total = (directions.new_zeros(()) for _ in range(3))
    for start in range(0, len(train), BLOCK):
        block = slice(start, start + BLOCK)
        features: Tensor = getattr(train.videos.take(block), modality)
        cosines = F.normalize(_double(features), dim=1) @ directions.T
        variance += cosines.var(dim=1, correction=0).sum()
        own += cosines.gather(1, train.label[block].to(cosines.device).unsqueeze(1)).sum()
        total += cosines.sum()
    videos, others = len(train), max(len(text) - 1, 1)
    spread = float((variance / videos).sqrt())
    difference = own / videos - (total - own) / (videos * others)
    return SpaceStatistics(spread if spread > _ALIKE else 1.0, float(difference))


def _double(values: Tensor) -> Tensor:
    """Convert to double precision, on the CPU where the device has none."""
    return (values.cpu() if values.device.type == "mps" else values).double()


class ZeroShot(JointMethod[AnyJointConfig]):
    """Scores are a video's cosines with the class texts, summed over the modalities of `config.joint`."""

    _statistics: dict[str, SpaceStatistics] | None = None

    @classmethod
    def check(cls, config: AnyJointConfig, shape: FeatureDims) -> None:  # type: ignore[misc]  # always its own Config
        """Refuse features and texts that share no space."""
        if fault := shape.joint_fault(config.joint):
            raise ConfigError(f"these features have {fault}")

    def statistics(self, train: Samples) -> dict[str, SpaceStatistics]:
        """Compare the training videos with the training classes by modality, once."""
        if self._statistics is None:
            self._statistics = space_statistics(train, self.classes.seen_classes(), self.config.joint)
        return self._statistics

    def train_epoch(self, train: Samples) -> Mapping[str, float]:
        """Learn nothing; log whether the encoders belong together."""
        return {f"{name}_own_minus_other": s.own_minus_other for name, s in self.statistics(train).items()}

    def coefficients(self) -> Mapping[str, float]:
        """Return the factor of each modality's cosines in a score."""
        return dict.fromkeys(self.config.joint, 1.0)

    def score(self, videos: Videos, classes: Classes) -> Tensor:
        """Compute the weighted sum of cosines, `[N, K]`."""
        return self.scorer(classes)(videos)

    def scorer(self, classes: Classes) -> Callable[[Videos], Tensor]:
        """Prepare `score`: texts are normalised once, and carry the factors.

        Cosines are computed in double precision: in single, their last bits depend on where a video stands.
        """
        factors = self.coefficients()
        rows = {
            modality: factors[modality] * F.normalize(_double(classes.text[text]), dim=1)
            for modality, text in self.config.joint.items()
        }

        def scores(block: Videos) -> Tensor:
            parts = [F.normalize(_double(getattr(block, name)), dim=1) @ texts.T for name, texts in rows.items()]
            return torch.stack(parts).sum(dim=0).to(block.visual)

        return lambda videos: videos.mapped(scores, BLOCK)

    def state_dict(self) -> dict[str, Tensor]:
        """Return nothing: nothing was learnt."""
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over nothing."""

    def parameter_count(self) -> int:
        """Return 0: nothing is trained."""
        return 0
