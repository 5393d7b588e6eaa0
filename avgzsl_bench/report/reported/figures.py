"""Reported figures: their values as printed, features and split, source, and look-up by method and dataset."""

from __future__ import annotations

import json
from collections import Counter
from functools import lru_cache
from importlib.resources import files
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from avgzsl_bench.data.datasets.feature_sets import vector_form
from avgzsl_bench.errors import PluginError, first_fault
from avgzsl_bench.plugins.registry import Registry
from avgzsl_bench.plugins.specs import ReportedSpec
from avgzsl_bench.report.reported.protocol import UNKNOWN, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


Percent = Annotated[float, Field(ge=0, le=100)]
Kind = Literal["paper_table", "paper_text", "later_table", "digest", "readme"]
PRINTED = ("seen", "unseen", "hm", "zsl")
"""The figures that papers print, in the order in which they print them."""
_HM_TOLERANCE = 0.02
"""What rounding S, U and HM to two decimals can explain, in percent."""
_ZSL_TOLERANCE = 0.0101
"""What rounding U and ZSL to two decimals can explain, in percent, and a little for binary fractions."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Paper(_Part):
    """The paper behind a method; unknown facts are None."""

    title: str | None = None
    authors: str | None = None
    venue: str | None = None
    year: int | None = None
    doi: str | None = None
    arxiv: str | None = None
    reviewed: bool = Field(True, description="False: no peer-reviewed publication of the method is known")


class _Source(_Part):
    """The source that printed figures."""

    citation: str
    read: str | None = Field(None, description="from what it was read, if not from the source itself")


class _ListedSource(_Source):
    """A source as a file lists it: the protocol of its figures is the name of an entry of `protocols`."""

    protocol: str = UNKNOWN


class Printed(_Source):
    """Figures as printed, in percent; None where the source prints none."""

    method: str = Field(description="as papers write it; links to the title of a registered method")
    source: str
    features: str
    split: str
    dataset: str
    seen: Percent | None = None
    unseen: Percent | None = None
    hm: Percent
    zsl: Percent | None = None
    notes: tuple[str, ...] = ()
    protocol: Protocol = Protocol()

    @property
    def recomputed_hm(self) -> float | None:
        """HM of the printed S and U, where the printed HM contradicts them."""
        if self.seen is None or self.unseen is None:
            return None
        total = self.seen + self.unseen
        hm = 2 * self.seen * self.unseen / total if total else 0.0
        return round(hm, 2) if abs(hm - self.hm) > _HM_TOLERANCE else None

    @property
    def unseen_above_zsl(self) -> bool:
        """Check whether the printed U is above the printed ZSL, beyond rounding.

        U counts the videos of unseen classes that beat all other classes, ZSL those that beat the unseen ones: of
        the same scores, U cannot be the higher one.
        """
        if self.unseen is None or self.zsl is None:
            return False
        return self.unseen - self.zsl > _ZSL_TOLERANCE

    def is_like(self, feature_set: str, split: str) -> bool:
        """Check whether measured figures on these features and split compare with this one.

        Papers give a feature set one name whether its time steps are used or their means; so does this comparison.
        """
        return (self.features, self.split) == (vector_form(feature_set), split)


class ReportedFigure(Printed):
    """One method on one dataset, as one source prints it."""

    kind: Kind = Field(
        description="table or text of the paper that produced the figure, table of a later paper, a third "
        "party's reproduction of a paper's table, or what a project's README lists"
    )
    rerun_by: str | None = Field(None, description="who ran the method on this benchmark, if not its authors")
    primary: bool = Field(True, description="the one to show where several sources print the same")

    @property
    def cell(self) -> tuple[str, str, str, str]:
        """Identity of the measurement: method (in lower case), features, split, dataset."""
        return self.method.casefold(), self.features, self.split, self.dataset


class ReportedAblation(Printed):
    """One variant of a method on one dataset, as one table of a source prints it."""

    table: int
    variant: str


class ReportedFile(_Part):
    """Everything that one registered file holds."""

    papers: dict[str, Paper] = {}
    figures: tuple[ReportedFigure, ...] = ()
    ablations: tuple[ReportedAblation, ...] = ()


@lru_cache(maxsize=32)
def read_reported(spec: ReportedSpec) -> ReportedFile:
    """Read a registered file.

    Raises:
        PluginError: it is missing or malformed.
    """
    package, _, path = spec.resource.partition(":")
    try:
        content = json.loads(files(package).joinpath(path).read_text(encoding="utf-8"))
        file = ReportedFile.model_validate(_resolved(content))
        _require_once(file)
        return file
    except ValidationError as error:
        reason = first_fault(error)
    except KeyError as error:
        reason = f"no entry {error}"
    except (OSError, ModuleNotFoundError, ValueError, TypeError, AttributeError) as error:
        reason = " ".join(str(error).split())
    raise PluginError(f"reported figures {spec.name!r}: {spec.resource} cannot be read: {reason}")


def _resolved(content: Any) -> dict[str, Any]:
    """Write out source, protocol and notes at each figure of the content."""
    if not isinstance(content, dict):
        raise ValueError("not a JSON object")
    notes = content.pop("notes", {})
    protocols = {name: Protocol.model_validate(p) for name, p in content.pop("protocols", {}).items()}
    if UNKNOWN in protocols:
        raise ValueError(f"protocols: {UNKNOWN!r} stands for one of which nothing is known; choose another name")
    protocols[UNKNOWN] = Protocol()
    sources = {name: _ListedSource.model_validate(s) for name, s in content.pop("sources").items()}

    def resolved(row: dict[str, Any]) -> dict[str, Any]:
        source = sources[row["source"]]
        return {
            **row,
            "citation": source.citation,
            "read": source.read,
            "notes": [notes[key] for key in row.get("notes", [])],
            "protocol": protocols[str(row.get("protocol", source.protocol))],
        }

    return content | {part: [resolved(row) for row in content.get(part, [])] for part in ("figures", "ablations")}


def _require_once(file: ReportedFile) -> None:
    """Refuse a file that holds a figure twice, or two to show for the same."""
    printed = Counter((f.source, f.rerun_by, *f.cell) for f in file.figures)
    variants = Counter((a.source, a.table, a.method, a.variant, a.dataset) for a in file.ablations)
    shown = Counter(("primary", *f.cell) for f in file.figures if f.primary)
    for place, count in [*printed.items(), *variants.items(), *shown.items()]:
        if count > 1:
            raise ValueError(f"two figures for the same: {', '.join(str(part) for part in place if part)}")


def _readable(spec: ReportedSpec) -> ReportedSpec:
    read_reported(spec)
    return spec


REGISTRY = Registry("avbench_reported", ReportedSpec, "file of reported figures", _readable)
"""The files of reported figures that plugins register."""


def reported_specs() -> list[ReportedSpec]:
    """List the registered files of reported figures that can be read."""
    return list(REGISTRY.items().values())


def all_reported() -> list[ReportedFigure]:
    """List the figures of all registered files, in the order of registration."""
    return [figure for spec in reported_specs() for figure in read_reported(spec).figures]


def all_reported_ablations() -> list[ReportedAblation]:
    """List the variants of all registered files, in the order of registration."""
    return [row for spec in reported_specs() for row in read_reported(spec).ablations]


def paper_of(method: str) -> Paper | None:
    """Find the paper behind a method, in the first registered file that has it."""
    papers = (paper for spec in reported_specs() for paper in read_reported(spec).papers.items())
    return next((paper for name, paper in papers if name.casefold() == method.casefold()), None)


def chosen(figures: Iterable[ReportedFigure]) -> list[ReportedFigure]:
    """Choose among figures for the same method, features, split and dataset the first primary one.

    Where none is primary, it is the first. The order is kept.
    """
    listed = list(figures)
    first: dict[tuple[str, ...], ReportedFigure] = {}
    for figure in sorted(listed, key=lambda f: not f.primary):
        first.setdefault(figure.cell, figure)
    return [figure for figure in listed if first[figure.cell] is figure]


def reported_for(title: str, dataset: str) -> Sequence[ReportedFigure]:
    """Find what is reported for the title of a method on a dataset: one figure for each feature set and split.

    Raises:
        PluginError: a registered file is missing or malformed.
    """
    name = title.casefold()
    return chosen(f for f in all_reported() if f.method.casefold() == name and f.dataset == dataset)
