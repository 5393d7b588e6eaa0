"""The semantic path of STFT and its meeting with the temporal one: latent knowledge combiner, Tucker fusion.

After Li, Wang, Xiong, Fan: "Spiking Tucker Fusion Transformer for Audio-Visual Zero-Shot Learning", IEEE
Transactions on Image Processing 33, 2024, arXiv 2407.08130 (its Eq. 1 to 4 and 10 to 13), as reconstructed in
`avgzsl_baselines.stft`. `N` are videos, `D` the width of the encodings; an axis of 2 is audio before visual.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.families.token_attention import TokenAttention, TokenLayer, attend
from avgzsl_bench import Dropout


class TripleAttention(TokenAttention):
    """Multi-head attention of a triple's first two tokens to all three."""

    def forward(self, tokens: Tensor) -> Tensor:
        """Map `[3, N, D]` to `[2, N, D]`."""
        query, key, value = self.mapped(tokens)
        return self.merged(attend(query[:2], key, value))


class TripleLayer(TokenLayer):
    """A transformer layer on triples of tokens, of which the third is read and not returned."""

    def __init__(self, width: int, heads: int, head_width: int, feed_forward: int, dropout: float) -> None:
        super().__init__(width, heads, head_width, feed_forward, dropout)
        self.attention = TripleAttention(width, heads, head_width, dropout)

    def forward(self, tokens: Tensor) -> Tensor:
        """Map `[3, N, D]` to `[2, N, D]`."""
        pair = tokens[:2] + self.attention(self.attention_norm(tokens))
        output: Tensor = pair + self.feed_forward(self.feed_forward_norm(pair))
        return output


class KnowledgeCombiner(nn.Module):
    """The latent knowledge combiner (LKC): each modality recalls what slots hold, and both share a third token.

    The slots are matrices K_i; the three tokens enter `layer`.
    """

    def __init__(self, width: int, slots: int, layer: TripleLayer) -> None:
        super().__init__()
        matrices = [nn.init.xavier_uniform_(torch.empty(width, width)) for _ in range(slots)]
        self.slots = nn.Parameter(torch.stack(matrices))
        self.audio_map = nn.Linear(width, width)  # W_a
        self.visual_map = nn.Linear(width, width)  # W_v
        self.share = nn.Parameter(torch.zeros(()))  # the logit of alpha
        self.prior = nn.Parameter(torch.zeros(width))  # k_0
        self.layer = layer

    def recall(self, encoded: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Recall the knowledge of each modality, map it, and compute what both have in common.

            k_m = sum_i sigmoid(phi_m K_i^T) * phi_m                              (Eq. 1)
            P_m = ReLU(W_m k_m)                                                   (Eq. 2)
            k_t = alpha (P_a * k_a + P_v * k_v) + (1 - alpha) k_0                 (Eq. 3)

        The paper's second term in Eq. 3 is the knowledge of the step before; here it is a learnt prior, so that
        a video's embedding depends on no other video. Returns k and P, as phi `[2, N, D]`, and k_t, `[N, D]`.
        """
        recalled = torch.sigmoid(F.linear(encoded, self.slots.flatten(0, 1)))
        knowledge = recalled.view(*encoded.shape[:2], *self.slots.shape[:2]).sum(dim=-2) * encoded
        projected = F.relu(torch.stack((self.audio_map(knowledge[0]), self.visual_map(knowledge[1]))))
        shared = torch.lerp(self.prior, (projected * knowledge).sum(dim=0), torch.sigmoid(self.share))
        return knowledge, projected, shared

    def forward(self, encoded: Tensor) -> Tensor:
        """R, `[2, N, D]`, of phi, `[2, N, D]`: the first two tokens behind the layer, normalised (Eq. 4)."""
        knowledge, projected, shared = self.recall(encoded)
        combined = self.layer(torch.cat((knowledge + projected + shared, shared.unsqueeze(0))))
        return F.layer_norm(combined, combined.shape[-1:])


class TuckerFusion(nn.Module):
    """A bilinear map of two vectors whose tensor is in low-rank Tucker form (Eq. 10 to 13).

        y_k = sum_ij (U_s R)_i (U_t S)_j G_ijk,  Y = U_o dropout(y) + b

    Both vectors and Y are of one width; each side of the core G is of the rank.
    """

    def __init__(self, width: int, rank: int, dropout: float) -> None:
        super().__init__()
        self.semantic = nn.Linear(width, rank, bias=False)  # U_s
        self.temporal = nn.Linear(width, rank, bias=False)  # U_t
        self.core = nn.Parameter(torch.randn(rank, rank, rank) / rank)  # G
        self.output = nn.Linear(rank, width)  # U_o
        self.dropout = Dropout(dropout)

    def forward(self, semantic: Tensor, temporal: Tensor) -> Tensor:
        """Y of R and S: `[N, width]` each."""
        fused = torch.einsum("ni,nj,ijk->nk", self.semantic(semantic), self.temporal(temporal), self.core)
        output: Tensor = self.output(self.dropout(fused))
        return output
