"""Matrix products are counted forwards and backwards; a share of time is measured, never asserted."""

from __future__ import annotations

import torch
from products import dropout_share, operations
from torch import nn

from avgzsl_bench import Dropout


def test_products_of_a_linear_map_are_counted_in_both_directions():
    linear, inputs = nn.Linear(5, 7), torch.randn(3, 5, requires_grad=True)
    once = 2 * 3 * 5 * 7
    assert operations(lambda: linear(inputs)) == once
    assert operations(lambda: linear(inputs).sum().backward()) == 3 * once
    assert operations(lambda: nn.functional.relu(inputs) + 1) == 0


def test_drawing_masks_has_a_share_and_nothing_else_has():
    inputs, drop = torch.ones(64, 512), Dropout(0.1)
    assert 0 < dropout_share(lambda: drop(inputs), repeats=3) < 1
    assert dropout_share(lambda: inputs * 2, repeats=3) == 0
