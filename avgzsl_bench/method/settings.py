"""From a method's defaults and `--set key=value` to its typed configuration.

Defaults are a TOML list of rules (`avgzsl_bench.plugins.method_files`), of which the last that matches wins:

    [[settings]]                         # holds everywhere
    learning_rate = 7e-5

    [[settings]]
    when = { dataset = ["vggsound", "activitynet"], features = "clip_clap" }
    learning_rate = 1e-4

    [[settings]]                         # only with --preset official
    when = { preset = "official" }
    text_order = "official"
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from avgzsl_bench.data.datasets.feature_sets import vector_form
from avgzsl_bench.errors import ConfigError, PluginError, UnknownNameError, first_fault
from avgzsl_bench.method.base import MethodConfig
from avgzsl_bench.plugins.method_files import read_settings
from avgzsl_bench.plugins.specs import MethodSpec

AnyConfig = TypeVar("AnyConfig", bound=MethodConfig)


class _When(BaseModel):
    model_config = ConfigDict(extra="forbid")

    dataset: str | list[str] | None = None
    features: str | list[str] | None = None
    preset: str | None = None

    def holds(self, dataset: str, feature_sets: set[str], preset: str | None) -> bool:
        return (
            _admits(self.dataset, {dataset})
            and _admits(self.features, feature_sets)
            and self.preset in (None, preset)
        )


def _admits(wanted: str | list[str] | None, actual: set[str]) -> bool:
    return wanted is None or not actual.isdisjoint([wanted] if isinstance(wanted, str) else wanted)


def default_settings(
    spec: MethodSpec, dataset: str, feature_set: str, preset: str | None = None, like: str | None = None
) -> dict[str, Any]:
    """Collect the default settings of a method for a dataset, a feature set and a preset, by name.

    Rules for the averaged form of the feature set hold too; without a preset only those that name none.

    Args:
        spec: the method.
        dataset, feature_set, preset: their names.
        like: another feature set whose rules hold too.

    Raises:
        PluginError: a defaults file is missing or not of the documented form.
        UnknownNameError: no rule names the preset.
    """
    if preset is not None and preset not in presets(spec):
        raise UnknownNameError(f"preset of method {spec.name!r}", preset, presets(spec))
    settings: dict[str, Any] = {}
    feature_sets = {feature_set, vector_form(feature_set)} | ({like} if like else set())
    for when, rule in _rules(spec):
        if when.holds(dataset, feature_sets, preset):
            settings |= rule
    return settings


def presets(spec: MethodSpec) -> list[str]:
    """List the presets that a method's defaults have rules for, by name."""
    return sorted({when.preset for when, _ in _rules(spec) if when.preset is not None})


Rule = tuple[_When, Mapping[str, Any]]
"""When a rule holds, and what it sets."""


def _rules(spec: MethodSpec) -> list[Rule]:
    """Gather the rules of the defaults files, in their order."""
    resources = (spec.defaults,) if isinstance(spec.defaults, str) else spec.defaults or ()
    rules: list[Rule] = []
    for resource in resources:
        try:
            rules += rules_in(resource)
        except PluginError as e:
            raise PluginError(f"defaults {resource!r} of method {spec.name!r} cannot be read: {e}") from e
    return rules


@lru_cache(maxsize=256)
def rules_in(resource: str) -> tuple[Rule, ...]:
    """Read the rules of a defaults file, `"package:file.toml"`, once per process.

    Raises:
        PluginError: it is missing or not of the documented form.
    """
    try:
        return tuple(
            (_When.model_validate(rule.pop("when", {})), MappingProxyType(rule))
            for rule in read_settings(resource)
        )
    except ValidationError as e:
        raise PluginError(first_fault(e, "when")) from e


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """Parse settings from the command line: TOML values, true and false in any case; anything else is text.

    >>> parse_assignments(["layers=2", "tokens=va", "center=True"])
    {'layers': 2, 'tokens': 'va', 'center': True}

    Raises:
        ConfigError: an item without `=` or key.
    """
    parsed: dict[str, Any] = {}
    for item in assignments:
        key, equals, text = item.partition("=")
        key = key.strip()
        if not equals or not key or "\n" in item:
            raise ConfigError(f"--set {item!r}: write key=value")
        if key in parsed:
            raise ConfigError(f"--set {key}=... is given twice; give it once")
        text = text.strip()
        if text.casefold() in ("true", "false"):
            text = text.casefold()
        try:
            parsed[key] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            parsed[key] = text
    return parsed


def build_config(
    spec: MethodSpec,
    config_class: type[AnyConfig],
    dataset: str,
    feature_set: str,
    overrides: Mapping[str, Any],
    preset: str | None = None,
    like: str | None = None,
) -> AnyConfig:
    """Build a method's configuration: defaults for dataset and feature set, the preset's, then `overrides`.

    Args:
        spec: the method.
        config_class: its `Config`.
        dataset, feature_set: their names.
        overrides: settings by name that the user chose.
        preset: name of a preset; None for the defaults.
        like: another feature set whose defaults hold too.

    Raises:
        UnknownNameError: an override that the method has no setting for, or a preset that it does not have.
        ConfigError: a value that the setting does not take.
    """
    known = config_class.model_fields
    for key in overrides:
        if key not in known:
            raise UnknownNameError(f"setting of method {spec.name!r}", key, known)
    settings = default_settings(spec, dataset, feature_set, preset, like) | dict(overrides)
    try:
        return config_class.model_validate(settings)
    except ValidationError as error:
        first = error.errors()[0]
        cause = first.get("ctx", {}).get("error")
        if isinstance(cause, ConfigError):
            raise cause from error
        key = ".".join(str(part) for part in first["loc"]) or "settings"
        given = f" (given {first['input']!r})" if first["loc"] and first["loc"][0] in settings else ""
        described = known[key].description if key in known else None
        reason = "must be true or false" if first["type"] == "bool_type" else first["msg"]
        message = f"setting {key!r} of method {spec.name!r}: {reason}{given}"
        raise ConfigError(message + (f"; it is: {described}" if described else "")) from error
