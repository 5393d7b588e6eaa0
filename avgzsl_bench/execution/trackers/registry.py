"""The trackers that plugins register, and what `--log` names of them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from avgzsl_bench.errors import ConfigError, PluginError
from avgzsl_bench.plugins.manager import resolve
from avgzsl_bench.plugins.registry import Registry
from avgzsl_bench.plugins.specs import TrackerSpec
from avgzsl_bench.system.files import require_writable
from avgzsl_bench.system.folders import user_path

REGISTRY: Registry[TrackerSpec, TrackerSpec] = Registry(
    "avbench_trackers", TrackerSpec, "tracker", read=lambda spec: spec
)


def missing_modules(spec: TrackerSpec) -> list[str]:
    """List the modules that a tracker needs and that are not installed."""
    return [name for name in spec.needs if find_spec(name) is None]


def tracker_class(spec: TrackerSpec) -> Callable[[str], Any]:
    """Import a tracker's class.

    Raises:
        PluginError: the target cannot be imported, or is no class.
    """
    target = resolve(spec.target, f"tracker {spec.name!r}")
    if not isinstance(target, type):
        raise PluginError(f"tracker {spec.name!r}: {spec.target} is not a class")
    return target


def chosen_tracker(text: str) -> tuple[TrackerSpec, str]:
    """Split `NAME` or `NAME:WHERE`; returns the spec of the tracker, and the text after the colon.

    Raises:
        UnknownNameError: no such tracker.
    """
    name, _, where = text.partition(":")
    return REGISTRY.item(name), where


def checked_log(log: Iterable[str]) -> tuple[str, ...]:
    """Check what `--log` names, before anything is trained. Folders come back absolute, each text once.

    Raises:
        UnknownNameError: no such tracker.
        PluginError: a library that it needs is not installed.
        ConfigError: the text after the colon is missing, or there is one too many.
        AvbenchError: a folder cannot be written to.
    """
    if isinstance(log, str):
        raise ConfigError(f"log {log!r}: takes a list of texts, such as [{log!r}]")
    return tuple(dict.fromkeys(_checked(text) for text in log))


def _checked(text: str) -> str:
    spec, where = chosen_tracker(text)
    if bool(where) != bool(spec.where):
        takes = f"needs {spec.where} after its name" if spec.where else "takes nothing after its name"
        raise ConfigError(f"--log {text}: the tracker {takes}; write --log {spec.form}")
    if missing := missing_modules(spec):
        advice = f": {spec.install}" if spec.install else ""
        raise PluginError(f"tracker {spec.name!r} needs {', '.join(missing)}, not installed here{advice}")
    if not spec.folder:
        return text
    folder = Path(os.path.abspath(user_path(where)))
    require_writable(folder)
    return f"{spec.name}:{folder}"
