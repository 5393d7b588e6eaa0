"""Hyper-alignment, Hyper-single, Hyper-multiple: AVCA with one more loss, which aligns its two encodings.

Hong, Hayder, Han, Fang, Harandi, Petersson: "Hyperbolic Audio-visual Zero-shot Learning", ICCV 2023, arXiv
2308.12558; after the authors' program. The encodings of a batch are taken for points of a Poincaré ball, brought
to its tangent space, and how similar its videos are to each other by sound is to agree with how similar they are
by sight (`families.hyperbolic`). The variants differ in the ball's curvature: a constant (alignment), one
learnt for each video (single), or several, over which the loss is averaged (multiple). Scoring is AVCA's.

Expect AVCA's figures. The program is followed as it stands, and:

- The curvature has no effect. Into the ball and back, a vector keeps its direction, and the similarity is a
  cosine: value and gradient of the loss are the same for every curvature. The three variants are one method, AVCA
  plus `1e-3` times a Euclidean alignment, and runs of them differ by rounding and by the random numbers that the
  curvature head's weights take. Before July 2024 the program had products of norms in place of cosines (`gram =
  "norm_product"`); there practically every encoding is clipped to the rim of the ball, where that loss vanishes.
- The loss is too small to matter: at its published weight its gradient in the encoders is at most some 1e-4 of
  that of AVCA's losses.
- The curvature head gets no gradient but rounding. Weight decay, of which Adam makes full-size steps, takes its
  weights to zero within some hundred updates; then every curvature is `gamma / 2`.

A comparison with AVCA at the same seeds shows more than one with the printed figures. In hyper-poincare, a
variant of ours, curvature acts; it is never listed as Hyper.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn
from typing_extensions import TypeVar

from avgzsl_baselines.avca import AVCA
from avgzsl_baselines.families.avca_losses import Embedded
from avgzsl_baselines.families.avca_network import AVCAConfig, AVCANet
from avgzsl_baselines.families.hyperbolic import Gram, alignment
from avgzsl_bench import ConfigError, FeatureDims, Field, Precision


class HyperConfig(AVCAConfig):
    """Settings of Hyper-alignment and Hyper-single."""

    gamma: float = Field(
        0.15, gt=0, description="curvature of the ball is minus this; learnt curvatures lie between that and 0"
    )
    align_weight: float = Field(1e-3, ge=0, description="weight of the alignment loss")
    gram: Gram = Field(
        "cosine",
        description="similarity of two videos in the alignment loss: cosine, as published, where curvature has no "
        "effect; norm_product, the published program before July 2024; or poincare, the distance in the ball, "
        "which is ours and only for hyper_poincare",
    )


class HyperMultipleConfig(HyperConfig):
    """Settings of Hyper-multiple."""

    curvatures: int = Field(3, ge=1, description="number N of curvatures learnt for a video")


class HyperNet(AVCANet):
    """AVCA's network and the head that gives a video's curvatures; if none is learnt, gamma is that of all."""

    def __init__(self, shape: FeatureDims, config: HyperConfig, learnt: int) -> None:
        super().__init__(shape, config)
        self.gamma = config.gamma
        # Last, so that all else starts from the same random numbers as AVCA.
        self.curvature_head = nn.Linear(2 * config.model_width, learnt) if learnt else None

    def curvature(self, encoded: Tensor) -> Tensor:
        """Compute `c_j = gamma sigmoid(Linear([phi_v; phi_a]))_j` of phi, audio before visual, `[2, ..., D]`.

        Returns `[N, ..., 1]`, or the constant gamma with as many axes, all of length 1.
        """
        if self.curvature_head is None:
            return encoded.new_full((1,) * encoded.ndim, self.gamma)
        audio, visual = encoded
        learnt: Tensor = self.curvature_head(torch.cat((visual, audio), dim=-1))
        return self.gamma * torch.sigmoid(learnt).movedim(-1, 0).unsqueeze(-1)


AnyHyperConfig = TypeVar("AnyHyperConfig", bound=HyperConfig, default=HyperConfig, covariant=True)


class Hyper(AVCA[AnyHyperConfig]):
    """AVCA with the alignment loss; variants say how many curvatures are learnt."""

    module: HyperNet

    learnt_curvatures: ClassVar[int] = 0
    """Curvatures that are learnt for each video."""

    precisions: ClassVar[tuple[Precision, ...]] = ("full", "tf32")
    """Points near the rim of the ball differ in digits that bfloat16 does not have."""

    official_names: ClassVar[Mapping[str, str]] = {}

    @classmethod
    def check(cls, config: AnyHyperConfig, shape: FeatureDims) -> None:  # type: ignore[misc]  # always its own Config
        """Refuse what is not the published method under its name."""
        if config.gram == "poincare":
            raise ConfigError("setting gram=poincare: not Hyper but ours; use --method hyper_poincare")

    def build(self) -> HyperNet:
        """Build AVCA's network with a curvature head."""
        return HyperNet(self.shape, self.config, self.learnt_curvatures)

    def terms(self, embedded: Embedded) -> dict[str, Tensor]:
        """AVCA's losses and the alignment of the encodings, of the samples and of their negatives.

        alignment = align_weight / N * sum_j A_{c_j}(phi_v, phi_a) + A_{c_j'}(phi_v', phi_a')
        """
        encoded = torch.stack((embedded.encoded, embedded.other_encoded), dim=1)  # [2, 2, B, D]
        aligned = alignment(encoded.unsqueeze(1), self.module.curvature(encoded), self.config.gram)  # [N, 2]
        weighted = self.config.align_weight * aligned.mean(dim=0).sum()
        return {**super().terms(embedded), "alignment": weighted}


class HyperAlignment(Hyper):
    """Hyper-alignment: one constant curvature."""


class HyperSingle(Hyper):
    """Hyper-single: one curvature for each video."""

    learnt_curvatures = 1


class HyperPoincare(HyperSingle):
    """hyper-poincare, ours: Hyper-single with distances in the ball, on which its curvature acts."""

    @classmethod
    def check(cls, config: HyperConfig, shape: FeatureDims) -> None:
        """Refuse what would be Hyper-single."""
        gram = config.gram
        if gram != "poincare":
            raise ConfigError(f"setting gram={gram}: that is Hyper-single; use --method hyper_single")


class HyperMultiple(Hyper[HyperMultipleConfig]):
    """Hyper-multiple: several curvatures for each video, over which the loss is averaged."""

    def build(self) -> HyperNet:
        """Build AVCA's network with a head for as many curvatures as configured."""
        return HyperNet(self.shape, self.config, self.config.curvatures)
