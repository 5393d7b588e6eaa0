"""Anchored scoring: distances that were learnt, mixed with those of raw features and raw texts.

    d = alpha dL + (1 - alpha) r dR        dL: learnt distance; dR = |n(x) - n(w)|, x = [v; a], w = [w^v; w^a]
    r = mean dL / mean dR                  scores are -d

After the authors' program of HSP-MoE (`XPX-LQL/HSP-MoE-AVGZSL`), which calls it foundation-anchored routing (FAR).
There `r` comes from the videos that are scored, so that the score of a test video depends on the others, which the
harness forbids. Here it comes from the training videos of the stage and all classes of the task. Nothing else
differs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor
from torch.nn import functional as F
from typing_extensions import TypeVar

from avgzsl_baselines.families.joint_spaces import (
    AudioText,
    JointConfig,
    JointMethod,
    VisualText,
    raw_classes,
    raw_videos,
)
from avgzsl_bench import (
    Classes,
    ConfigError,
    FeatureDims,
    Field,
    Samples,
    TorchConfig,
    TorchMethod,
    Videos,
)

_LEAST_MEAN = 1e-6


class AnchoredConfig(JointConfig, TorchConfig):
    """Settings of anchored scoring."""

    far_weight: float = Field(
        0.5, ge=0, le=1, description="weight alpha of the learnt distance; 1 leaves the raw one out"
    )
    far_scale: Literal["train", "none"] = Field(
        "train",
        description="factor r of the raw distance: ratio of the mean distances of training videos, or 1",
    )
    visual_text: VisualText = "clip"
    audio_text: AudioText = "clap"

    @property
    def joint(self) -> Mapping[str, str]:
        """The text encoder of each modality."""
        return {"visual": self.visual_text, "audio": self.audio_text}


AnyAnchoredConfig = TypeVar("AnyAnchoredConfig", bound=AnchoredConfig, default=AnchoredConfig, covariant=True)


class AnchoredScoring(JointMethod[AnyAnchoredConfig], TorchMethod[AnyAnchoredConfig]):
    """A mixin, to stand before the method whose embeddings it takes as learnt ones.

    Embeddings are `[z; n(x)]` of videos and `[z_c; n(w_c)]` of classes; `compatibility` cuts them apart.
    """

    without_raw: ClassVar[Mapping[str, float]] = {"far_weight": 1.0}
    """Settings that read raw texts, with the values at which they do not."""

    def __init__(
        self,
        config: AnyAnchoredConfig,
        shape: FeatureDims,
        classes: Classes,
        *,
        seed: int,
        device: torch.device,
    ) -> None:
        super().__init__(config, shape, classes, seed=seed, device=device)
        self.raw_width = shape.visual + shape.audio
        self.module.register_buffer("raw_scale", torch.ones((), device=device))

    @classmethod
    def check(cls, config: AnyAnchoredConfig, shape: FeatureDims) -> None:  # type: ignore[misc]  # always its own Config
        """Refuse to compare features with texts of another space."""
        super().check(config, shape)
        if cls.raw_settings(config) and (fault := shape.joint_fault(config.joint)):
            raise cls.refusal(config, f"these features have {fault}")

    @classmethod
    def raw_settings(cls, config: AnyAnchoredConfig) -> dict[str, float]:  # type: ignore[misc]  # as above
        """Return the settings, with their values, for which raw features are compared with raw texts."""
        values = {name: float(getattr(config, name)) for name in cls.without_raw}
        return {name: value for name, value in values.items() if value != cls.without_raw[name]}

    @classmethod
    def refusal(cls, config: AnyAnchoredConfig, reason: str) -> ConfigError:  # type: ignore[misc]  # as above
        """Make the error that says why features cannot be compared with texts, and how to do without."""
        given = cls.raw_settings(config)
        settings = " and ".join(f"{name}={value:g}" for name, value in given.items())
        instead = " and ".join(f"{name}={cls.without_raw[name]:g}" for name in given)
        return ConfigError(f"{settings}: features are compared with texts, and {reason}; set {instead}")

    @property
    def anchored(self) -> bool:
        """Whether raw distances count."""
        return self.config.far_weight < 1

    def train_epoch(self, train: Samples) -> Mapping[str, float]:
        """Train as the method does, then take the scale from the training videos."""
        losses = super().train_epoch(train)
        if not self.anchored or self.config.far_scale == "none":
            return losses
        scale = self.measured_scale(train.videos)
        assert isinstance(self.module.raw_scale, Tensor)
        self.module.raw_scale.fill_(scale)
        return {**losses, "raw_scale": scale}

    def measured_scale(self, videos: Videos) -> float:
        """Compute `r` from videos and all classes of the task, distances in double precision."""
        place = torch.device("cpu") if self.device.type == "mps" else self.device  # mps has no double precision
        self.module.eval()
        sums = torch.zeros(2, dtype=torch.float64, device=place)
        with torch.inference_mode(), torch.autocast(self.device.type, enabled=False):
            classes = self.embed_classes(self.classes).to(place).double()
            for start in range(0, len(videos), self.score_block):
                embedded = self.embed_videos(videos.take(slice(start, start + self.score_block)))
                parts = self.compatibilities(embedded.to(place).double(), classes)
                sums -= torch.stack([part.sum() for part in parts])
        learnt, raw = (sums / (len(videos) * len(self.classes))).clamp(min=_LEAST_MEAN).tolist()
        return float(learnt / raw)

    def compatibilities(self, videos: Tensor, classes: Tensor) -> tuple[Tensor, Tensor]:
        """Compute minus the learnt and minus the raw distances of embeddings, `[N, K]` each."""
        learnt, raw = slice(None, -self.raw_width), slice(-self.raw_width, None)
        of_method = super().compatibility(videos[:, learnt], classes[:, learnt])
        return of_method, TorchMethod.compatibility(self, videos[:, raw], classes[:, raw])

    def compatibility(self, videos: Tensor, classes: Tensor) -> Tensor:
        """Score embedded videos against embedded classes, `[N, K]`: minus the mixed distance."""
        if not self.anchored:
            return super().compatibility(videos, classes)
        learnt, raw = self.compatibilities(videos, classes)
        alpha = self.config.far_weight
        assert isinstance(self.module.raw_scale, Tensor)
        return alpha * learnt + (1 - alpha) * self.module.raw_scale * raw

    def learnt_videos(self, videos: Videos) -> Tensor:
        """Compute the learnt embeddings of videos, `[N, d]`."""
        return super().embed_videos(videos)  # type: ignore[safe-super]  # that of the method mixed with

    def learnt_classes(self, classes: Classes) -> Tensor:
        """Compute the learnt embeddings of classes, `[K, d]`."""
        return super().embed_classes(classes)  # type: ignore[safe-super]  # that of the method mixed with

    def embed_videos(self, videos: Videos) -> Tensor:
        """Compute learnt embeddings and raw directions of videos, `[N, d + Dv + Da]`."""
        learnt = self.learnt_videos(videos)
        if not self.anchored:
            return learnt
        return torch.cat([learnt, F.normalize(raw_videos(videos.audio, videos.visual), dim=1)], dim=1)

    def embed_classes(self, classes: Classes) -> Tensor:
        """Compute learnt embeddings and raw directions of classes, `[K, d + Dv + Da]`."""
        learnt = self.learnt_classes(classes)
        return torch.cat([learnt, F.normalize(self.raw_text(classes), dim=1)], dim=1) if self.anchored else learnt

    def raw_text(self, classes: Classes) -> Tensor:
        """Return the texts of classes as they come, `[K, Dv + Da]`."""
        return raw_classes(classes, self.config.audio_text, self.config.visual_text)
