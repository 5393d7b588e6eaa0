from __future__ import annotations

from fractions import Fraction

import pytest

from avgzsl_bench.encoders.decoding.frame_choice import FrameChoice, parse_frame_choice, step_indices
from avgzsl_bench.encoders.decoding.timeline import Timeline
from avgzsl_bench.errors import ConfigError

UNEVEN = [20 * i if i < 50 else 1000 + 60 * (i - 50) for i in range(100)]


def timeline(count: int, *, rate: Fraction | int | None = 25, times: list[int] | None = None) -> Timeline:
    base = Fraction(1, 1000)
    return Timeline.of(times or [None] * count, base, None if rate is None else Fraction(rate))


@pytest.mark.parametrize(
    ("count", "middle", "uniform"),
    [
        (164, 82, [10, 30, 51, 71, 92, 112, 133, 153]),
        (131, 65, [8, 24, 40, 57, 73, 90, 106, 122]),
        (355, 177, [22, 66, 110, 155, 199, 244, 288, 332]),
        (8, 4, [0, 1, 2, 3, 4, 5, 6, 7]),
        (5, 2, [0, 0, 1, 2, 2, 3, 4, 4]),
        (1, 0, [0] * 8),
    ],
)
def test_frames_by_index(count: int, middle: int, uniform: list[int]) -> None:
    assert FrameChoice(None).indices(timeline(count)) == [middle]
    assert FrameChoice(8).indices(timeline(count)) == uniform


def test_with_a_variable_rate_frames_are_chosen_by_time_but_the_middle_by_index() -> None:
    uneven = timeline(100, times=UNEVEN)
    assert uneven.varies
    assert FrameChoice(8).indices(uneven) == [12, 37, 54, 62, 70, 78, 87, 95]
    assert FrameChoice(None).indices(uneven) == [50]


@pytest.mark.parametrize("count", [1, 2, 7, 24, 301])
def test_with_a_constant_rate_time_and_index_give_the_same(count: int) -> None:
    """The rule by time, written out, against the choice, which goes by index for a constant rate."""
    times = [40 * i for i in range(count)]
    length = Fraction(40 * count)
    by_time = [max(k for k in range(count) if times[k] <= Fraction(2 * i + 1, 16) * length) for i in range(8)]
    assert FrameChoice(8).indices(timeline(count, times=times)) == by_time


@pytest.mark.parametrize(
    "times",
    [
        [0, 40, 40, 200, 240],  # twice the same
        [40, 0, 120, 80, 160],  # back and forth, as with packed B-frames
        [0, 33, 67, 100, 133, 167],  # rounded to milliseconds
        [0, 1000],  # one step is no rate
    ],
)
def test_times_that_do_not_make_a_variable_rate(times: list[int]) -> None:
    assert not timeline(len(times), times=times).varies


def test_times_that_are_missing_are_not_relied_on() -> None:
    assert Timeline.of([0, None, 500, 510], Fraction(1, 1000), Fraction(25)).times is None


def test_the_length_goes_by_the_rate_and_by_time_where_that_varies() -> None:
    assert timeline(164).seconds == Fraction(164, 25)
    assert timeline(100, times=UNEVEN).seconds == Fraction(3940 * 100, 99 * 1000)
    assert timeline(50, rate=None, times=[40 * i for i in range(50)]).seconds == 2
    assert timeline(1, rate=None).seconds == 0


@pytest.mark.parametrize(
    ("count", "rate", "indices"),
    [
        (100, 25, [12, 37, 62, 87]),
        (131, 25, [12, 37, 62, 87, 112]),
        (300, Fraction(30000, 1001), [14, 44, 74, 104, 134, 164, 194, 224, 254, 284]),
        (8, 25, [7]),  # shorter than half a second: the last one
        (1, 25, [0]),
        (1, None, [0]),
    ],
)
def test_steps_have_the_frame_at_the_half_of_each_second(
    count: int, rate: Fraction | int | None, indices: list[int]
) -> None:
    assert step_indices(timeline(count, rate=rate)) == indices


def test_steps_go_by_time_where_the_rate_varies() -> None:
    assert step_indices(timeline(100, times=UNEVEN)) == [25, 58, 75]


def test_a_sequence_has_at_most_600_steps() -> None:
    assert len(step_indices(timeline(25 * 1000))) == 600


@pytest.mark.parametrize("text", ["middle", "uniform:1", "uniform:8", "uniform:1000"])
def test_choices_are_read_and_written(text: str) -> None:
    assert str(parse_frame_choice(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "uniform", "uniform:", "uniform:0", "uniform:-1", "uniform:1001", "uniform:٣", "uniform:" + "9" * 99],
)
def test_other_choices_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="use 'middle' or 'uniform:N'") as caught:
        parse_frame_choice(text)
    assert "\n" not in str(caught.value)
