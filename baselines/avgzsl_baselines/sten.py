"""STEN: AVCA whose encodings are gated by attention over time and channels, and meet again in four tokens.

Wang et al.: "Spiking Temporal-Enhanced Network for Zero-Shot Audio-Visual Learning", ICASSP 2026, IEEE document
11464107. Model and training follow the authors' program. In the docstrings `N` are videos, `D` is the width of
the encodings and of the transformer, `T` the number of steps, and `*` is by element.

A second network of each modality sees the features at each of `T` steps, and an attention over steps and
channels makes one vector of it. It gates the encoding as the firing rates do in AVMST, and enters an attention
between the modalities, which gates it once more: the plain and the newly gated encodings are the four tokens of
a last pass through AVCA's transformer. Two forms:

- `repaired`, the default: everything but the positions is trained, and training and scoring compute the same.
- `released`, the program as it is. The last gate is a softmax over the batch in training, and over the features
  in scoring; positions are added twice in training, and once in scoring; a vector passes the second network `T`
  times, which moves its running statistics as often; both attentions keep their random weights.

In both, no neuron ever spikes: those of the program act as ReLUs unless a flag is set, and nothing sets it. All
steps are equal, so time is a number of gates on one vector. The schedule that the run scripts call "cosine" is
stepped with the validation HM in place of the epoch, which leaves the learning rate constant (`scheduler =
none`). Weights that the program makes and never uses are left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn

from avgzsl_baselines.avca import AVCA
from avgzsl_baselines.families.avca_network import AVCAConfig, AVCANet
from avgzsl_baselines.families.gating import exchange_with_gated, gate
from avgzsl_baselines.families.layers import BlockStack, LinearBlock
from avgzsl_baselines.families.sten_attention import RectifiedLayer, TemporalChannelAttention
from avgzsl_bench import ConfigError, FeatureDims, Field, Precision


class STENConfig(AVCAConfig):
    """Settings of STEN."""

    fidelity: Literal["repaired", "released"] = Field(
        "repaired",
        description="'repaired': both attentions are trained, and training and scoring compute the same; "
        "'released': as in the published program",
    )
    steps: int = Field(2, ge=1, description="steps T for which the spiking networks see the features")
    spiking_hidden_width: int = Field(512, ge=1, description="width of the spiking networks' hidden layer")
    depth: int = Field(1, ge=1, description="layers of the transformer, and of the attention between modalities")
    momentum: float = Field(
        0.1,
        gt=0,
        le=1.1,
        description="share of a pass's statistics in the running ones, in the last batch normalisation of the "
        "encoders, of the spiking networks and of the audio and visual projections; 0.1 in all others; above 1, "
        "as published for ActivityNet, only with fidelity=released",
    )


class STENNet(AVCANet):
    """AVCA's network with a second network for each modality and two attentions."""

    def __init__(self, shape: FeatureDims, config: STENConfig) -> None:
        super().__init__(shape, config)
        self.released = config.fidelity == "released"
        width, hidden = config.model_width, config.spiking_hidden_width

        def branch(inputs: int) -> BlockStack:
            first, last = (self._over_steps(share, config.steps) for share in (0.1, config.momentum))
            return BlockStack(LinearBlock(inputs, hidden, 0.0, first), LinearBlock(hidden, width, 0.0, last))

        self.audio_spiking = branch(shape.audio)  # S_a
        self.visual_spiking = branch(shape.visual)  # S_v
        self.temporal_attention = TemporalChannelAttention(config.steps, width)  # K, C
        layer = (width, config.heads, config.head_width, config.feed_forward_width, config.encoder_dropout)
        self.joint_attention = nn.ModuleList(RectifiedLayer(*layer) for _ in range(config.depth))  # SA
        for attention in (self.temporal_attention, self.joint_attention):
            attention.requires_grad_(not self.released)

    def _over_steps(self, momentum: float, steps: int) -> float:
        """Compute the momentum of one pass that moves running statistics as the program's `T` equal passes do."""
        return 1 - (1 - momentum) ** steps if self.released else momentum

    def activity(self, audio: Tensor, visual: Tensor, sizes: list[int]) -> Tensor:
        """Compute r of several passes, one below the other: `[2, N, D]`; arguments as in `encode`."""
        hidden = self.audio_spiking.passes(audio, sizes), self.visual_spiking.passes(visual, sizes)
        attended: Tensor = self.temporal_attention(torch.stack(hidden))
        return attended

    def gated_and_joint(self, audio: Tensor, visual: Tensor, sizes: list[int]) -> tuple[Tensor, Tensor]:
        """Encode several passes, gate the encodings, and let the modalities attend to each other.

            phi'_m = exchange_with_gated(phi_m, r_m),   J = SA( r_a + pos_0, r_v + pos_1 )

        Arguments as in `encode`; returns phi' and J, `[2, N, D]` each, audio before visual.
        """
        active = self.activity(audio, visual, sizes)
        encoded = self.encode(audio, visual, sizes)
        joint = active + self.positions.unsqueeze(1)
        for layer in self.joint_attention:
            joint = layer(joint, sizes)
        return exchange_with_gated(self.transformer, encoded, active, self.positions), joint

    def tokens(self, encoded: Tensor, joint: Tensor) -> Tensor:
        """Compute the four tokens of phi' and J, `[2, N, D]` each: `[4, N, D]`.

        phi'_a + pos_0,  phi'_v + pos_1,  gate(phi'_a, J_a) + pos_0,  gate(phi'_v, J_v) + pos_1
        """
        return torch.cat((encoded, gate(encoded, joint))) + self.positions.repeat(2, 1).unsqueeze(1)

    def released_tokens(self, encoded: Tensor, joint: Tensor, sizes: list[int]) -> Tensor:
        """Compute the four tokens as the program does in training: positions twice, the gate over each pass.

        phi'_m + 2 pos_m,  (phi'_m + pos_m) * G_m + pos_m,  G = softmax of J over the videos of a pass
        """
        positions = self.positions.unsqueeze(1)
        gates = torch.cat([torch.softmax(part, dim=1) for part in torch.split(joint, sizes, dim=1)], dim=1)
        placed = encoded + positions
        return torch.cat((placed, placed * gates)) + positions.repeat(2, 1, 1)

    def fuse(self, audio: Tensor, visual: Tensor, sizes: list[int]) -> tuple[Tensor, Tensor]:
        """Encode several passes, and add what the transformer makes of the first two of four tokens to phi'.

        Arguments as in `encode`; returns phi', and the sum, which is projected: `[2, N, D]` each.
        """
        encoded, joint = self.gated_and_joint(audio, visual, sizes)
        if self.released and self.training:
            tokens = self.released_tokens(encoded, joint, sizes)
        else:
            tokens = self.tokens(encoded, joint)
        return encoded, encoded + self.transformer(tokens)[:2]

    def update_statistics(self, audio: Tensor, visual: Tensor) -> None:
        """Do what scoring would do to the running statistics in one pass of training, and nothing else.

        The tokens are those of scoring in the released form, too, whose program calls its scoring here.
        """
        encoded, joint = self.gated_and_joint(audio, visual, [len(audio)])
        self.update_projections(encoded + self.transformer(self.tokens(encoded, joint))[:2])


class STEN(AVCA[STENConfig]):
    """STEN. As AVCA, it scores the visual embedding."""

    module: STENNet

    precisions: ClassVar[tuple[Precision, ...]] = ("full", "tf32")
    """Attention without a softmax multiplies three factors, which bfloat16 would round."""

    official_names: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def check(cls, config: STENConfig, shape: FeatureDims) -> None:
        """Refuse a momentum above 1 but in the released form."""
        if config.momentum > 1 and config.fidelity == "repaired":
            raise ConfigError(
                f"setting momentum={config.momentum:g}: above 1 a running variance can turn negative; use at most "
                "1, or fidelity=released"
            )

    def build(self) -> STENNet:
        """Build the network on these features."""
        return STENNet(self.shape, self.config)
