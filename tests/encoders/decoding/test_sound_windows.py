from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from avgzsl_bench.encoders.decoding.excerpts import Excerpts
from avgzsl_bench.encoders.decoding.windows import clip_windows, middle_window, step_windows

W = 320_000


@pytest.mark.parametrize(
    ("length", "windows"),
    [
        (1, [range(1)]),
        (209_816, [range(209_816)]),
        (W, [range(W)]),
        (W + 1, [range(W)]),
        (320_450, [range(225, 320_225)]),
        (336_000, [range(8000, 328_000)]),  # 5 % longer
        (336_001, [range(W), range(16_001, 336_001)]),
        (581_057, [range(W), range(261_057, 581_057)]),
    ],
)
def test_windows_of_a_clip(length: int, windows: list[range]) -> None:
    assert clip_windows(length, W) == windows


@pytest.mark.parametrize("length", [700_000, 961_999, 3_200_001, 3_840_000, 3_840_001, 115_200_000])
def test_windows_of_a_long_clip(length: int) -> None:
    windows = clip_windows(length, W)
    assert len(windows) == min(12, -(-length // W))
    assert windows[0].start == 0
    assert windows[-1].stop == length
    for i, window in enumerate(windows):
        exact = Fraction(i * (length - W), len(windows) - 1)
        assert len(window) == W
        assert abs(window.start - exact) <= Fraction(1, 2)


def test_halves_are_rounded_to_even() -> None:
    assert [window.start for window in clip_windows(25, 10)] == [0, 8, 15]
    assert [window.start for window in clip_windows(23, 10)] == [0, 6, 13]


@pytest.mark.parametrize("length", [5, W, W + 1, 871_585])
def test_the_middle_is_that_of_the_published_recipe(length: int) -> None:
    window = middle_window(length, W)
    center = length // 2
    expected = (center - W // 2, center + W // 2) if length > W else (0, length)
    assert (window.start, window.stop) == expected


@pytest.mark.parametrize(
    ("length", "step", "size", "windows"),
    [
        (104_908, 16_000, 16_000, [range(16_000 * k, 16_000 * (k + 1)) for k in range(6)]),
        (15_999, 16_000, 16_000, [range(15_999)]),
        (83_174, 7_680, 15_600, [range(7_680 * k, 7_680 * k + 15_600) for k in range(9)]),  # YAMNet
        (1_000, 7_680, 15_600, [range(1_000)]),
    ],
)
def test_steps_of_a_sequence(length: int, step: int, size: int, windows: list[range]) -> None:
    assert step_windows(length, step, size) == windows


def test_a_sequence_of_sound_has_at_most_600_steps() -> None:
    assert len(step_windows(10_000_000, 10_000, 10_000)) == 600


@pytest.mark.parametrize("seed", range(20))
def test_excerpts_of_pieces_are_those_of_the_whole(seed: int) -> None:
    random = np.random.default_rng(seed)
    whole = random.normal(size=500).astype(np.float32)
    lead = int(random.integers(0, 40))
    step, size = (int(number) for number in random.integers(1, 90, 2))
    windows = step_windows(500 + lead, step, size)
    excerpts = Excerpts(windows, lead)
    for piece in np.split(whole, np.sort(random.integers(0, 500, 30))):
        excerpts.add(piece)
    led = np.concatenate([np.zeros(lead, np.float32), whole])
    assert len(excerpts.arrays()) == len(windows)
    for array, window in zip(excerpts.arrays(), windows, strict=True):
        np.testing.assert_array_equal(array, led[window.start : window.stop])
