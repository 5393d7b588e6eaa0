"""What plugins receive about a run that is under way."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avgzsl_bench.plugins.contained import contained
from avgzsl_bench.plugins.manager import isolated, load_plugins
from avgzsl_bench.records.run_spec import RunSpec


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


def notify(event: str, **arguments: Any) -> None:
    """Call a run hook of every plugin; one that breaks is named, and costs neither the run nor the others."""
    for call in getattr(load_plugins().manager.hook, event).get_hookimpls():

        def report(reason: str, plugin: str = call.plugin_name) -> None:
            warnings.warn(f"plugin {plugin} failed in {event}: {reason}", stacklevel=2)

        with isolated(report), contained():
            call.function(*(arguments[name] for name in call.argnames))
