"""What a run is: one class, from which its id and its place among the results follow."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from avgzsl_bench.data.data_spec import DataSpec
from avgzsl_bench.method.precision import Precision


class MethodIdentity(BaseModel):
    """Which method runs: its name and origin, and its full configuration."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str
    title: str
    follows: str
    distribution: str = Field(description="installed distribution that registers the method")
    version: str = Field(description="version of the distribution")
    config: dict[str, Any] = Field(description="the full configuration as plain values")
    changed: dict[str, Any] = Field(description="settings that differ from the method's defaults here")
    preset: str | None = Field(None, description="the preset that the configuration equals, if any")


class RunSpec(BaseModel):
    """What identifies a run: method, data, seed, and options of the run.

    A plan, a job of a sweep, a record, a failure, an event and a checkpoint's header hold one. Two runs with the
    same `id` are the same run. A new option of a run is a field here, with a default, and an entry in `options`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    method: MethodIdentity
    data: DataSpec
    seed: int = Field(ge=0, lt=2**32)
    precision: Precision = Field("full", description="of training; evaluation always uses full precision")

    def __str__(self) -> str:
        return f"{self.method.name} on {self.data.dataset}, seed {self.seed}"

    @property
    def options(self) -> dict[str, Any]:
        """Options of the run that differ from their defaults, by name.

        They are part of the id, and they separate rows of a board. A default is left out, so that the ids of runs
        made before an option existed stay the same.
        """
        return {"precision": self.precision} if self.precision != "full" else {}

    @property
    def id(self) -> str:
        """Id of the run: `seed<seed>-` and ten hexadecimal digits of a hash of everything that identifies it."""
        method, data = self.method, self.data
        identity: dict[str, Any] = {
            "method": method.name,
            "distribution": (method.distribution, method.version),
            "config": method.config,
            "dataset": data.dataset,
            "features": data.features,
            "fingerprint": data.fingerprint,
            "split": data.split_hash,
            "seed": self.seed,
            **self.options,
        }
        if data.added_text:
            identity["added_text"] = data.added_text
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        return f"seed{self.seed}-{digest[:10]}"

    def record_path(self, results: Path) -> Path:
        """Path of the run's record below a folder of results."""
        data = self.data
        return results / data.dataset / data.features / data.split / self.method.name / f"{self.id}.json"
