"""From a method's defaults file and `--set key=value` to its typed configuration.

A defaults file is a TOML list of rules, the last that matches wins:

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
from importlib.resources import files
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from avgzsl_bench.data.datasets.feature_sets import vector_form
from avgzsl_bench.errors import ConfigError, PluginError, UnknownNameError, first_fault
from avgzsl_bench.method.base import MethodConfig
from avgzsl_bench.plugins.specs import MethodSpec


class _When(BaseModel):
    model_config = ConfigDict(extra="forbid")

    dataset: str | list[str] | None = None
    features: str | list[str] | None = None
    preset: str | None = None

    def holds(self, dataset: str, features: str, preset: str | None) -> bool:
        return (
            _admits(self.dataset, {dataset})
            and _admits(self.features, {features, vector_form(features)})
            and self.preset in (None, preset)
        )


def _admits(wanted: str | list[str] | None, actual: set[str]) -> bool:
    if wanted is None:
        return True
    return not actual.isdisjoint([wanted] if isinstance(wanted, str) else wanted)


def default_settings(spec: MethodSpec, dataset: str, features: str, preset: str | None = None) -> dict[str, Any]:
    """The settings of the method's defaults file that hold for a dataset, a feature set and a preset.

    Raises:
        PluginError: the file is missing or not of the documented form.
        UnknownNameError: the file has no rule for the preset.
    """
    if preset is not None and preset not in presets(spec):
        raise UnknownNameError(f"preset of method {spec.name!r}", preset, presets(spec))
    settings: dict[str, Any] = {}
    for when, rule in _rules(spec):
        if when.holds(dataset, features, preset):
            settings |= rule
    return settings


def presets(spec: MethodSpec) -> list[str]:
    """Names of the presets that a method's defaults file has rules for."""
    return sorted({when.preset for when, _ in _rules(spec) if when.preset is not None})


def _rules(spec: MethodSpec) -> list[tuple[_When, dict[str, Any]]]:
    """The rules of the defaults files in their order: when each holds, and what it sets."""
    files_of = (spec.defaults,) if isinstance(spec.defaults, str) else spec.defaults or ()
    return [rule for file in files_of for rule in _rules_in(spec, file)]


def _rules_in(spec: MethodSpec, file: str) -> list[tuple[_When, dict[str, Any]]]:
    package, _, name = file.partition(":")
    try:
        rules = tomllib.loads(files(package).joinpath(name).read_text(encoding="utf-8"))["settings"]
        return [(_When.model_validate(rule.pop("when", {})), rule) for rule in rules]
    except ValidationError as e:
        reason = first_fault(e, "when")
        raise PluginError(f"defaults {file!r} of method {spec.name!r} cannot be read: {reason}") from e
    except (OSError, ModuleNotFoundError, ValueError, KeyError, AttributeError, RecursionError, MemoryError) as e:
        reason = " ".join(str(e).split())[:200]
        raise PluginError(f"defaults {file!r} of method {spec.name!r} cannot be read: {reason}") from e
    except TypeError as e:
        reason = "defaults need a package, not a single module" if "not a package" in str(e) else str(e)
        raise PluginError(f"defaults {file!r} of method {spec.name!r} cannot be read: {reason}") from e


def parse_assignments(assignments: Iterable[str]) -> dict[str, Any]:
    """`["layers=2", "tokens=va"]` as `{"layers": 2, "tokens": "va"}`: TOML values, bare words are text.

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
        try:
            parsed[key] = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            parsed[key] = text.strip()
    return parsed


def build_config(
    spec: MethodSpec,
    config_class: type[MethodConfig],
    dataset: str,
    features: str,
    overrides: Mapping[str, Any],
    preset: str | None = None,
) -> MethodConfig:
    """The method's configuration: its defaults for dataset and feature set, the preset's, then `overrides`.

    Raises:
        UnknownNameError: an override that the method has no setting for, or a preset that it does not have.
        ConfigError: a value that the setting does not take.
    """
    known = config_class.model_fields
    for key in overrides:
        if key not in known:
            raise UnknownNameError(f"setting of method {spec.name!r}", key, known)
    settings = default_settings(spec, dataset, features, preset) | dict(overrides)
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
        message = f"setting {key!r} of method {spec.name!r}: {first['msg']}{given}"
        raise ConfigError(message + (f"; it is: {described}" if described else "")) from error
