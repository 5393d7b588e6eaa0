"""Clips in worker processes: results in order, and workers that are replaced."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator

import pytest
from clip_workers import BIG, CRASH, HANG, RAISE, doubled

from avgzsl_bench.encoders.extraction.decoding_pool import Failed, decoding_pool


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order_whatever_happens_to_some(workers: int) -> None:
    numbers = [3, 1, CRASH, 2, RAISE, 6, HANG, 4, BIG, 5]
    with decoding_pool(doubled, workers=workers, ahead=4, timeout=3) as pool:
        found = list(pool.results(numbers))
    assert [f for f in found if not isinstance(f, Failed)] == [6, 2, 4, 12, 8, 10]
    reasons = {n: f.reason for n, f in zip(numbers, found, strict=True) if isinstance(f, Failed)}
    assert reasons == {
        CRASH: "decoder crashed",
        RAISE: "failed: ValueError: odd clip",
        HANG: "timed out: more than 3 s",
        BIG: "out of memory",
    }


def test_no_more_clips_are_begun_than_may_wait() -> None:
    begun: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(20):
            begun.append(number)
            yield number

    with decoding_pool(doubled, workers=1, ahead=3, timeout=60) as pool:
        results = pool.results(numbers())
        for taken in range(10):
            assert next(results) == 2 * taken
            assert len(begun) <= taken + 3 + 1


def test_workers_end_with_the_block() -> None:
    with decoding_pool(doubled, workers=2, ahead=4, timeout=60) as pool:
        assert next(pool.results([1, HANG, HANG, 2, 3])) == 2
        assert multiprocessing.active_children()
    assert not multiprocessing.active_children()
