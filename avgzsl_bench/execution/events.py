"""What plugins receive about a run that is under way."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pluggy

from avgzsl_bench.plugins.contained import contained
from avgzsl_bench.plugins.manager import isolated, load_plugins
from avgzsl_bench.records.run_spec import RunSpec

_LOG = "--log "
"""How names of plugins begin that are trackers."""


@dataclass(frozen=True)
class RunStatus:
    """A run that is under way.

    Attributes:
        spec: what the run is: method, data, seed, options.
        device: name of the device it runs on.
        record_path: where the record will be written.
        together: the seeds that train together with this one, itself included, whose events come between its
            own; empty if it runs by itself.
    """

    spec: RunSpec
    device: str
    record_path: Path
    together: tuple[int, ...] = ()

    @property
    def epochs(self) -> int:
        """Number of epochs of stage 1."""
        return int(self.spec.method.config["epochs"])


def tracker_name(text: str) -> str:
    """Name the plugin that a text after `--log` stands for, as long as the run lasts."""
    return f"{_LOG}{text}"


def notify(event: str, **arguments: Any) -> None:
    """Call a run hook of every plugin; one that breaks is named, and costs neither the run nor the others.

    A tracker that breaks is left out from then on: what it would log would have gaps.
    """
    manager = load_plugins().manager
    for call in getattr(manager.hook, event).get_hookimpls():

        def report(reason: str, call: pluggy.HookImpl = call) -> None:
            dropped = call.plugin_name.startswith(_LOG)
            if dropped:
                manager.unregister(call.plugin)
            end = "; it logs nothing more of this run" if dropped else ""
            warnings.warn(f"plugin {call.plugin_name} failed in {event}: {reason}{end}", stacklevel=2)

        with isolated(report), contained():
            call.function(*(arguments[name] for name in call.argnames))
