"""MFT: ClipClap-GZSL with a fusion transformer, a KL and a cosine loss.

Yang, Li, Ruan, Li, Tang, Xu: "An Audio-visual Generalized Zero-Shot Learning Method Based on Multimodal
Fusion Transformer", Journal of Electronics & Information Technology 47(7), 2375-2384, 2025, doi
10.11999/JEIT241090. A reconstruction: no program was published, and of the paper the abstract, tables and
references were at hand. The README beside the package names the origin of each part.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from pydantic import model_validator
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.clipclap import ClipClap, ClipClapConfig, Embedded, Modality, VideoEncoder, base_losses
from avgzsl_bench import Batch, Classes, FeatureDims, Field
from avgzsl_mft.losses import (
    CosMode,
    KLDirection,
    KLMode,
    kl_loss,
    pairwise_cosine_loss,
    semantic_neighbours,
    smoothed_one_hot,
    text_cosine_loss,
)
from avgzsl_mft.model import FeedForward, FusionTransformer, SelfAttention


class MFTConfig(ClipClapConfig):
    """Settings of MFT: ClipClap-GZSL's, the transformer's and the two losses'."""

    attention: Literal["on", "off", "ff_only"] = Field(
        "on", description="on; off: no transformer at all; ff_only: layers without their attention half"
    )
    tokens: Literal["fva", "va", "f"] = Field(
        "fva",
        description="tokens in order: f of both modalities, v visual, a audio; one modality has one token",
    )
    layers: int = Field(6, ge=1, description="transformer layers")
    heads: int = Field(8, ge=1, description="attention heads per layer")
    head_width: int = Field(64, ge=1, description="width of an attention head")
    feed_forward: int = Field(512, ge=1, description="hidden width of a layer's feed-forward half")
    transformer_dropout: float = Field(0.2, ge=0, lt=1, description="dropout rate of the transformer layers")
    lambda_kl: float = Field(1.0, ge=0, description="weight of the KL loss; 0 leaves it out")
    kl_mode: KLMode = Field(
        "embedding",
        description="target of the KL loss: the text embedding as a distribution over coordinates, the class "
        "with smoothing, or the class's semantic neighbours",
    )
    kl_direction: KLDirection = Field("forward", description="forward: KL(target || prediction); or reverse")
    kl_eps: float = Field(0.1, ge=0, le=1, description="smoothing of kl_mode=class_smooth")
    kl_tau: float = Field(0.1, gt=0, description="temperature of kl_mode=class_semantic")
    lambda_cos: float = Field(0.5, ge=0, description="weight of the cosine loss; 0 leaves it out")
    cos_mode: CosMode = Field(
        "text", description="a video and its class's text, pairs of videos of one class, or the sum of both"
    )

    @model_validator(mode="after")
    def _finite_divergence(self) -> MFTConfig:
        if self.kl_mode == "class_smooth" and self.kl_direction == "reverse" and self.kl_eps == 0:
            raise ValueError("kl_direction=reverse with kl_mode=class_smooth needs kl_eps > 0")
        return self


class MFT(ClipClap[MFTConfig]):
    """MFT. Switched-off losses are not computed, switched-off networks are not created."""

    official_names: ClassVar[Mapping[str, str]] = {}  # no weights of MFT were released

    def __init__(
        self, config: MFTConfig, shape: FeatureDims, classes: Classes, *, seed: int, device: torch.device
    ) -> None:
        super().__init__(config, shape, classes, seed=seed, device=device)
        self._log_class_target = self._fixed_class_target()

    def build_video_encoder(self) -> nn.Module:
        """Build the fusion transformer, or ClipClap-GZSL's encoder with `attention=off`."""
        config = self.config
        if config.attention == "off":
            return super().build_video_encoder()
        encoders = [
            VideoEncoder(self.shape, modality, config.model_width, config.dropout)
            for modality in token_modalities(config)
        ]
        layers = build_layers(config, pool_first=config.tokens != "va")
        return FusionTransformer(encoders, layers, config.model_width)

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """Compute `total` = l_ce + l_rec + l_reg + lambda_kl l_kl + lambda_cos l_cos, and each."""
        config = self.config
        embedded = self.module(batch, self.train_text)
        losses = base_losses(embedded, batch.label)
        total = losses["ce"] + losses["rec"] + losses["reg"]
        if config.lambda_kl:
            losses["kl"] = self._kl(embedded, batch.label)
            total = total + config.lambda_kl * losses["kl"]
        if config.lambda_cos:
            losses["cos"] = self._cos(embedded, batch.label)
            total = total + config.lambda_cos * losses["cos"]
        return {"total": total, **losses}

    def _kl(self, embedded: Embedded, label: Tensor) -> Tensor:
        """Compute l_kl between distributions over the joint space's coordinates, or over the training classes."""
        if self._log_class_target is None:
            log_target = F.log_softmax(embedded.text, dim=1)
            log_prediction = F.log_softmax(embedded.video, dim=1)
        else:
            log_target = self._log_class_target[label]
            log_prediction = F.log_softmax(embedded.logits(), dim=1)
        return kl_loss(log_target, log_prediction, self.config.kl_direction)

    def _cos(self, embedded: Embedded, label: Tensor) -> Tensor:
        """Compute l_cos of the chosen pairs."""
        if self.config.cos_mode == "text":
            return text_cosine_loss(embedded.video, embedded.text)
        pairwise = pairwise_cosine_loss(embedded.video, label)
        if self.config.cos_mode == "pairwise":
            return pairwise
        return text_cosine_loss(embedded.video, embedded.text) + pairwise

    def _fixed_class_target(self) -> Tensor | None:
        """Compute ln q of every training class, `[K, K]`; None where the target is an embedding."""
        if not self.config.lambda_kl or self.config.kl_mode == "embedding":
            return None
        if self.config.kl_mode == "class_smooth":
            return smoothed_one_hot(len(self.train_text), self.config.kl_eps, like=self.train_text)
        return semantic_neighbours(self.train_text, self.config.kl_tau)


def token_modalities(config: MFTConfig) -> list[Modality]:
    """List the features behind each token. A token that could not reach the pooled one is left out."""
    if config.modality != "both":
        return [config.modality]
    if config.tokens == "va":
        return ["visual", "audio"]
    alone = config.tokens == "f" or config.attention == "ff_only"
    return ["both"] if alone else ["both", "visual", "audio"]


def build_layers(config: MFTConfig, *, pool_first: bool) -> nn.Sequential:
    """Build the transformer's layers; the last updates only the first token where nothing else is pooled."""
    layers: list[nn.Module] = []
    width, dropout = config.model_width, config.transformer_dropout
    for number in range(1, config.layers + 1):
        if config.attention == "on":
            queries = 1 if pool_first and number == config.layers else None
            layers.append(SelfAttention(width, config.heads, config.head_width, dropout, queries))
        layers.append(FeedForward(width, config.feed_forward, dropout))
    return nn.Sequential(*layers)
