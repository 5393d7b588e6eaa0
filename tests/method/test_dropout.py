"""Dropout: what it does to an input and its gradient, and what it draws from the random stream."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import avgzsl_bench as ab
from avgzsl_bench.method.dropout import LEVELS, draw_kept

RATES = (0.1, 0.2, 0.5, 0.8, 1 / 3)
TYPES = (torch.float32, torch.float64, torch.bfloat16, torch.float16)


def used(rate: float) -> float:
    """The rate that is used for another."""
    return round(rate * LEVELS) / LEVELS


def dropped(x: torch.Tensor, rate: float = 0.3, seed: int = 0) -> torch.Tensor:
    torch.manual_seed(seed)
    y: torch.Tensor = ab.Dropout(rate)(x)
    return y


@pytest.mark.parametrize("dtype", TYPES)
@pytest.mark.parametrize("rate", RATES)
def test_entries_and_gradients_are_multiplied_by_one_over_the_rest_of_the_rate_used_or_zero(rate, dtype):
    x = (torch.rand(64, 33, dtype=torch.float64) + 0.5).to(dtype).requires_grad_()
    y = dropped(x, rate)
    factor = 1 / (1 - used(rate))
    kept = y != 0
    single = torch.promote_types(dtype, torch.float32)  # the product is rounded once
    assert torch.equal(y, torch.where(kept, (x.to(single) * factor).to(dtype), 0))
    assert 0.9 * rate < 1 - kept.double().mean() < 1.1 * rate
    gradient = (torch.rand(64, 33, dtype=torch.float64) + 0.5).to(dtype)
    y.backward(gradient)
    assert torch.equal(x.grad, torch.where(kept, (gradient.to(single) * factor).to(dtype), 0))


def test_a_gradient_has_a_gradient():
    x = torch.rand(5, 7, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(lambda x: dropped(x).square(), x)


@pytest.mark.parametrize("level", [1, 2, 13107, LEVELS // 2, LEVELS - 1])
def test_of_all_values_of_sixteen_bits_as_many_are_dropped_as_the_rate_says(monkeypatch, level):
    every = torch.arange(-(2**15), 2**15).to(torch.int16).view(torch.int64)
    monkeypatch.setattr(torch.Tensor, "random_", lambda self, *arguments, generator: self.copy_(every))
    kept = draw_kept(torch.Size([LEVELS]), level)
    assert (kept == 0).sum() == level
    assert (kept == 1).sum() == LEVELS - level


@given(st.floats(0, 1))
def test_a_rate_is_used_to_within_half_of_two_to_the_minus_sixteen(rate):
    y = dropped(torch.ones(1000), rate)
    assert abs(used(rate) - rate) <= 2**-17
    assert set(y.tolist()) <= {0.0, torch.tensor(1 / (1 - used(rate))).item() if used(rate) < 1 else 0.0}


def test_in_evaluation_and_at_rates_of_zero_and_one_nothing_is_drawn():
    x = torch.randn(40, 5, requires_grad=True)
    torch.manual_seed(0)
    before = torch.get_rng_state()
    assert ab.Dropout(0.3).eval()(x) is x
    assert ab.Dropout(0.0)(x) is x
    assert ab.Dropout(2**-18)(x) is x
    y = ab.Dropout(1.0)(x)
    y.sum().backward()
    assert torch.equal(y, torch.zeros(40, 5))
    assert torch.equal(x.grad, torch.zeros(40, 5))
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("rate", [-0.1, 1.1])
def test_what_is_no_rate_is_refused(rate):
    with pytest.raises(ValueError, match="dropout probability has to be between 0 and 1"):
        ab.Dropout(rate)


def test_a_seed_gives_its_mask_and_another_seed_another_one():
    x = torch.ones(16, 16)
    assert torch.equal(dropped(x, seed=1), dropped(x, seed=1))
    assert not torch.equal(dropped(x, seed=1), dropped(x, seed=2))
    torch.manual_seed(1)
    first, second = ab.Dropout(0.3)(x), ab.Dropout(0.3)(x)
    assert torch.equal(first, dropped(x, seed=1))
    assert not torch.equal(first, second)


@given(st.lists(st.integers(0, 6), max_size=4))
def test_a_mask_of_any_shape_takes_the_first_numbers_of_the_stream_and_one_for_four_entries(shape):
    size = math.prod(shape)
    x = torch.rand(shape) + 1
    y = dropped(x)
    state = torch.get_rng_state()
    assert y.shape == x.shape
    flat = dropped(torch.ones(2000))[:size].view(shape)
    assert torch.equal(y == 0, flat == 0)
    torch.manual_seed(0)
    torch.empty(math.ceil(size / 4), dtype=torch.int64).random_(-(2**63), None)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    "lying",
    [
        lambda x: x.permute(2, 0, 1).contiguous().permute(1, 2, 0),
        lambda x: torch.stack((x, x), dim=-1)[..., 1],
        lambda x: torch.cat((x, x), dim=1)[:, :5],
    ],
)
def test_a_mask_does_not_depend_on_how_its_input_lies_in_memory(lying):
    x = torch.rand(4, 5, 6) + 1
    other = lying(x)
    assert torch.equal(other, x)
    assert not other.is_contiguous()
    assert torch.equal(dropped(other), dropped(x))


def test_equal_entries_of_an_expanded_input_are_dropped_each_by_itself():
    y = dropped(torch.ones(1).expand(1000), 0.5)
    assert 400 < (y == 0).sum() < 600


def test_under_autocast_the_type_stays_that_of_the_input():
    layer = torch.nn.Linear(8, 8)
    with torch.autocast("cpu", torch.bfloat16):
        mapped = layer(torch.randn(4, 8))
        y = dropped(mapped, 0.5)
    assert y.dtype == mapped.dtype == torch.bfloat16
    assert torch.equal(y, torch.where(y == 0, 0, 2 * mapped))


def test_it_is_a_dropout_of_torch_without_parameters_or_state():
    layer = ab.Dropout(0.25)
    assert isinstance(layer, torch.nn.Dropout)
    assert layer.p == 0.25
    assert not layer.state_dict()


def test_off_the_cpu_it_is_torchs_own_dropout(monkeypatch):
    calls = []
    monkeypatch.setattr(torch.nn.functional, "dropout", lambda *arguments: calls.append(arguments) or arguments[0])
    x = torch.ones(3, 4, device="meta")
    assert ab.Dropout(0.25)(x) is x
    assert calls == [(x, 0.25)]
    assert ab.Dropout(0.25).eval()(x) is x
    assert len(calls) == 1
