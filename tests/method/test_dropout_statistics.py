"""Masks of dropout are as random as they should be: rate, neighbours, numbers, rows, calls and seeds.

Seeds are fixed, so a test always sees the same masks. Each statistic is about normal with variance 1 when entries
are independent with the rate used; `LIMIT` is passed once in 1.7 million times.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor

import avgzsl_bench as ab
from avgzsl_bench.method.dropout import LEVELS

LIMIT = 5.0
ENTRIES = 12_000_000
RATES = (0.1, 0.2, 0.5, 0.8, 1 / 3, 0.05)


def masks(rate: float, *shape: int, seed: int = 0) -> Tensor:
    """Whether entries are dropped, bool."""
    torch.manual_seed(seed)
    found: Tensor = ab.Dropout(rate)(torch.ones(shape)) == 0
    return found


def used(rate: float) -> float:
    return round(rate * LEVELS) / LEVELS


def deviations(mask: Tensor, rate: float, dim: int | None = None) -> Tensor:
    """Standard deviations by which more entries are dropped than expected, along `dim` or in all."""
    count = mask.sum() if dim is None else mask.sum(dim)
    size = mask.numel() / count.numel()
    return (count.double() - size * rate) / (size * rate * (1 - rate)) ** 0.5


def correlation(one: Tensor, other: Tensor, rate: float) -> float:
    """Correlation of two masks less their rate, in standard deviations of that of independent ones."""
    return float(one @ other) / (rate * (1 - rate) * len(one) ** 0.5)


@pytest.fixture(scope="module", params=RATES, ids=lambda rate: f"{rate:.2g}")
def drawn(request: pytest.FixtureRequest) -> tuple[float, Tensor]:
    """A rate as it is used, and a long mask of it."""
    return used(request.param), masks(request.param, ENTRIES)


def test_the_rate_is_that_used(drawn):
    rate, mask = drawn
    assert abs(deviations(mask, rate)) < LIMIT


def test_all_four_parts_of_a_number_have_the_rate(drawn):
    rate, mask = drawn
    assert deviations(mask.view(-1, 4), rate, dim=0).abs().max() < LIMIT


def test_neighbours_and_entries_of_other_rows_are_uncorrelated(drawn):
    """Also at widths of layers, and at the 624 words of the generator's state."""
    rate, mask = drawn
    centred = mask.float() - rate
    for lag in (*range(1, 9), 64, 300, 512, 624, 1248, 2496):
        assert abs(correlation(centred[:-lag], centred[lag:], rate)) < LIMIT, lag


@pytest.mark.parametrize("offset", range(4))
def test_fours_in_a_row_have_all_sixteen_patterns_as_often_as_expected(drawn, offset):
    """Chi-square; at offset 0 a four is one number of the generator."""
    rate, mask = drawn
    fours = mask[offset : offset - 4 if offset else None].view(-1, 4)
    pattern = (fours * torch.tensor([1, 2, 4, 8])).sum(1)
    bits = torch.arange(16).unsqueeze(1) // torch.tensor([1, 2, 4, 8]) % 2 == 1
    chance = torch.where(bits, rate, 1 - rate).double().prod(1).numpy()
    observed = np.bincount(pattern.numpy(), minlength=16)
    assert stats.chisquare(observed, chance * len(pattern)).pvalue > 1e-5


def test_no_entry_follows_from_the_two_at_its_place_in_the_numbers_before():
    places = masks(0.5, ENTRIES).view(-1, 4)
    for place in places.T:
        parity = place[:-2] ^ place[1:-1] ^ place[2:]
        assert abs(deviations(parity, 0.5)) < LIMIT


@pytest.mark.parametrize("rate", [0.2, 1 / 3])
def test_rows_and_columns_scatter_as_binomial_numbers_do(rate):
    """The sum of squares of what rows, and columns, are above expectation is chi-square distributed."""
    mask = masks(rate, 4099, 1022)
    for dim in (0, 1):
        squares = deviations(mask, used(rate), dim).square()
        degrees = len(squares)
        assert abs(float(squares.sum()) - degrees) / (2 * degrees) ** 0.5 < LIMIT


@pytest.mark.parametrize("rate", [0.2, 0.5])
def test_calls_that_follow_each_other_and_other_seeds_give_independent_masks(rate):
    torch.manual_seed(0)
    layer, x = ab.Dropout(rate), torch.ones(1023, 1021)  # the last number of a call has a part to spare
    calls = [layer(x) == 0 for _ in range(4)]
    others = [masks(rate, 1023, 1021, seed=seed) for seed in (1, 2)]
    centred = [mask.flatten().float() - used(rate) for mask in calls + others]
    for number, one in enumerate(centred):
        for other in centred[:number]:
            assert abs(correlation(one, other, used(rate))) < LIMIT


@pytest.mark.parametrize("rate", [0.1, 1 / 3, 0.8])
def test_the_mean_is_kept(rate):
    """Over the dropout of a number: mean 1 and variance `rate / (1 - rate)`."""
    torch.manual_seed(0)
    y = ab.Dropout(rate)(torch.ones(ENTRIES, dtype=torch.float64))
    deviation = (used(rate) / (1 - used(rate)) / ENTRIES) ** 0.5
    assert abs(float(y.mean()) - 1) < LIMIT * deviation
    assert float(y.var()) == pytest.approx(rate / (1 - rate), rel=2e-3)
