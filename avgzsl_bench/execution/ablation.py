"""Ablations: which variants of a method belong side by side, as a data file of the method.

[[tables]]
title = "Attention"
reported = { source = "Smith et al. 2026, Table 3", table = 3 }  # where a paper printed this table, if any

[[tables.variants]]
label = "without attention"
settings = { attention = "off" }         # what differs from the method's defaults; none: nothing
reported = "w/o att"                     # the row's name among the reported figures; none: not in the paper

[[tables.variants]]
label = "all of it"
reported = "full"

[[tables.variants]]
label = "what it builds on"
method = "another_method"                # another registered method, with its own defaults; none: the ablation's
"""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator

from avgzsl_bench.errors import AvbenchError, PluginError, UnknownNameError, first_fault
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.plugins.registry import Registry
from avgzsl_bench.plugins.specs import AblationSpec

Text = Annotated[str, StringConstraints(min_length=1, pattern=r"^[^\x00-\x1f\x7f]*$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Variant(_Part):
    """One row of a table: a configuration of the method, or of another one."""

    label: Text
    method: Text | None = Field(None, description="name of another registered method; None: that of the ablation")
    settings: dict[str, Any] = Field({}, description="that differ from the method's defaults")
    reported: Text | None = Field(None, description="its `variant` among the reported ablations")


class ReportedTable(_Part):
    """A table of a paper, as the reported ablations name it."""

    source: Text
    table: int


class VariantTable(_Part):
    """Variants to be compared with each other."""

    title: Text
    reported: ReportedTable | None = None
    variants: tuple[Variant, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> VariantTable:
        _require_once("label", (variant.label for variant in self.variants))
        if self.reported is None and any(variant.reported for variant in self.variants):
            raise ValueError(
                f"table {self.title!r}: a variant is reported, but 'reported' of the table is missing"
            )
        return self


class Ablation(_Part):
    """The ablation of a method: what its file holds."""

    tables: tuple[VariantTable, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _consistent(self) -> Ablation:
        _require_once("title", (table.title for table in self.tables))
        return self

    @property
    def variants(self) -> list[Variant]:
        """The variants of all tables, in their order."""
        return [variant for table in self.tables for variant in table.variants]


def _require_once(what: str, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"the {what} {twice[0]!r} comes twice")


@lru_cache(maxsize=64)
def read_ablation(spec: AblationSpec) -> Ablation:
    """Read a registered file.

    Raises:
        PluginError: it is missing or not of the documented form.
    """
    package, _, path = spec.resource.partition(":")
    try:
        return Ablation.model_validate(tomllib.loads(files(package).joinpath(path).read_text(encoding="utf-8")))
    except ValidationError as error:
        reason = first_fault(error)
    except (OSError, ModuleNotFoundError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())
    raise PluginError(f"ablations of method {spec.method!r}: {spec.resource} cannot be read: {reason}")


def _of_known_methods(spec: AblationSpec) -> Ablation:
    _require_method(spec.method)
    ablation = read_ablation(spec)
    for variant in ablation.variants:
        try:
            _require_method(variant.method or spec.method)
        except UnknownNameError as error:
            place = f"{spec.resource} cannot be read: variant {variant.label!r}"
            raise PluginError(f"ablations of method {spec.method!r}: {place}: {error}") from error
    return ablation


def _require_method(name: str) -> None:
    """Require that a method is registered under exactly this name."""
    if (found := method_spec(name).name) != name:
        raise UnknownNameError("method", name, [found], meant=[found])


REGISTRY = Registry("avbench_ablations", AblationSpec, "ablation", _of_known_methods)
"""The ablations that plugins register, by method."""


def ablation_of(method: str) -> Ablation:
    """Find the ablation of a registered method.

    Raises:
        UnknownNameError: no such method.
        AvbenchError: the method has no ablation, or one that cannot be read; the methods that have are named.
    """
    method = method_spec(method).name
    gathered = REGISTRY.gather()
    if method not in gathered.items:
        those = ", ".join(sorted(gathered.items)) or "none"
        hint = f"; {gathered.hint()}" if gathered.faults else ""
        raise AvbenchError(f"method {method!r} declares no ablation; methods that do: {those}{hint}")
    return gathered.items[method]
