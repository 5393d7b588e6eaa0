"""CJME: triplets weighted by a learnt attention to one of two modalities.

Parida, Matiyali, Guha, Sharma: "Coordinated Joint Multimodal Embeddings for Generalized Audio-Visual Zero-shot
Classification and Retrieval of Videos", WACV 2020, arXiv 1910.08732. Its authors published no program of the
model. Architecture, losses and schedule follow the one of the AVCA benchmark (Mercea et al., CVPR 2022), where
the figures that papers compare with come from.

Extension: with several text encoders the text network reads W_enc (`families.text_adapter`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.families.paired import paired
from avgzsl_baselines.families.triplet import triplet_terms
from avgzsl_baselines.families.two_branch import TwoBranchConfig, TwoBranchMethod, TwoBranchNet
from avgzsl_bench import Batch, FeatureDims, Field, Videos

Weighting = Literal["batch_mean", "per_sample"]


class CJMEConfig(TwoBranchConfig):
    """Settings of CJME."""

    attention_weighting: Weighting = Field(
        "batch_mean",
        description="what weighs the triplets of a sample: the mean attention of the batch, as in the published "
        "program, or the sample's own",
    )
    entropy_threshold: float = Field(
        0.1, ge=0, description="by how many nats a modality must be more certain for attention to be sent there"
    )


@dataclass(frozen=True)
class Embedded:
    """A training batch in the joint space.

    Attributes:
        audio: A `[B, d]`.
        visual: V `[B, d]`.
        text: T `[B, d]`, the text of each sample's class.
        negative_audio: A' `[B, d]`, of the samples of other classes.
        negative_visual: V' `[B, d]`.
        gate: g `[B]`, the weight of the visual modality, in (0, 1).
        classes: T_all `[C, d]`, the texts of all training classes, from a pass of their own, without gradient.
    """

    audio: Tensor
    visual: Tensor
    text: Tensor
    negative_audio: Tensor
    negative_visual: Tensor
    gate: Tensor
    classes: Tensor


def entropies(videos: Tensor, classes: Tensor) -> Tensor:
    """Compute `H_i = H(softmax_c(x_i . t_c))` in nats: how uncertain an embedding leaves its class.

    Of videos x, `[B, d]`, and classes t, `[C, d]`: `[B]`, from 0 to `log C`.
    """
    log_probability = F.log_softmax(videos @ classes.T, dim=1)
    return -(log_probability.exp() * log_probability).sum(dim=1)


@torch.no_grad()
def attention_targets(embedded: Embedded, threshold: float) -> Tensor:
    """Compute where attention should be, `[B]`: 0 audio, 1 visual, the more certain of them; 0.5 if neither is.

    A modality is more certain if its entropy over the training classes is lower by more than `threshold`.
    """
    audio = entropies(embedded.audio, embedded.classes)
    visual = entropies(embedded.visual, embedded.classes)
    to_audio, to_visual = visual - audio > threshold, audio - visual > threshold
    return 0.5 + 0.5 * (to_visual.to(audio.dtype) - to_audio.to(audio.dtype))


def weighted_triplets(embedded: Embedded, weighting: Weighting, margin: float) -> Tensor:
    """Compute `L_ct`: text-audio and text-visual triplets weighted by attention, a scalar.

    With `l_ta = max(0, d(T,A) - d(T,A') + margin)` and `l_tv` alike, each `[B]`,

        per_sample:  mean_i((1 - g_i) l_ta,i + g_i l_tv,i)
        batch_mean:  (1 - mean(g)) mean(l_ta) + mean(g) mean(l_tv)

    The second is what the published program computes, by broadcasting `[B, 1]` against `[B]`.
    """
    text_audio = triplet_terms(embedded.text, embedded.audio, embedded.negative_audio, margin)
    text_visual = triplet_terms(embedded.text, embedded.visual, embedded.negative_visual, margin)
    gate = embedded.gate if weighting == "per_sample" else embedded.gate.mean()
    return ((1 - gate) * text_audio + gate * text_visual).mean()


def cjme_losses(embedded: Embedded, *, weighting: Weighting, margin: float, threshold: float) -> dict[str, Tensor]:
    """Compute the three losses of CJME, scalars of weight 1.

    `triplet` = L_ct (`weighted_triplets`), `joint` = MSE(A, V), `attention` = MSE(g, `attention_targets`); the
    last moves only the attention.
    """
    return {
        "triplet": weighted_triplets(embedded, weighting, margin),
        "joint": F.mse_loss(embedded.audio, embedded.visual),
        "attention": F.mse_loss(embedded.gate, attention_targets(embedded, threshold)),
    }


class CJMENet(TwoBranchNet):
    """The three embedding networks, each closed by a ReLU, and the attention."""

    def __init__(self, shape: FeatureDims, config: CJMEConfig) -> None:
        super().__init__(shape, config)
        both = shape.audio + shape.visual
        self.attention = nn.Sequential(nn.BatchNorm1d(both), nn.Linear(both, 1))

    def gate(self, audio: Tensor, visual: Tensor) -> Tensor:
        """Compute `g = sigmoid(Linear(BN([a; v])))`, `[N]`: the weight of the visual modality."""
        return torch.sigmoid(self.attention(torch.cat((audio, visual), dim=1))).squeeze(1)

    def embed_videos(self, audio: Tensor, visual: Tensor) -> tuple[Tensor, Tensor]:
        """Compute A and V, `[N, d]` each, not negative."""
        return F.relu(self.audio(audio)), F.relu(self.visual(visual))

    def embed_texts(self, text: Tensor) -> Tensor:
        """Compute T of texts `[N, Dw]` in one pass: `[N, d]`, not negative."""
        return F.relu(super().embed_texts(text))

    def forward(self, batch: Batch, text: Tensor, classes: Tensor) -> Embedded:
        """Embed a batch, its negatives and all training classes.

        Passes: `f_a` and `f_v` positive, negative; `f_t` positive, negative, all classes; attention positive.
        Of the negative texts only the batch statistics matter. Labels point into the rows of `text`, `[R, Dw]`, as
        do `classes`, int64 `[C]`, which make up T_all.
        """
        pairs = paired(batch)
        positive, negative = pairs.labels
        audio, negative_audio = torch.split(F.relu(self.audio.passes(pairs.audio, pairs.sizes)), pairs.sizes)
        visual, negative_visual = torch.split(F.relu(self.visual.passes(pairs.visual, pairs.sizes)), pairs.sizes)
        _, hidden = self.text_adapter.passes(text, [positive], self.text.hidden)
        with torch.no_grad():
            _, rest = self.text_adapter.passes(text, [negative, classes], self.text.hidden)
            all_classes = F.relu(self.text.output(rest[len(negative) :]))
        return Embedded(
            audio=audio,
            visual=visual,
            text=F.relu(self.text.output(hidden)),
            negative_audio=negative_audio,
            negative_visual=negative_visual,
            gate=self.gate(batch.audio, batch.visual),
            classes=all_classes,
        )


class CJME(TwoBranchMethod[CJMEConfig]):
    """CJME. In training attention is soft; at the test each video is scored by only one modality."""

    module: CJMENet

    official_names: ClassVar[Mapping[str, str]] = {
        **TwoBranchMethod.official_names,
        "attention_model": "attention",
    }

    def build(self) -> CJMENet:
        """Build the three networks and the attention."""
        return CJMENet(self.shape, self.config)

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """Compute `total` = L_ct + L_av + L_att, and each."""
        classes = torch.arange(len(self.train_text), device=self.train_text.device)
        losses = cjme_losses(
            self.module(batch, self.train_text, classes),
            weighting=self.config.attention_weighting,
            margin=self.config.margin,
            threshold=self.config.entropy_threshold,
        )
        return {"total": losses["triplet"] + losses["joint"] + losses["attention"], **losses}

    def embed_videos(self, videos: Videos) -> Tensor:
        """Compute A, V and g of videos, side by side, `[N, 2d + 1]`."""
        audio, visual = self.module.embed_videos(videos.audio, videos.visual)
        gate = self.module.gate(videos.audio, videos.visual)
        return torch.cat((audio, visual, gate.unsqueeze(1)), dim=1)

    def combine(self, audio: Tensor, visual: Tensor, videos: Tensor) -> Tensor:
        """Take the visual scores of videos whose attention is at least 0.5, the audio scores of the others."""
        return torch.where(videos[:, -1:] >= 0.5, visual, audio)
