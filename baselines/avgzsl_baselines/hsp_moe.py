"""HSP-MoE: ClipClap-GZSL on the unit sphere, with a mixture of experts and anchored scoring.

"Hyperspherical Semantic-Preserving AVGZSL with AV-MoE Routing", repository `XPX-LQL/HSP-MoE-AVGZSL`, 2026; no
paper is known, and it was not reviewed. Beyond ClipClap-GZSL: directions in place of embeddings, and cross-entropy
at a temperature; three small losses that keep the geometry of the raw features (`families/hsp_losses.py`), which
hardly act at their published weights; a soft mixture of experts that corrects the direction of a video; half of
the decision by raw distances (`families/anchored_scoring.py`, with what differs from the program). In the
docstrings `B` is the batch, `K` the classes trained on, `d` the joint space's width.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.clipclap import Embedded, JointSpace, base_losses
from avgzsl_baselines.clipclap_far import ClipClapFar, ClipClapFarConfig
from avgzsl_baselines.families.expert_mixture import ExpertMixture
from avgzsl_baselines.families.hsp_losses import dp_loss, hup_loss, rp_loss
from avgzsl_baselines.families.joint_spaces import raw_videos
from avgzsl_bench import Batch, Classes, Field, Videos

_LEAST_EXPERT_HIDDEN = 128
_ROUTER_HIDDEN = (128, 32)


class HspMoeConfig(ClipClapFarConfig):
    """Settings of HSP-MoE."""

    temperature: float = Field(0.1, gt=0, description="temperature of the cross-entropy")
    dp_weight: float = Field(
        0.001, ge=0, description="weight of l_dp, which keeps the cosines of raw videos and raw class texts"
    )
    dp_temperature: float = Field(2.0, gt=0, description="temperature of the softmaxes in l_dp")
    rp_weight: float = Field(0.0002, ge=0, description="weight of l_rp, which keeps the cosines of raw videos")
    hup_weight: float = Field(
        0.0002, ge=0, description="weight of l_hup, which spreads videos of different classes on the sphere"
    )
    hup_scale: float = Field(2.0, gt=0, description="factor of squared distances in l_hup")
    moe: Literal["on", "off"] = Field(
        "on", description="the mixture of experts; a single modality or text has none in any case"
    )
    moe_weight: float = Field(0.5, ge=0, le=1, description="share of the mixture in the direction of a video")
    router_temperature: float = Field(1.0, gt=0, description="temperature of the softmax over experts")
    moe_dropout: float = Field(0.1, ge=0, lt=1, description="dropout rate of experts and router")

    @property
    def has_mixture(self) -> bool:
        """Whether there are experts."""
        return self.moe == "on" and self.modality == "both" and self.text == "all"


@dataclass(frozen=True)
class EmbeddedOnSphere(Embedded):
    """A training batch in the joint space and on the unit sphere.

    Attributes:
        direction: z `[B, d]`.
        class_direction: z_c `[K, d]`.
        temperature: of the cross-entropy.
    """

    direction: Tensor
    class_direction: Tensor
    temperature: float

    def logits(self) -> Tensor:
        """Compute `z z_c^T` over the temperature, `[B, K]`."""
        return self.direction @ self.class_direction.T / self.temperature


class Sphere(JointSpace):
    """The joint space of ClipClap-GZSL, and the directions in it."""

    def __init__(self, video_encoder: nn.Module, text_width: int, config: HspMoeConfig) -> None:
        super().__init__(video_encoder, text_width, config)
        self.temperature = config.temperature
        self.mixture_share = config.moe_weight
        self.mixture: ExpertMixture | None = None

    def direction(self, embedded: Tensor, audio: Tensor, visual: Tensor) -> Tensor:
        """Compute z of theta_o, corrected by the mixture if there is one: `[N, d]`."""
        own = F.normalize(embedded, dim=1)
        if self.mixture is None:
            return own
        share = self.mixture_share
        return F.normalize((1 - share) * own + share * self.mixture(audio, visual), dim=1)

    def forward(self, batch: Batch, class_text: Tensor) -> EmbeddedOnSphere:
        """Embed a batch and all `K` texts as ClipClap-GZSL does, and take directions."""
        embedded = super().forward(batch, class_text)
        return EmbeddedOnSphere(
            **vars(embedded),
            direction=self.direction(embedded.video, batch.audio, batch.visual),
            class_direction=F.normalize(embedded.classes, dim=1),
            temperature=self.temperature,
        )


class HspMoe(ClipClapFar[HspMoeConfig]):
    """HSP-MoE. Scores are minus the distances of directions, mixed with the raw ones."""

    module: Sphere

    without_raw: ClassVar[Mapping[str, float]] = {"dp_weight": 0.0, "far_weight": 1.0}

    def build(self) -> Sphere:
        """Build the joint space, and the mixture of experts last."""
        config = self.config
        sphere = Sphere(self.build_video_encoder(), self.train_text.shape[1], config)
        if config.has_mixture:
            width = config.embedding_width
            sphere.mixture = ExpertMixture(
                audio=self.shape.audio,
                visual=self.shape.visual,
                width=width,
                expert_hidden=max(2 * width, _LEAST_EXPERT_HIDDEN),
                router_hidden=_ROUTER_HIDDEN,
                dropout=config.moe_dropout,
                temperature=config.router_temperature,
            )
        return sphere

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """Compute `total`: the three of ClipClap-GZSL and those that keep the geometry, weighted; and each."""
        embedded = self.module(batch, self.train_text)
        base = base_losses(embedded, batch.label)
        kept = self.geometry_losses(embedded, batch)
        weighted = [getattr(self.config, f"{name}_weight") * value for name, value in kept.items()]
        return {"total": torch.stack([*base.values(), *weighted]).sum(), **base, **kept}

    def geometry_losses(self, embedded: EmbeddedOnSphere, batch: Batch) -> dict[str, Tensor]:
        """Compute those of l_dp, l_rp and l_hup that have a weight."""
        config, z = self.config, embedded.direction
        x = F.normalize(raw_videos(batch.audio, batch.visual), dim=1)
        found = {}
        if config.dp_weight:
            w = F.normalize(self.raw_text(self.train_classes), dim=1)
            found["dp"] = dp_loss(z, embedded.class_direction, x, w, config.dp_temperature)
        if config.rp_weight:
            found["rp"] = rp_loss(z, x)
        if config.hup_weight:
            found["hup"] = hup_loss(z, batch.label, config.hup_scale)
        return found

    def learnt_videos(self, videos: Videos) -> Tensor:
        """Compute directions z of videos, `[N, d]`."""
        audio, visual = videos.audio, videos.visual
        return self.module.direction(self.module.embed_videos(audio, visual), audio, visual)

    def learnt_classes(self, classes: Classes) -> Tensor:
        """Compute directions z_c of classes, `[K, d]`."""
        return F.normalize(self.module.embed_texts(self.text_of(classes)), dim=1)
