"""TOML files beside methods: a `[method]` table with the spec, then `[[settings]]` with the default settings.

    [method]
    name = "my_method"
    target = "my_package.my_method:MyMethod"
    title = "MyMethod"
    paper = "Author, Author: Title, Conference 2025"
    venue = "Conference 2025"
    url = "https://doi.org/..."
    follows = "published code"
    needs = { sequences = "used" }     # also text and added_text, lists of names, and joint; see `Needs`
    inherits = ["base.toml"]           # files whose settings come before this file's own
    parameters = 1_234_567
    open_vocabulary = true             # scores of a class depend on that class alone
    note = "one sentence for the listing"

    [[settings]]
    learning_rate = 1e-3

The keys are the fields of `MethodSpec`; its `defaults` are the inherited files and, if it has settings, this one.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from dataclasses import fields
from functools import lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

from avgzsl_bench.errors import PluginError, UnknownNameError, one_line
from avgzsl_bench.plugins.contained import contained
from avgzsl_bench.plugins.specs import MethodSpec, Needs

_REQUIRED = ("name", "target", "title", "follows")
_TEXTS = (*_REQUIRED, "paper", "venue", "url", "note", "sequences")
_LISTS = ("text", "added_text", "inherits")
_TABLE = {field.name for field in fields(MethodSpec)} - {"defaults"} | {"inherits"}
_NEEDS = {field.name for field in fields(Needs)}


@lru_cache(maxsize=64)
def method_specs(package: str) -> tuple[MethodSpec, ...]:
    """Read the specs of a package's methods: of each TOML file at its top level that has a `[method]` table.

    Returns:
        The specs in the order of the files' names; of the files only the part before the settings is parsed.

    Raises:
        PluginError: a file cannot be read, or its table is not of the documented form.
    """
    found = sorted((f for f in files(package).iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return tuple(spec for file in found if (spec := _spec_in(package, file)) is not None)


@contained()
def read_settings(resource: str) -> list[Any]:
    """Read the `[[settings]]` of a TOML file of a package, given as `"package:file.toml"`.

    Raises:
        PluginError: it cannot be read or has none; the message says why and leaves out which file.
    """
    package, _, name = resource.partition(":")
    try:
        settings: object = tomllib.loads(files(package).joinpath(name).read_text(encoding="utf-8")).get("settings")
    except TypeError as e:  # of Python 3.11
        raise PluginError("defaults need a package, not a single module") from e
    except (OSError, ModuleNotFoundError, ValueError, AttributeError, RecursionError, MemoryError) as e:
        raise PluginError(one_line(str(e), 200)) from e
    if not isinstance(settings, list) or not all(isinstance(rule, dict) for rule in settings):
        raise PluginError("it has no [[settings]] tables")
    return settings


def _spec_in(package: str, file: Traversable) -> MethodSpec | None:
    """Make the spec of a file; None for a file without a `[method]` table."""
    resource = f"{package}:{file.name}"
    try:
        head, mark, rest = file.read_text(encoding="utf-8").partition("\n[[")
        content = tomllib.loads(head)
        if "method" in content:
            return _spec(package, content["method"], [file.name] if mark else [])
        if content and rest.startswith("settings"):
            raise UnknownNameError("table above [[settings]]", next(iter(content)), ["method"])
        return None
    except (OSError, TypeError, ValueError, PluginError, UnknownNameError, RecursionError) as e:
        raise PluginError(f"{resource}: {one_line(str(e), 300)}") from e


def _spec(package: str, table: Any, own: list[str]) -> MethodSpec:
    """Make the spec of a `[method]` table; `own` names the file if it has settings."""
    _check(table, _TABLE, "[method]")
    if missing := [key for key in _REQUIRED if key not in table]:
        raise PluginError(f"[method] lacks {', '.join(missing)}")
    needs: dict[str, Any] = table.pop("needs", {})
    _check(needs, _NEEDS, "needs")
    needs = {key: tuple(value) if isinstance(value, list) else value for key, value in needs.items()}
    defaults = [f"{package}:{name}" for name in (*table.pop("inherits", ()), *own)]
    return MethodSpec(
        **table,
        needs=Needs(**needs),
        defaults=tuple(defaults) if len(defaults) > 1 else next(iter(defaults), None),
    )


def _check(table: Any, known: Collection[str], where: str) -> None:
    """Refuse a value that is no table, keys that are unknown, and values of another type than their key's."""
    if not isinstance(table, dict):
        raise PluginError(f"{where} must be a table, not {table!r}")
    for key, value in table.items():
        if key not in known:
            raise UnknownNameError(f"key of {where}", key, known)
        if key in _TEXTS and not isinstance(value, str):
            raise PluginError(f"{where}: {key} must be a text, not {value!r}")
        if key == "joint" and not (isinstance(value, dict) and all(isinstance(v, str) for v in value.values())):
            raise PluginError(f"{where}: {key} must be a table of a text for each modality, not {value!r}")
        if key in _LISTS and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise PluginError(f"{where}: {key} must be a list of texts, not {value!r}")
        if key == "open_vocabulary" and type(value) is not bool:
            raise PluginError(f"{where}: {key} must be true or false, not {value!r}")
        if key == "parameters" and type(value) is not int:
            raise PluginError(f"{where}: {key} must be a whole number, not {value!r}")
