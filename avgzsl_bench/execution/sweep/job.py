"""One run of a sweep, as plain values that any process can carry out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from avgzsl_bench.records.run_spec import RunSpec

if TYPE_CHECKING:
    from avgzsl_bench.execution.options import RunOptions
    from avgzsl_bench.execution.plan import Plan


@dataclass(frozen=True)
class Job:
    """A run to carry out.

    Attributes:
        spec: what the run is.
        options: its folders; the engine chooses the device.
    """

    spec: RunSpec
    options: RunOptions

    def __str__(self) -> str:
        return str(self.spec)

    @property
    def key(self) -> tuple[str, str, int]:
        """Method, dataset and seed, which identify the run within its sweep."""
        return self.spec.method.name, self.spec.data.dataset, self.spec.seed

    def plan(self, device: str | None, most_threads: int | None = None) -> Plan:
        """Plan the run on a device, or on one of another machine, with a limit to its CPU threads if there is one.

        Raises:
            AvbenchError: it cannot be run here, or would be another run than the planned one.
        """
        from avgzsl_bench.execution.plan import plan_of

        return plan_of(self.spec, replace(self.options, device=device, most_threads=most_threads))
