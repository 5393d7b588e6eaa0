"""Loading plugins one by one, so that a broken one is reported and the rest keep working."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import TYPE_CHECKING, Any

import pluggy

from avgzsl_bench import hookspecs
from avgzsl_bench.errors import PluginError, UnknownNameError

if TYPE_CHECKING:
    from avgzsl_bench.data.datasets import Dataset
    from avgzsl_bench.data.readers import FeatureReader
    from avgzsl_bench.method import Method
    from avgzsl_bench.method_spec import MethodSpec
    from avgzsl_bench.reported import ReportedSpec

GROUP = "avgzsl_bench"
OWN = "avgzsl-bench"
PIN = "AVBENCH_PLUGINS"
"""Environment variable: a comma-separated list of the entry points to load; unset: all of them."""


@dataclass(frozen=True)
class PluginStatus:
    """What became of one entry point.

    Attributes:
        name, value: the entry point and what it names.
        distribution, version: who installed it.
        error: why it was not loaded; None if it was.
        methods: names of the methods it registered.
    """

    name: str
    value: str
    distribution: str
    version: str
    error: str | None = None
    methods: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plugins:
    """The loaded plugins: the hook manager, and the status of every entry point."""

    manager: pluggy.PluginManager
    statuses: tuple[PluginStatus, ...]


@lru_cache(maxsize=1)
def load_plugins() -> Plugins:
    """Load every entry point of the group (or those that `AVBENCH_PLUGINS` names), keeping failures."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    pinned = os.environ.get(PIN)
    wanted = None if pinned is None else {name.strip() for name in pinned.split(",")}
    # Our own come first, so that a stranger's method cannot take the name of one of ours.
    found = sorted(entry_points(group=GROUP), key=lambda e: (_distribution(e) != OWN, _distribution(e), e.name))
    # An editable install that shadows a wheel lists its entry points twice; one is enough.
    unique = {(_distribution(e), e.name, e.value): e for e in found if wanted is None or e.name in wanted}
    taken: set[str] = set()
    statuses = tuple(_load(manager, entry, taken) for entry in unique.values())
    return Plugins(manager, statuses)


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "?"


def _load(manager: pluggy.PluginManager, entry: EntryPoint, taken: set[str]) -> PluginStatus:
    """Import, register and ask one plugin; `taken` holds the method names of those before it."""
    names: tuple[str, ...] = ()
    error: str | None = None
    # Isolation is the point: whatever a stranger's module raises on import or registration, the rest works on.
    try:
        plugin = entry.load()
        name = manager.register(plugin, name=f"{_distribution(entry)}:{entry.name}")
        try:
            manager.check_pending()
            _check_hook_names(plugin)
            names = tuple(spec.name for spec in _methods_of(plugin))
            clashes = taken.intersection(names)
            if clashes:
                raise PluginError(f"registers method names that are taken: {', '.join(sorted(clashes))}")
            taken.update(names)
        except BaseException:
            manager.unregister(name=name)
            raise
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as e:
        error = f"{type(e).__name__}: {e}".replace("\n", " ")
    version = entry.dist.version if entry.dist else "?"
    return PluginStatus(entry.name, entry.value, _distribution(entry), version, error, () if error else names)


def _check_hook_names(plugin: Any) -> None:
    """A hook whose name the specification does not know is a spelling mistake, not an extra."""
    known = [name for name in vars(hookspecs) if name.startswith("avbench_")]
    for name in dir(plugin):
        if name.startswith("avbench_") and name not in known:
            raise UnknownNameError("hook", name, known)


def _methods_of(plugin: Any) -> Sequence[MethodSpec]:
    hook = getattr(plugin, "avbench_methods", None)
    return hook() if hook is not None else ()


def _flat(results: Iterable[Sequence[Any]]) -> list[Any]:
    return [item for result in results for item in result]


def list_methods() -> list[MethodSpec]:
    """Every registered method, by name."""
    specs: list[MethodSpec] = _flat(load_plugins().manager.hook.avbench_methods())
    return sorted(specs, key=lambda spec: spec.name)


def method_spec(name: str) -> MethodSpec:
    """The method registered under `name`.

    Raises:
        UnknownNameError: none is; the near miss is named, and broken plugins are mentioned.
    """
    specs = {spec.name: spec for spec in list_methods()}
    if name not in specs:
        broken = [s.name for s in load_plugins().statuses if s.error]
        hint = f"not loaded: {', '.join(broken)} (see 'avbench plugins')" if broken else ""
        raise UnknownNameError("method", name, specs, hint)
    return specs[name]


def provider(spec: MethodSpec) -> PluginStatus | None:
    """The plugin that registered a method; None if it was registered by hand."""
    return next((s for s in load_plugins().statuses if spec.name in s.methods), None)


def method_class(spec: MethodSpec) -> type[Method]:
    """Import a method's class.

    Raises:
        PluginError: the target cannot be imported or is no `Method`.
    """
    from avgzsl_bench.method import Method

    target = _resolve(spec.target, f"method {spec.name!r}")
    if not (isinstance(target, type) and issubclass(target, Method)):
        raise PluginError(f"method {spec.name!r}: {spec.target} is not a subclass of avgzsl_bench.Method")
    return target


def _resolve(target: str, owner: str) -> Any:
    module, _, attribute = target.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except Exception as e:  # a stranger's module may raise anything
        raise PluginError(f"{owner}: {target} cannot be imported: {type(e).__name__}: {e}") from e


def datasets() -> dict[str, Dataset]:
    """Every registered dataset, by name."""
    from avgzsl_bench.data.datasets import read_dataset

    found = [read_dataset(spec) for spec in _flat(load_plugins().manager.hook.avbench_datasets())]
    return {dataset.name: dataset for dataset in sorted(found, key=lambda d: d.name)}


def dataset(name: str) -> Dataset:
    """The dataset registered under `name`.

    Raises:
        UnknownNameError: none is.
    """
    known = datasets()
    if name not in known:
        raise UnknownNameError("dataset", name, known)
    return known[name]


def feature_readers() -> dict[str, FeatureReader]:
    """Every registered feature reader, by layout name."""
    specs = _flat(load_plugins().manager.hook.avbench_feature_readers())
    return {spec.name: _resolve(spec.target, f"feature reader {spec.name!r}") for spec in specs}


def reported_specs() -> list[ReportedSpec]:
    """Every registered file of reported figures."""
    return _flat(load_plugins().manager.hook.avbench_reported())
