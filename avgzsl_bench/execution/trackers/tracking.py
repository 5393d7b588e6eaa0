"""Trackers for the length of a run, in the process that trains."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from avgzsl_bench.execution.trackers.registry import chosen_tracker, tracker_class
from avgzsl_bench.plugins.contained import contained
from avgzsl_bench.plugins.manager import check_hook_names, isolated, load_plugins


@contextmanager
def tracking(log: Sequence[str]) -> Iterator[None]:
    """Let trackers receive the events of whatever runs in the block; afterwards they are closed.

    One that fails is named in a warning, and costs neither the run nor the others.

    Args:
        log: as `checked_log` gives them.
    """
    with ExitStack() as stack:
        for text in log:
            with _isolated(text, "to start"):
                stack.enter_context(_registered(text))
        yield


@contextmanager
def _registered(text: str) -> Iterator[None]:
    """Build a tracker, register it in the block, and close it."""
    manager, name = load_plugins().manager, f"--log {text}"
    tracker = _built(text)
    manager.register(tracker, name=name)
    try:
        yield
    finally:
        manager.unregister(name=name)
        with _isolated(text, "to close"):
            getattr(tracker, "close", lambda: None)()


def _built(text: str) -> Any:
    spec, where = chosen_tracker(text)
    tracker = tracker_class(spec)(where)
    check_hook_names(load_plugins().manager, tracker)
    return tracker


@contextmanager
def _isolated(text: str, failed: str) -> Iterator[None]:
    """Warn of whatever a tracker raises in the block; its code changes nothing of the process."""

    def report(reason: str) -> None:
        warnings.warn(f"--log {text} failed {failed}: {reason}", stacklevel=2)

    with isolated(report), contained():
        yield
