"""Clips in worker processes: results in order, and workers that are replaced."""

from __future__ import annotations

import multiprocessing
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from clip_workers import BIG, CRASH, FULL, HANG, RAISE, doubled, inherits_blocked
from process_control import descendants, running, search_path, wait_until

from avgzsl_bench.encoders.extraction.decoding_pool import Failed, decoding_pool
from avgzsl_bench.errors import AvbenchError


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


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="no signal masks here")
def test_an_interruption_is_kept_from_workers_from_their_beginning() -> None:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with decoding_pool(inherits_blocked, workers=1, ahead=4, timeout=60) as pool:
        assert list(pool.results([signal.SIGINT, signal.SIGTERM])) == [True, False]
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before


def test_a_full_disk_is_no_fault_of_the_clip() -> None:
    with decoding_pool(doubled, workers=1, ahead=4, timeout=60) as pool:
        results = pool.results([1, FULL, 2])
        assert next(results) == 2
        with pytest.raises(AvbenchError, match="No space left on device"):
            next(results)


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")
def test_workers_end_with_a_process_that_is_killed() -> None:
    """Even one that hangs, which nobody is left to end when its time is over."""
    script = """
from clip_workers import HANG, doubled
from avgzsl_bench.encoders.extraction.decoding_pool import decoding_pool
if __name__ == "__main__":
    with decoding_pool(doubled, workers=2, ahead=4, timeout=600) as pool:
        results = pool.results([1, 2, HANG, 3, HANG, 4])
        print(next(results), next(results), flush=True)
        list(results)
"""
    support = Path(__file__).resolve().parents[2] / "support"
    environment = {**os.environ, "PYTHONPATH": search_path(support)}
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, env=environment) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"2 4\n"
        workers = descendants(process.pid)
        assert len(workers) >= 2
        process.send_signal(signal.SIGKILL)
    wait_until(lambda: not running().keys() & {*workers})
