"""ClipClap-GZSL: feed-forward encoders on CLIP and CLAP features, and a joint space with the class texts.

Kurzendörfer, Mercea, Koepke, Akata: "Audio-Visual Generalized Zero-Shot Learning using Pre-Trained Large
Multi-Modal Models", CVPR Workshops 2024, doi 10.1109/CVPRW63382.2024.00269. Architecture, losses and schedule
follow the authors' program (`dkurzend/ClipClap-GZSL`); where paper and program differ, the program. In the
docstrings `B` is the batch, `K` the classes trained on, `D` the model's width, `d` the joint space's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from typing_extensions import TypeVar

from avgzsl_baselines.families.layers import LinearBlock, TwoLayerBlock
from avgzsl_baselines.families.released_names import LINEAR_BLOCK, TWO_LAYER_BLOCK, released_names
from avgzsl_baselines.families.settings import BatchNormRefresh
from avgzsl_bench import (
    Batch,
    CheckpointError,
    Classes,
    ConfigError,
    FeatureDims,
    Field,
    Precision,
    TorchConfig,
    TorchMethod,
    Videos,
)

Modality = Literal["both", "audio", "visual"]

_TEXT_OF: Mapping[Modality, str] = {"audio": "clap", "visual": "clip"}
"""The text encoder that was trained together with the encoder of a single modality."""

_CLIP_CLAP = FeatureDims(audio=1024, visual=512, text={"clip": 512, "clap": 1024})
"""What checkpoints were released for."""

_VARIANTS: Mapping[tuple[int, int], Mapping[str, str]] = {
    (1536, 1536): {"modality": "both", "text": "all"},
    (1536, 512): {"modality": "both", "text": "clip"},
    (1536, 1024): {"modality": "both", "text": "clap"},
    (1024, 1024): {"modality": "audio", "text": "clap"},
    (512, 512): {"modality": "visual", "text": "clip"},
}
"""What a released checkpoint reads, by the input widths of its video and its text encoder."""


class ClipClapConfig(TorchConfig):
    """Settings of ClipClap-GZSL."""

    modality: Modality = Field("both", description="features that are used: both, only audio or only visual")
    text: Literal["all", "clip", "clap"] = Field(
        "all", description="text encoders that are used; with 'all', a single modality drops the other's"
    )
    model_width: int = Field(512, ge=1, description="width D of the encoders' and decoders' outputs")
    hidden_width: int = Field(512, ge=1, description="width H of the hidden layers")
    embedding_width: int = Field(64, ge=1, description="width d of the joint space")
    dropout: float = Field(0.1, ge=0, lt=1, description="dropout rate of every block")
    bn_refresh: BatchNormRefresh = "none"


@dataclass(frozen=True)
class Embedded:
    """A training batch in the joint space.

    Attributes:
        video: theta_o `[B, d]`.
        text: theta_w `[B, d]`, the text of each sample's class.
        classes: Theta `[K, d]`, the texts of all training classes, from a pass of their own.
        encoded_text: u `[B, D]`.
        video_decoded: rho_o `[B, D]`.
        text_decoded: rho_w `[B, D]`.
    """

    video: Tensor
    text: Tensor
    classes: Tensor
    encoded_text: Tensor
    video_decoded: Tensor
    text_decoded: Tensor

    def logits(self) -> Tensor:
        """Compute L = theta_o Theta^T, `[B, K]`: dot products without temperature or bias."""
        return self.video @ self.classes.T


def base_losses(embedded: Embedded, label: Tensor) -> dict[str, Tensor]:
    """Compute the three losses of ClipClap-GZSL: scalars, means over samples and features, all of weight 1.

    `ce` = CE(L, y), `reg` = MSE(theta_o, theta_w), `rec` = MSE(u, rho_o) + MSE(u, rho_w). Nothing is
    detached: `rec` moves the text encoder too. Labels y, int64 `[B]`, are rows of `embedded.classes`.
    """
    target = embedded.encoded_text
    return {
        "ce": F.cross_entropy(embedded.logits(), label),
        "reg": F.mse_loss(embedded.video, embedded.text),
        "rec": F.mse_loss(embedded.video_decoded, target) + F.mse_loss(embedded.text_decoded, target),
    }


class VideoEncoder(nn.Module):
    """One block on the chosen features, the visual vector first where both are used: `[B, D]`."""

    def __init__(self, shape: FeatureDims, modality: Modality, width: int, dropout: float) -> None:
        super().__init__()
        self.modality = modality
        inputs = {"both": shape.visual + shape.audio, "audio": shape.audio, "visual": shape.visual}
        self.block = LinearBlock(inputs[modality], width, dropout)

    def forward(self, audio: Tensor, visual: Tensor) -> Tensor:
        """Encode audio `[B, Da]` and visual `[B, Dv]`."""
        features = {"audio": (audio,), "visual": (visual,), "both": (visual, audio)}[self.modality]
        encoded: Tensor = self.block(torch.cat(features, dim=1))
        return encoded


class JointSpace(nn.Module):
    """Encoders, projections into the joint space, and decoders out of it.

    `video_encoder` is O_enc, from audio `[B, Da]` and visual `[B, Dv]` to `[B, D]`.
    """

    def __init__(self, video_encoder: nn.Module, text_width: int, config: ClipClapConfig) -> None:
        super().__init__()
        width, hidden, joint = config.model_width, config.hidden_width, config.embedding_width
        dropout = config.dropout
        self.video_encoder = video_encoder
        self.text_encoder = LinearBlock(text_width, width, dropout)  # W_enc
        self.video_projection = TwoLayerBlock(width, hidden, joint, dropout)  # O_proj
        self.text_projection = LinearBlock(width, joint, dropout)  # W_proj
        self.video_decoder = TwoLayerBlock(joint, hidden, width, dropout)  # D_o
        self.text_decoder = LinearBlock(joint, width, dropout)  # D_w

    def embed_videos(self, audio: Tensor, visual: Tensor) -> Tensor:
        """Compute theta_o = O_proj(O_enc([v; a])), `[B, d]`."""
        embedded: Tensor = self.video_projection(self.video_encoder(audio, visual))
        return embedded

    def embed_texts(self, text: Tensor) -> Tensor:
        """Compute theta_w = W_proj(W_enc(w)), `[N, d]`."""
        embedded: Tensor = self.text_projection(self.text_encoder(text))
        return embedded

    def forward(self, batch: Batch, class_text: Tensor) -> Embedded:
        """Embed a batch and, in a pass with statistics and dropout masks of its own, all `K` texts, `[K, Dw]`."""
        video = self.embed_videos(batch.audio, batch.visual)
        # The samples' texts are rows of the classes': one linear map serves both. Statistics of batch
        # normalisation and dropout masks do not: each has its own.
        mapped = self.text_encoder.linear(class_text)
        encoded_text = self.text_encoder.activate(mapped.index_select(0, batch.label))
        text = self.text_projection(encoded_text)
        return Embedded(
            video=video,
            text=text,
            classes=self.text_projection(self.text_encoder.activate(mapped)),
            encoded_text=encoded_text,
            video_decoded=self.video_decoder(video),
            text_decoded=self.text_decoder(text),
        )


AnyClipClapConfig = TypeVar("AnyClipClapConfig", bound=ClipClapConfig, default=ClipClapConfig, covariant=True)


class ClipClap(TorchMethod[AnyClipClapConfig]):
    """ClipClap-GZSL. Scores are Euclidean distances in the joint space, not training's dot products."""

    module: JointSpace

    precisions: ClassVar[tuple[Precision, ...]] = ("full", "tf32", "bf16")

    official_names: ClassVar[Mapping[str, str]] = {
        **released_names(
            {
                "O_enc": "video_encoder.block",
                "W_enc": "text_encoder",
                "W_proj": "text_projection",
                "D_w": "text_decoder",
            },
            LINEAR_BLOCK,
        ),
        **released_names({"O_proj": "video_projection", "D_o": "video_decoder"}, TWO_LAYER_BLOCK),
    }

    @classmethod
    def official_shape(cls, state: Mapping[str, Tensor]) -> tuple[FeatureDims, dict[str, Any]]:
        """Derive which modalities and texts the encoders read, and the widths behind them.

        Raises:
            KeyError: a layer that a width is derived from is missing.
            CheckpointError: the encoders' input widths are those of no published variant.
        """
        width, video = state["O_enc.fc.0.weight"].shape
        text = state["W_enc.fc.0.weight"].shape[1]
        if (video, text) not in _VARIANTS:
            known = ", ".join(f"{o}/{w}" for o, w in _VARIANTS)
            raise CheckpointError(f"encoders of {video}/{text} inputs; the published variants have {known}")
        return _CLIP_CLAP, {
            **_VARIANTS[video, text],
            "model_width": width,
            "hidden_width": state["O_proj.fc.0.weight"].shape[0],
            "embedding_width": state["O_proj.fc.4.weight"].shape[0],
        }

    def build(self) -> JointSpace:
        """Build the joint space on this method's video encoder."""
        return JointSpace(self.build_video_encoder(), self.train_text.shape[1], self.config)

    def build_video_encoder(self) -> nn.Module:
        """Build O_enc: one block on the concatenated features."""
        return VideoEncoder(self.shape, self.config.modality, self.config.model_width, self.config.dropout)

    @classmethod
    def check(cls, config: AnyClipClapConfig, shape: FeatureDims) -> None:  # type: ignore[misc]  # always its own Config
        """Refuse a text encoder that the feature set lacks."""
        wanted = config.text
        if wanted != "all" and wanted not in shape.text:
            have = ", ".join(shape.text)
            raise ConfigError(f"setting text={wanted}: these features have no such text encoder (have: {have})")

    def text_of(self, classes: Classes) -> Tensor:
        """Return the chosen text encoders' vectors side by side, in the feature set's order: `[K, Dw]`."""
        wanted: str | None = self.config.text
        if wanted == "all":
            both_there = {"clip", "clap"} <= set(classes.text)
            wanted = _TEXT_OF.get(self.config.modality) if both_there else None
        return classes.embedding() if wanted is None else classes.text[wanted]

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """Compute `total` = l_ce + l_rec + l_reg, and each."""
        losses = base_losses(self.module(batch, self.train_text), batch.label)
        return {"total": losses["ce"] + losses["rec"] + losses["reg"], **losses}

    def after_step(self, batch: Batch) -> None:
        """Run encoders and projections once more on the batch where `bn_refresh=official`."""
        if self.config.bn_refresh == "official":
            self.module.embed_videos(batch.audio, batch.visual)
            self.module.embed_texts(self.train_text[batch.label])

    def embed_videos(self, videos: Videos) -> Tensor:
        """Compute theta_o of videos, `[N, d]`."""
        return self.module.embed_videos(videos.audio, videos.visual)

    def embed_classes(self, classes: Classes) -> Tensor:
        """Compute theta_w of classes, `[K, d]`."""
        return self.module.embed_texts(self.text_of(classes))
