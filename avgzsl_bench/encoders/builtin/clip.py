"""CLIP ViT-B/32: pictures and texts in one space.

Source: Radford et al., Learning Transferable Visual Models From Natural Language Supervision, ICML 2021.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from avgzsl_bench.encoders.builtin.text import TextTower
from avgzsl_bench.encoders.encoder import Encoder, VisualInput
from avgzsl_bench.encoders.inference import encode_blocks, unit_length
from avgzsl_bench.encoders.pixels import pixels_of
from avgzsl_bench.encoders.weights.files import required
from avgzsl_bench.encoders.weights.pretrained import load_network, load_tokenizer
from avgzsl_bench.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import torch

_FRAMES = 16
"""Frames of a block, of 50 tokens each. On a CPU larger ones gain nothing, and from 32 on the system hands out new
memory for each step of the network, which takes an eighth of the time."""


class Clip(Encoder):
    """CLIP: projected vectors of frames and texts, each of unit length."""

    visual_input = VisualInput(
        short_side=224,
        cut=224,
        interpolation="bicubic",
        mean=(0.48145466, 0.4578275, 0.40821073),
        std=(0.26862954, 0.26130258, 0.27577711),
    )

    def __init__(self, weights: Path | None, device: torch.device) -> None:
        super().__init__(weights, device)
        folder = required(weights)
        self._network = load_network("CLIPVisionModelWithProjection", "clip", folder, device)
        size = self._network.config.image_size
        if size != self.visual_input.cut:
            raise DataError(f"weights in {folder} are for frames of {size} pixels, not {self.visual_input.cut}")
        text = load_network("CLIPTextModelWithProjection", "clip", folder, device)
        self._text = TextTower(text, load_tokenizer(folder, text), longest=77)

    def settings(self) -> dict[str, object]:
        """Give the number of tokens that texts are cut to."""
        return {"text": self._text.settings()}

    def encode_frames(self, frames: np.ndarray) -> np.ndarray:
        """Encode cut frames, uint8 `[n, 224, 224, 3]`: float32 `[n, d]`, of unit length."""

        def encode(block: np.ndarray) -> torch.Tensor:
            return self._encode(pixels_of(block, self.visual_input, self.device))

        return encode_blocks(encode, frames, _FRAMES, self.device)

    def encode_pixels(self, pixels: torch.Tensor) -> np.ndarray:
        """Encode what the network takes, float32 `[n, 3, 224, 224]`: float32 `[n, d]`, of unit length."""
        return encode_blocks(self._encode, pixels.to(self.device), _FRAMES, self.device)

    def encode_text(self, text: Sequence[str]) -> np.ndarray:
        """Encode texts: float32 `[n, d]`, of unit length."""
        return self._text.encode(text, self.device, lambda output: output.text_embeds)

    def _encode(self, pixels: torch.Tensor) -> torch.Tensor:
        return unit_length(self._network(pixel_values=pixels).image_embeds)
