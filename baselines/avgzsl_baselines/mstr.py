"""MSTR: AVMST with a second path for each modality, through a low-rank tensor regression layer.

Yang, Li, Hou, Cheng: "Multi-modal spiking tensor regression network for audio-visual zero-shot learning",
Neurocomputing, 2025. The model follows the authors' program; its training script, which stands in the history of
the repository, is AVCA's. In the docstrings `N` are videos, `D` is the width of the encodings and of the
transformer.

Each modality has AVMST's encoding, and a second one from a tensor regression layer on the same features. One and
the same transformer refines both, then lets the encoding of each modality attend to the tensor path of the
other. There are the two forms of AVMST, but the spiking networks are trained in both:

- `repaired`, the default: each modality has a spiking network of its own, at rest before each batch.
- `released`, the program as it is. The visual network runs a single step, in the others the visual features
  enter the audio network, so both must be of one width. Networks come to rest only after a whole forward pass.

In both, the gate is nearly constant, as in AVMST. The tensor path starts silent: for features of length 1 its
values are about 1e-4, next to positions of order 1. The shift of its layer is inert: it moves all `D` features
of a token alike, which every LayerNorm takes back, and what is read is the token of the other path. The
threshold adjustment that the paper describes is not in the program. Left out is a step of the program that
restricts it to batches of 256 samples of 512 features.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import torch
from torch import Tensor, nn

from avgzsl_baselines.avmst import AVMST, AVMSTConfig, AVMSTNet
from avgzsl_baselines.families.tensor_regression import TensorRegression
from avgzsl_bench import FeatureDims, Field


class MSTRConfig(AVMSTConfig):
    """Settings of MSTR."""

    tensor_rank: int = Field(400, ge=1, description="rank R of the tensor regression layers")


class MSTRNet(AVMSTNet):
    """AVMST's network with a tensor regression layer for each modality."""

    def __init__(self, shape: FeatureDims, config: MSTRConfig) -> None:
        super().__init__(shape, config)
        width, rank = config.model_width, config.tensor_rank
        self.audio_regression = TensorRegression(shape.audio, width, rank)
        self.visual_regression = TensorRegression(shape.visual, width, rank)
        self.tensor_positions = nn.Parameter(torch.randn(2, width), requires_grad=config.train_positions)

    def fuse(self, audio: Tensor, visual: Tensor, sizes: list[int]) -> tuple[Tensor, Tensor]:
        """Encode several passes and let each modality attend to the tensor path of the other.

            Y = Transformer([phi'_a + pos_0, phi'_v + pos_1]),   e_m = phi'_m + Y_m
            Z = Transformer([t_a + pos'_0, t_v + pos'_1]),       s_m = t_m + Z_m,     t_m = TRL_m(m)
            f_a = Transformer([e_a + pos_0, s_v + pos'_0])_0,    f_v = Transformer([e_v + pos_1, s_a + pos'_1])_0

        Arguments as in `encode`; returns phi' and f, which is projected: `[2, N, D]` each, audio before visual.
        """
        encoded = self.encode(audio, visual, sizes)
        regressed = torch.stack((self.audio_regression(audio), self.visual_regression(visual)))  # t
        paths = torch.stack((encoded, regressed), dim=1)  # [modality, path, N, D]
        positions = torch.stack((self.positions, self.tensor_positions), dim=1).unsqueeze(2)
        semantic, tensor = (paths + self.transformer(paths + positions)).unbind(dim=1)  # e, s
        tokens = torch.stack((semantic, tensor.flip(0))) + positions.transpose(0, 1)  # [token, modality, N, D]
        return encoded, self.transformer(tokens)[0]


class MSTR(AVMST[MSTRConfig]):
    """MSTR. As AVCA, it scores the visual embedding."""

    module: MSTRNet

    official_names: ClassVar[Mapping[str, str]] = {}

    def build(self) -> MSTRNet:
        """Build the network on these features."""
        return MSTRNet(self.shape, self.config)
