"""Reading files of reported figures: what a paper printed, which features it belongs to, and how we know."""

from __future__ import annotations

import json
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from avgzsl_bench import plugins
from avgzsl_bench.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avgzsl_bench.reported import ReportedSpec

Percent = Annotated[float, Field(ge=0, le=100)]


class _Printed(BaseModel):
    """Figures as printed, in percent."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    table: int
    dataset: str
    seen: Percent
    unseen: Percent
    hm: Percent
    zsl: Percent
    recomputed_hm: Percent | None = Field(
        None, description="HM of the printed S and U, where it is not the printed HM"
    )


class ReportedFigure(_Printed):
    """One method on one dataset, as a paper's comparison prints it."""

    method: str = Field(description="as the paper writes it")
    venue: str
    marked: bool = Field(description="the table marks the row as the authors' own run")
    features: str
    split: str
    source: str = Field(description="name of the source")
    citation: str
    why: str = Field(description="how we know which features and split the row belongs to")


class ReportedAblation(_Printed):
    """One variant of the source's own method on one dataset."""

    variant: str


class ReportedSource(BaseModel):
    """Everything that one source reported."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    citation: str
    doi: str
    ablated: str = Field(description="the method that the ablations are variants of")
    figures: tuple[ReportedFigure, ...]
    ablations: tuple[ReportedAblation, ...]


@lru_cache(maxsize=32)
def read_reported(spec: ReportedSpec) -> ReportedSource:
    """The figures of a registered source.

    Raises:
        PluginError: its data file is missing or malformed.
    """
    package, _, path = spec.resource.partition(":")
    try:
        content = json.loads(files(package).joinpath(path).read_text(encoding="utf-8"))
        return ReportedSource.model_validate(_resolved(spec.name, content))
    except ValidationError as error:
        first = error.errors()[0]
        reason = f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
    except KeyError as error:
        reason = f"no entry {error}"
    except (OSError, ModuleNotFoundError, ValueError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
    raise PluginError(f"reported figures {spec.name!r}: {spec.resource} cannot be read: {reason}")


def _resolved(name: str, content: Any) -> dict[str, Any]:
    """The file's content with its short forms written out: reasons, misprints and citation at each row."""
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")
    reasons, misprints = content.pop("reasons"), content.pop("misprints")
    recomputed = {(m["table"], m["row"], m["dataset"]): m["recomputed_hm"] for m in misprints}
    rows = {(r["table"], r.get("method", r.get("variant")), r["dataset"]): dict(r) for r in _rows(content)}
    for place, row in rows.items():
        row["recomputed_hm"] = recomputed.pop(place, None)
    if recomputed:
        raise ValueError(f"a misprint without a row: {next(iter(recomputed))}")
    if len(rows) != len(_rows(content)):
        raise ValueError("two rows of one table for the same method or variant and dataset")
    citation = f"{content['citation']}, https://doi.org/{content['doi']}"
    figures = [
        row | {"source": name, "citation": citation, "why": reasons[row["why"]]}
        for row in rows.values()
        if "method" in row
    ]
    ablations = [row for row in rows.values() if "method" not in row]
    return content | {"name": name, "figures": figures, "ablations": ablations}


def _rows(content: dict[str, Any]) -> list[dict[str, Any]]:
    return [*content["figures"], *content["ablations"]]


def reported_for(title: str, dataset: str) -> Sequence[ReportedFigure]:
    """What every registered source reports for a method, by the title its paper gives it, on a dataset.

    Raises:
        PluginError: a source's data file is missing or malformed.
    """
    sources = [read_reported(spec) for spec in plugins.reported_specs()]
    return [
        figure
        for source in sources
        for figure in source.figures
        if figure.method.casefold() == title.casefold() and figure.dataset == dataset
    ]
