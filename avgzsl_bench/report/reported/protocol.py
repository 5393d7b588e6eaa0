"""The protocol that a reported figure was made with, and how that of our runs differs from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict

from avgzsl_bench.errors import ConfigError
from avgzsl_bench.gzsl.calibration import GRID_NAMES, parse_calibration

if TYPE_CHECKING:
    from avgzsl_bench.records.collect import BoardKey

UNKNOWN: Final = "unknown"
FACTS: Mapping[str, str] = MappingProxyType(
    {
        "calibration": "calibration",
        "text_order": "text order",
        "stage2_schedule": "stage-2 schedule",
        "bn_refresh": "batch-norm passes",
    }
)
"""What a protocol states, in words, by the name of the setting."""


def _named(calibration: str) -> str:
    """Check a calibration, and name it as boards do."""
    if calibration == UNKNOWN:
        return calibration
    try:
        name = parse_calibration(calibration).name
    except ConfigError as error:
        raise ValueError(str(error)) from error
    return GRID_NAMES.get(name, name)


class Protocol(BaseModel):
    """How the program that made a figure calibrates and trains; by default nothing is known.

    Attributes:
        calibration: the rule that chose the bias, as the setting names it.
        text_order: rows of the class embeddings.
        stage2_schedule: learning rates of stage 2; `none` for a method without a schedule.
        bn_refresh: `official` if further passes in training mode move the batch-norm statistics, else `none`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    calibration: Annotated[str, AfterValidator(_named)] = UNKNOWN
    text_order: Literal["by-name", "official", "unknown"] = UNKNOWN
    stage2_schedule: Literal["replay", "official", "none", "unknown"] = UNKNOWN
    bn_refresh: Literal["official", "none", "unknown"] = UNKNOWN

    def __str__(self) -> str:
        facts = {title: getattr(self, name) for name, title in FACTS.items()}
        if set(facts.values()) == {UNKNOWN}:
            return "protocol unknown"
        return ", ".join(f"{title} {value}" for title, value in facts.items())


@dataclass(frozen=True)
class Difference:
    """What keeps a run from having been made with the protocol of a figure.

    Attributes:
        differing: facts that differ, with both values.
        unknown: facts of the figure that are not known, and that the run's method has a setting for.
    """

    differing: tuple[str, ...]
    unknown: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.differing or self.unknown)

    def __str__(self) -> str:
        parts = [f"protocol differs: {'; '.join(self.differing)}"] if self.differing else []
        parts += [f"protocol unknown: {', '.join(self.unknown)}"] if self.unknown else []
        return "; ".join(parts)


def difference(published: Protocol, key: BoardKey, config: Mapping[str, Any]) -> Difference:
    """Compare the protocol of a figure with that of a run.

    A fact that the run's method has no setting for cannot differ: a method without batch norm makes no passes.
    Nor can the stage-2 schedule of a method that is published without any.

    Args:
        published: of the figure.
        key: of the run's board: calibration and text order.
        config: the full configuration of the run's method.
    """
    ours = {**config, "calibration": key.calibration, "text_order": key.data.text_order}
    differing, unknown = [], []
    for name, title in FACTS.items():
        theirs = getattr(published, name)
        if name not in ours or ours[name] == theirs or (name, theirs) == ("stage2_schedule", "none"):
            continue
        if theirs == UNKNOWN:
            unknown.append(title)
        else:
            differing.append(f"{title} {ours[name]}, published {theirs}")
    return Difference(tuple(differing), tuple(unknown))
