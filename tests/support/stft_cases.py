"""What the tests of STFT share."""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from avca_family import NO_DROPOUT
from built_methods import build

from avgzsl_baselines.stft import STFT
from avgzsl_bench import FeatureDims

PRINTED_7 = 5.1e-8
SINGLE = 2.5e-7
"""For the few worked examples that were computed, hence printed, in single precision."""
make = partial(build, STFT)


SMALL = {
    "model_width": 16,
    "hidden_width": 12,
    "embedding_width": 5,
    "slots": 2,
    "heads": 2,
    "head_width": 3,
    "feed_forward_width": 7,
    "tucker_rank": 4,
}


def small(shape: FeatureDims | None = None, **settings: Any) -> STFT:
    """A small network with random weights and without dropout, five classes."""
    torch.manual_seed(0)
    return make(shape or FeatureDims(6, 7, {"word2vec": 12}), torch.randn(5, 12), **NO_DROPOUT | SMALL | settings)
