"""One run of a sweep, by names alone, so that it can be carried out in any process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from avgzsl_bench.execution.plan import Plan
    from avgzsl_bench.method.precision import Precision


@dataclass(frozen=True)
class Job:
    """What `plan_run` takes, but for the device, which the engine chooses.

    Attributes:
        method, dataset, features, split, seed, settings: of the run; `features` is no longer `auto`.
        data_root: folder of installed data; None: the usual one.
        out: folder of the results.
        run_id: the name that the run's record will have.
        precision: of training.
    """

    method: str
    dataset: str
    features: str
    split: str
    seed: int
    settings: Mapping[str, Any]
    data_root: Path | None
    out: Path
    run_id: str
    precision: Precision = "full"

    def __str__(self) -> str:
        return f"{self.method} on {self.dataset}, seed {self.seed}"

    @property
    def key(self) -> tuple[str, str, int]:
        """Tells the run from every other of its sweep."""
        return self.method, self.dataset, self.seed

    def plan(self, device: str | None) -> Plan:
        """The plan of the run on a device, or on one of another machine.

        Raises:
            AvbenchError: it cannot be run here, or would be another run than the one that was asked for.
        """
        from avgzsl_bench.errors import RunError
        from avgzsl_bench.execution.plan import plan_run

        plan = plan_run(
            self.method,
            self.dataset,
            features=self.features,
            split=self.split,
            seed=self.seed,
            settings=self.settings,
            device=device,
            precision=self.precision,
            data_root=self.data_root,
            out=self.out,
        )
        if plan.path.stem != self.run_id:
            raise RunError(
                f"{self}: the data or the method changed since the sweep began (the run would be "
                f"{plan.path.stem}, not {self.run_id}); start the sweep again"
            )
        return plan
