"""All dropout of the methods is `avgzsl_bench.Dropout`, in its one implementation."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from method_lists import NOT_BY_GRADIENT
from pinned_values import own_methods
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

import avgzsl_bench as ab
from avgzsl_bench.method.dropout import kept_entries
from avgzsl_bench.testing.trial import Trial

OTHERS = (F.dropout, torch.dropout, torch.dropout_, F.alpha_dropout, F.feature_alpha_dropout, F.dropout1d)
OTHERS += (torch.bernoulli, torch.Tensor.bernoulli, torch.Tensor.bernoulli_, torch.native_dropout)
WITHOUT = {"apn", "avfs", "fvaegan", *NOT_BY_GRADIENT}


class Watching(TorchFunctionMode):
    """Counts the masks of `avgzsl_bench.Dropout` and those that are drawn in another way."""

    masks, others = 0, 0

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        named = kwargs or {}
        self.masks += function is kept_entries
        self.others += function in OTHERS or bool(named.get("dropout_p"))
        return function(*args, **named)


@pytest.mark.parametrize("spec", own_methods(), ids=lambda spec: spec.name)
def test_a_method_draws_masks_in_one_way(spec: ab.MethodSpec) -> None:
    trial = Trial.of(spec)
    method = trial.build()
    with Watching() as watching:
        method.train_epoch(trial.task.train)
    assert watching.others == 0
    assert (watching.masks == 0) == (spec.name in WITHOUT)


def test_other_ways_are_noticed() -> None:
    x = torch.ones(2, 3, 4)
    with Watching() as watching:
        torch.nn.Dropout()(x)
        F.scaled_dot_product_attention(x, x, x, dropout_p=0.5)
        torch.empty(3).bernoulli_(0.5)
    assert (watching.masks, watching.others) == (0, 3)
