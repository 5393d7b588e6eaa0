"""The text half of an encoder: a tokenizer and a network of transformers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from avgzsl_bench.encoders.inference import encode_blocks, unit_length

if TYPE_CHECKING:
    import numpy as np
    import torch

_TEXTS = 256
"""Texts of a block."""


@dataclass(frozen=True)
class TextTower:
    """A network with its tokenizer.

    Attributes:
        network: of transformers, as loaded.
        tokenizer: that makes its tokens.
        longest: tokens that a text is cut to; shorter ones of a block are padded, and the padding is masked.
    """

    network: Any
    tokenizer: Any
    longest: int

    def settings(self) -> dict[str, object]:
        """Give the number of tokens that texts are cut to."""
        return {"tokens": self.longest}

    def encode(
        self, text: Sequence[str], device: torch.device, vectors: Callable[[Any], torch.Tensor]
    ) -> np.ndarray:
        """Encode texts: float32 `[n, d]`, of unit length.

        Args:
            text: the texts.
            device: of the network.
            vectors: takes vectors `[n, d]` out of what the network gives.
        """

        def encode(block: Sequence[str]) -> torch.Tensor:
            tokens = self.tokenizer(
                list(block), padding=True, truncation=True, max_length=self.longest, return_tensors="pt"
            )
            return unit_length(vectors(self.network(**tokens.to(device))))

        return encode_blocks(encode, text, _TEXTS, device)
