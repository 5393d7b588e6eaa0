"""W_enc: the layer in front of the text side of CJME, AVGZSLNet and AVCA where classes have several embeddings.

The three were published for one word vector of 300 numbers a class. On CLIP and CLAP features they were
reported by Kurzendörfer, Mercea, Koepke, Akata: "Audio-Visual Generalized Zero-Shot Learning using Pre-Trained
Large Multi-Modal Models", CVPR Workshops 2024, with "one additional layer" from the two text embeddings side by
side; no program for them is public. Its 300 outputs follow from the parameter counts in that paper. That it has
batch normalisation, ReLU and dropout, as the layer of that name in ClipClap-GZSL has, is our choice. Where a loss
aims at a class's word vector, it aims at the output of W_enc, through which gradients flow, as they do in
ClipClap-GZSL.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from avgzsl_baselines.families.layers import LinearBlock

ADAPTED_WIDTH = 300
"""Outputs of W_enc: the width of the word vectors that the methods were published for."""


class TextAdapter(nn.Module):
    """`w` of a class: its only text embedding as it is, or W_enc of several, of the given widths, side by side."""

    def __init__(self, text: Mapping[str, int], dropout: float) -> None:
        super().__init__()
        joined = sum(text.values())
        several = len(text) > 1
        self.width = ADAPTED_WIDTH if several else joined
        self.encoder = LinearBlock(joined, ADAPTED_WIDTH, dropout) if several else None

    def forward(self, text: Tensor) -> Tensor:
        """Text embeddings side by side, `[K, Dw]`, to `w`, `[K, width]`."""
        encoded: Tensor = text if self.encoder is None else self.encoder(text)
        return encoded

    def passes(self, text: Tensor, rows: Sequence[Tensor], block: LinearBlock) -> tuple[Tensor, Tensor]:
        """`w` and `block(w)` of some rows of `text`, for several lists of rows, each a pass of its own.

        A pass has its own batch statistics and dropout masks. Linear maps are the same for all, so the first
        is applied to the rows of `text`, of which there are as many as classes, before they are repeated.

        Args:
            text: float `[R, Dw]`.
            rows: int64 vectors, positions in `text`; one per pass.
            block: what the texts enter.

        Returns:
            `w` `[N, width]` and `block(w)` `[N, outputs]`, the passes one below the other.
        """
        sizes = [len(part) for part in rows]
        row = torch.cat(list(rows))
        if self.encoder is None:
            outputs = block.linear(text).index_select(0, row)
            return text.index_select(0, row), block.activate_passes(outputs, sizes)
        words = self.encoder.activate_passes(self.encoder.linear(text).index_select(0, row), sizes)
        return words, block.passes(words, sizes)
