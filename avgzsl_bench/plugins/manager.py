"""Loading plugins one by one, so that a broken one is reported and the rest keep working."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import pluggy

from avgzsl_bench.errors import PluginError, UnknownNameError
from avgzsl_bench.plugins import hookspecs
from avgzsl_bench.plugins.contained import contained
from avgzsl_bench.plugins.specs import MethodSpec

GROUP = "avgzsl_bench"
OWN = "avgzsl-bench"
PIN = "AVBENCH_PLUGINS"
"""Environment variable with the entry points to load, separated by commas; unset: all of them."""


@dataclass(frozen=True)
class PluginStatus:
    """Outcome of loading one entry point.

    Attributes:
        name, value: name of the entry point, and the module that it names.
        distribution, version: of what installed it, `?` if there is none.
        error: why it was not loaded, or what of it was left out; None if nothing is wrong.
        methods: names of the methods that it registered.
    """

    name: str
    value: str
    distribution: str
    version: str
    error: str | None = None
    methods: tuple[str, ...] = ()


@dataclass(frozen=True)
class Plugins:
    """The hook manager, and the outcome for every entry point."""

    manager: pluggy.PluginManager
    loaded: tuple[PluginStatus, ...]


@lru_cache(maxsize=1)
def load_plugins() -> Plugins:
    """Load every entry point of the group, or those that `AVBENCH_PLUGINS` names, and keep failures."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    listed = os.environ.get(PIN)
    pinned = None if listed is None else [name.strip() for name in listed.split(",") if name.strip()]
    # Our own come first, so that no other method can take the name of one of ours.
    found = sorted(entry_points(group=GROUP), key=lambda e: (_distribution(e) != OWN, _distribution(e), e.name))
    # An editable install that shadows a wheel lists its entry points twice; one is enough.
    unique = {(_distribution(e), e.name, e.value): e for e in found if pinned is None or e.name in pinned}
    taken: set[str] = set()
    statuses = [_load(manager, entry, taken) for entry in unique.values()]
    installed = {entry.name for entry in found}
    for name in pinned or ():
        if name not in installed:
            error = UnknownNameError(f"entry point in {PIN}", name, installed)
            statuses.append(PluginStatus(name, "?", "?", "?", _error_line(error)))
    return Plugins(manager, tuple(statuses))


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "?"


def plugin_name(distribution: str, name: str) -> str:
    """Give the name under which the plugin of an entry point is registered."""
    return f"{distribution}:{name}"


def _error_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


@contextmanager
def isolated(report: Callable[[str], None]) -> Iterator[None]:
    """Report whatever a plugin raises in the block, on one line, so that everything else goes on working."""
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        report(_error_line(error))


def _load(manager: pluggy.PluginManager, entry: EntryPoint, taken: set[str]) -> PluginStatus:
    """Import and register one plugin and read its methods; `taken` has the method names of those before it."""
    names: tuple[str, ...] = ()
    errors: list[str] = []
    with contained(), isolated(errors.append):
        plugin = entry.load()
        name = plugin_name(_distribution(entry), entry.name)
        try:
            check_hook_names(manager, plugin)
            manager.register(plugin, name=name)
            manager.check_pending()
            names = _new_methods(manager, plugin, taken)
        except BaseException:
            if manager.get_plugin(name) is plugin:
                manager.unregister(name=name)
            raise
        taken.update(names)
    version = entry.dist.version if entry.dist else "?"
    return PluginStatus(entry.name, entry.value, _distribution(entry), version, next(iter(errors), None), names)


def check_hook_names(manager: pluggy.PluginManager, plugin: Any) -> None:
    """Refuse a hook that is not marked, or whose name the contract does not have: it would never be called.

    Raises:
        PluginError, UnknownNameError: it has one.
    """
    known = [name for name in vars(hookspecs) if name.startswith("avbench_")]
    for name in dir(plugin):
        marks = manager.parse_hookimpl_opts(plugin, name)
        if marks is None and not name.startswith("avbench_"):
            continue
        hook = (marks and marks["specname"]) or name
        if hook not in known and not (marks and marks["optionalhook"]):
            raise UnknownNameError("hook", hook, known)
        if marks is None:
            raise PluginError(f"{name} is not marked @hookimpl")


def _new_methods(manager: pluggy.PluginManager, plugin: Any, taken: set[str]) -> tuple[str, ...]:
    """Give the names of the methods that a plugin registers; refuse a name that is taken or occurs twice."""
    impls = [impl for impl in manager.hook.avbench_methods.get_hookimpls() if impl.plugin is plugin]
    names = [spec.name for impl in impls for spec in specs_of(impl.function, "avbench_methods", MethodSpec)]
    clashes = taken.intersection(names) | {name for name in names if names.count(name) > 1}
    if clashes:
        raise PluginError(f"registers method names that are taken: {', '.join(sorted(clashes))}")
    return tuple(names)


def specs_of(function: Callable[[], Any], hook: str, kind: type) -> Sequence[Any]:
    """Call a plugin's function of a hook that registers specs of a kind.

    Raises:
        PluginError: it does not return a list of such specs.
    """
    returned = function()
    expected = f"{hook} must return a list of {kind.__name__}, got"
    if not isinstance(returned, list | tuple):
        raise PluginError(f"{expected} {type(returned).__name__}")
    for item in returned:
        if not isinstance(item, kind):
            raise PluginError(f"{expected} {type(item).__name__} in it")
    return returned


def resolve(target: str, owner: str) -> Any:
    """Import what `"package.module:attribute"` names; `owner` is what has this target, for the error.

    Raises:
        PluginError: it cannot be imported.
    """
    module, _, attribute = target.partition(":")
    try:
        with contained():
            return getattr(import_module(module), attribute)
    except Exception as e:  # a plugin's module may raise anything
        raise PluginError(f"{owner}: {target} cannot be imported: {type(e).__name__}: {e}") from e
