"""Trackers for the length of a run, in the process that trains."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from avgzsl_bench.execution.events import tracker_name
from avgzsl_bench.execution.trackers.registry import chosen_tracker, tracker_class
from avgzsl_bench.plugins.contained import contained
from avgzsl_bench.plugins.manager import check_hook_names, isolated, load_plugins


@contextmanager
def tracking(log: Sequence[str]) -> Iterator[None]:
    """Let trackers receive the events of whatever runs in the block; afterwards they are closed.

    One that fails is named in one warning, is left out from then on, and costs neither the run nor the others.

    Args:
        log: as `checked_log` gives them.
    """
    with ExitStack() as stack:
        for text in log:
            with _isolated(f"{tracker_name(text)} failed to start"):
                stack.enter_context(_registered(text))
        yield


@contextmanager
def _registered(text: str) -> Iterator[None]:
    """Build a tracker, register it in the block, and close it."""
    manager, name = load_plugins().manager, tracker_name(text)
    tracker = _built(text)
    manager.register(tracker, name=name)
    try:
        yield
    finally:
        failed = not manager.has_plugin(name)
        if not failed:
            manager.unregister(name=name)
        with _isolated("" if failed else f"{name} failed to close"):
            getattr(tracker, "close", lambda: None)()


def _built(text: str) -> Any:
    spec, where = chosen_tracker(text)
    tracker = tracker_class(spec)(where)
    check_hook_names(load_plugins().manager, tracker)
    return tracker


@contextmanager
def _isolated(failed: str) -> Iterator[None]:
    """Warn of whatever a tracker raises in the block; `failed` says what failed, or is empty if that was said."""

    def report(reason: str) -> None:
        if failed:
            warnings.warn(f"{failed}: {reason}", stacklevel=2)

    with isolated(report), contained():
        yield
