"""The gate of AVMST, MSTR and STEN: an encoding exchanges information with itself, gated by a second network.

After the program of Li, Ma, Deng, Man, Fan: "Modality-Fusion Spiking Transformer Network for Audio-Visual
Zero-Shot Learning", ICME 2023. `N` are videos, `D` the width of the encodings; an axis of 2 is audio before
visual.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor


def gate(encoded: Tensor, rates: Tensor) -> Tensor:
    """Compute `phi * softmax(rate)` by element, the softmax over the features: `[..., D]`."""
    return encoded * torch.softmax(rates, dim=-1)


def exchange_with_gated(
    transformer: Callable[[Tensor], Tensor], encoded: Tensor, rates: Tensor, positions: Tensor
) -> Tensor:
    """Let each encoding exchange information with its gated form.

        g_m = gate(phi_m, rate_m),  phi'_a = Transformer([phi_a + pos_0, g_a + pos_0])_0
        phi'_v = Transformer([phi_v + pos_1, g_v + pos_1])_1

    Of the audio the plain token is kept, of the visual the gated one, as in the program.

    Args:
        transformer: maps tokens `[2, ..., D]` to as many.
        encoded: phi, `[2, N, D]`.
        rates: `[2, N, D]`.
        positions: pos, `[2, D]`.

    Returns:
        phi', `[2, N, D]`.
    """
    tokens = torch.stack((encoded, gate(encoded, rates))) + positions.unsqueeze(1)  # [token, modality, N, D]
    exchanged = transformer(tokens)
    return torch.stack((exchanged[0, 0], exchanged[1, 1]))
