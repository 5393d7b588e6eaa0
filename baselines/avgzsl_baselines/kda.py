"""KDA: videos are mapped to vectors of class descriptions that a large language model wrote.

Chen, Li, Hong, Huang, Xu, Gu, Lan, Zhu, Wang: "Boosting Audio-visual Zero-shot Learning with Large Language
Models", arXiv 2311.12268v2. Architecture, losses and schedule follow the authors' program. In the docstrings `B`
is the batch, `D` the width of encodings, `K` the classes trained on, `E` the width of a class vector (512 as
published).

A class vector `t_k` is the mean of CLIP's text embeddings of the class name and of three descriptions: what the
class is, how it looks, how it sounds. It is not normalised. Descriptions are no part of any feature set; who runs
the method supplies their vectors by class name, as text embeddings called "knowledge".

The program as published minimises only the alignment (`loss = "released"`): the line with the classification
loss, which the paper is about, is commented out. `loss = "paper"` puts it back.

The program looks descriptions up by row in a table that, for VGGSound and ActivityNet, is in another order than
the class ids, so that 177 of 276 classes of VGGSound and 8 of 200 of ActivityNet get those of another class. Not
reproduced here: descriptions are joined by name. Nor are the program's parts that nothing uses (two networks, a
Wasserstein loss), nor that its schedule and its choice of epoch and bias follow the test videos.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.families.kda_losses import (
    MarginOn,
    adaptive_margin,
    class_similarity,
    constant_margin,
    margin_cross_entropy,
)
from avgzsl_baselines.families.layers import TwoLayerBlock
from avgzsl_baselines.families.token_attention import TokenLayer
from avgzsl_bench import (
    Batch,
    Classes,
    ConfigError,
    FeatureDims,
    Field,
    Precision,
    TorchConfig,
    TorchMethod,
    Videos,
)

KNOWLEDGE = "knowledge"
"""Name of the text embeddings that hold the class descriptions."""

_WIDTH = 512
"""Width D of encodings, tokens and projections."""

_VISUAL_HIDDEN = 1024
"""Width of the visual encoder's hidden layer; those of all other networks have D."""

_HEADS, _HEAD_WIDTH, _FEED_FORWARD = 3, 100, 64

_LARGEST_INITIAL_WEIGHT = 2e-4
"""W_e starts uniform between zero and this."""

_BETAS = (0.5, 0.999)
"""Adam's decay rates."""


class KDAConfig(TorchConfig):
    """Settings of KDA; the defaults are the published ones for SeLaVi features, but for `loss`."""

    epochs: int = Field(50, ge=1, le=100_000, description="epochs of stage 1; stage 2 trains the best")
    batch_size: int = Field(2048, ge=2, description="videos per batch")
    batches_per_epoch: int = Field(50, ge=1, description="batches per epoch")
    learning_rate: float = Field(1e-3, gt=0, description="Adam's initial learning rate")
    plateau_patience: int = Field(4, ge=0, description="epochs without improvement before a drop")
    knowledge: Literal["descriptions", "names"] = Field(
        "descriptions",
        description="what a class's vector describes: its descriptions, which users supply, or only its name, "
        "by the feature set's own text encoder; the latter is an ablation, not KDA",
    )
    loss: Literal["paper", "released"] = Field(
        "paper",
        description="classification with margin and alignment, or only the alignment, which is all that the "
        "published program minimises",
    )
    alignment_weight: float = Field(5.0, ge=0, description="weight lambda of the alignment")
    margin: Literal["adaptive", "constant", "none"] = Field(
        "adaptive",
        description="margin of the classification: by similarity of classes, -0.3 for every class but the "
        "sample's own, or none",
    )
    margin_on: MarginOn = Field(
        "probability",
        description="what the margin is added to: probabilities, as in the published program, or logits",
    )
    margin_scale: Literal["learned", "fixed"] = Field(
        "learned",
        description="factor a of the adaptive margin: learned from 1 on, or 1; once learned it only grows",
    )
    normalize_fused: bool = Field(
        False, description="give the video's two embeddings, side by side, unit norm before W_e"
    )
    encoder_dropout: float = Field(0.0, ge=0, lt=1, description="dropout rate of the encoders")
    projection_dropout: float = Field(0.0, ge=0, lt=1, description="dropout rate of the projections")
    attention_dropout: float = Field(0.1, ge=0, lt=1, description="dropout rate of the transformer")
    momentum: float = Field(
        0.1,
        gt=0,
        le=1,
        description="share of a pass's statistics in the running ones, in the last batch normalisation of the "
        "encoders and projections; 0.1 in the first",
    )

    @property
    def learns_margin(self) -> bool:
        """Whether the margin's scale is trained."""
        return self.loss == "paper" and self.margin == "adaptive" and self.margin_scale == "learned"


class KDANet(nn.Module):
    """Encoders, a transformer between the modalities, projections, and a linear map to vectors of width E."""

    def __init__(self, shape: FeatureDims, class_width: int, config: KDAConfig) -> None:
        super().__init__()

        def encoder(inputs: int, hidden: int) -> TwoLayerBlock:
            return TwoLayerBlock(inputs, hidden, _WIDTH, config.encoder_dropout, config.momentum)

        def projection() -> TwoLayerBlock:
            return TwoLayerBlock(_WIDTH, _WIDTH, _WIDTH, config.projection_dropout, config.momentum)

        self.normalize_fused = config.normalize_fused
        self.audio_encoder = encoder(shape.audio, _WIDTH)  # A_enc
        self.visual_encoder = encoder(shape.visual, _VISUAL_HIDDEN)  # V_enc
        self.positions = nn.Parameter(torch.randn(2, _WIDTH))
        self.transformer = TokenLayer(_WIDTH, _HEADS, _HEAD_WIDTH, _FEED_FORWARD, config.attention_dropout)
        self.audio_projection = projection()  # A_proj
        self.visual_projection = projection()  # V_proj
        self.class_map = nn.Linear(2 * _WIDTH, class_width, bias=False)  # W_e
        nn.init.uniform_(self.class_map.weight, 0.0, _LARGEST_INITIAL_WEIGHT)
        self.margin_scale = nn.Parameter(torch.ones(()), requires_grad=config.learns_margin)  # a
        self.margin_offset = nn.Parameter(torch.zeros(()), requires_grad=False)  # b

    def encode(self, audio: Tensor, visual: Tensor) -> Tensor:
        """phi_a = A_enc(a) and phi_v = V_enc(v), `[2, B, D]`."""
        return torch.stack((self.audio_encoder(audio), self.visual_encoder(visual)))

    def forward(self, audio: Tensor, visual: Tensor) -> Tensor:
        """Map videos to where class vectors are.

            [Y_0, Y_1] = Transformer([phi_a + pos_0, phi_v + pos_1])
            theta_a = A_proj(phi_a + Y_0),  theta_v = V_proj(phi_v + Y_1)
            z = W_e x,  x = [theta_v; theta_a], on request divided by its norm

        Of audio `[B, Da]` and visual `[B, Dv]`: z, `[B, E]`.
        """
        encoded = self.encode(audio, visual)
        exchanged = encoded + self.transformer(encoded + self.positions.unsqueeze(1))
        fused = torch.cat((self.visual_projection(exchanged[1]), self.audio_projection(exchanged[0])), dim=1)
        if self.normalize_fused:
            fused = F.normalize(fused, dim=1)
        embedded: Tensor = self.class_map(fused)
        return embedded


class KDA(TorchMethod[KDAConfig]):
    """KDA. A score is minus the Euclidean distance of a video's z from a class vector as it came.

    The program's floor of 1e-8 under the learning rate needs no setting: PyTorch's schedule makes no change
    smaller than that, so the published rate never falls below it.
    """

    module: KDANet

    precisions: ClassVar[tuple[Precision, ...]] = ("full", "tf32", "bf16")

    def __init__(
        self, config: KDAConfig, shape: FeatureDims, classes: Classes, *, seed: int, device: torch.device
    ) -> None:
        super().__init__(config, shape, classes, seed=seed, device=device)
        self.similarity = class_similarity(self.train_text)

    @classmethod
    def check(cls, config: KDAConfig, shape: FeatureDims) -> None:
        """Refuse to read descriptions that nobody has supplied."""
        if config.knowledge == "descriptions" and KNOWLEDGE not in shape.text:
            raise ConfigError(
                f"setting knowledge=descriptions: this dataset has no text embeddings called {KNOWLEDGE!r}; "
                "supply vectors by class name with `avbench data add-text DATASET FILE`, or run the ablation on "
                "the feature set's class-name embeddings with `--set knowledge=names`"
            )

    @classmethod
    def added_text(cls, config: KDAConfig, offered: tuple[str, ...]) -> tuple[str, ...]:
        """Name the descriptions, unless names are read."""
        return offered if config.knowledge == "descriptions" else ()

    def text_of(self, classes: Classes) -> Tensor:
        """Return t, `[K, E]`: the descriptions' vectors as they come, or the class names'.

        Names by CLIP where the feature set has it, as descriptions are; else by all that it has, side by side.
        """
        if self.config.knowledge == "descriptions":
            return classes.text[KNOWLEDGE]
        if "clip" in classes.text:
            return classes.text["clip"]
        return torch.cat([vectors for name, vectors in classes.text.items() if name != KNOWLEDGE], dim=1)

    def build(self) -> KDANet:
        """Build the network on these features and class vectors."""
        return KDANet(self.shape, self.train_text.shape[1], self.config)

    def trained_parameters(self) -> Iterable[nn.Parameter]:
        """Return all parameters, the margin's scale only where it is learned."""
        return (parameter for parameter in self.module.parameters() if parameter.requires_grad)

    def build_optimizer(self) -> torch.optim.Optimizer:
        """Build Adam with the published decay rates."""
        optimizer = super().build_optimizer()
        for group in optimizer.param_groups:
            group["betas"] = _BETAS
        return optimizer

    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """`total` = `classification` + lambda `alignment`; without the former where the loss is as released.

        alignment = MSE(z, t_y), classification = CE(softmax(z t^T) + M[y], y), or as `margin_on` has it.
        """
        embedded = self.module(batch.audio, batch.visual)
        alignment = F.mse_loss(embedded, self.train_text.index_select(0, batch.label))
        weighted = self.config.alignment_weight * alignment
        if self.config.loss == "released":
            return {"total": weighted, "alignment": alignment}
        classification = margin_cross_entropy(
            embedded @ self.train_text.T, batch.label, self._margin(batch.label), self.config.margin_on
        )
        return {"total": classification + weighted, "alignment": alignment, "classification": classification}

    def _margin(self, label: Tensor) -> Tensor | None:
        """Compute M[y], `[B, K]`; None without a margin."""
        if self.config.margin == "none":
            return None
        if self.config.margin == "constant":
            return constant_margin(self.similarity, label)
        return adaptive_margin(self.similarity, label, self.module.margin_scale, self.module.margin_offset)

    def embed_videos(self, videos: Videos) -> Tensor:
        """Compute z of videos, `[N, E]`."""
        embedded: Tensor = self.module(videos.audio, videos.visual)
        return embedded

    def embed_classes(self, classes: Classes) -> Tensor:
        """Return class vectors as they come, `[K, E]`."""
        return self.text_of(classes)
