"""What plugins receive about a run that is under way."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from avgzsl_bench.plugins.contained import contained
from avgzsl_bench.plugins.manager import load_plugins
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
        try:
            with contained():
                call.function(*(arguments[name] for name in call.argnames))
        except Exception as error:  # a stranger's code may raise anything
            message = f"plugin {call.plugin_name} failed in {event}: {type(error).__name__}: {error}"
            warnings.warn(message, stacklevel=2)
