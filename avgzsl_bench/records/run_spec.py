"""What a run is: one class, from which its id and its place among the results follow."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from avgzsl_bench.data.data_spec import DataSpec
from avgzsl_bench.method.precision import Precision

NUMERICS = 2
"""Number of the numerics of the harness and of what methods share (sampling, training, scoring, metrics).

It is raised by hand when figures change on purpose; of changes of a method itself the hash of its code tells.
"""

_Hex = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{4,64}$")]


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
    code: _Hex | None = Field(None, description="hash of its code, see `method.code`; None: not recorded")
    commit: _Hex | None = Field(None, description="git commit of the checkout that its module lies in, if any")
    dirty: bool | None = Field(None, description="whether files of that checkout differ from the commit")


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
    numerics: int | None = Field(
        None, ge=1, lt=2**63, description="`NUMERICS` of the harness that ran it; None: not recorded"
    )

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
        code = {"code": self.method.code, "numerics": self.numerics}
        identity = self.all_but_code() | {name: value for name, value in code.items() if value is not None}
        digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
        return f"seed{self.seed}-{digest[:10]}"

    @property
    def code_text(self) -> str:
        """Name the code of the method and the numerics, as far as they are recorded."""
        return code_text(self.method.code, self.numerics)

    def differs_in_code_only(self, other: RunSpec) -> bool:
        """Check whether another run is this one, by other code of the method or by other numerics."""
        codes = {(spec.method.code, spec.numerics) for spec in (self, other)}
        return len(codes) == 2 and self.all_but_code() == other.all_but_code()

    def all_but_code(self) -> dict[str, Any]:
        """Collect what identifies the run beside the code; what older runs cannot have only where it is there."""
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
        return identity

    def record_path(self, results: Path) -> Path:
        """Path of the run's record below a folder of results."""
        data = self.data
        return results / data.dataset / data.features / data.split / self.method.name / f"{self.id}.json"


def code_text(code: str | None, numerics: int | None) -> str:
    """Name the code of a method and the number of the numerics, as far as they are recorded.

    Examples:
        >>> code_text("0123456789ab", 1), code_text(None, 1), code_text(None, None)
        ('code 0123456789ab, numerics 1', 'code not recorded, numerics 1', 'code not recorded')
    """
    parts = [f"code {code or 'not recorded'}", *([] if numerics is None else [f"numerics {numerics}"])]
    return ", ".join(parts)
