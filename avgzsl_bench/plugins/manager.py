"""Loading plugins one by one, so that a broken one is reported and the rest keep working."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from inspect import isabstract, signature
from itertools import chain
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import pluggy

from avgzsl_bench.errors import AvbenchError, PluginError, UnknownNameError
from avgzsl_bench.plugins import hookspecs

if TYPE_CHECKING:
    from avgzsl_bench.data.datasets.facts import Dataset
    from avgzsl_bench.data.layouts.readers import FeatureReader, ReaderSpec
    from avgzsl_bench.execution.ablation import Ablation
    from avgzsl_bench.method.base import Method
    from avgzsl_bench.plugins.ablation_spec import AblationSpec
    from avgzsl_bench.plugins.specs import MethodSpec
    from avgzsl_bench.report.reported import ReportedSpec

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
        error: why it was not loaded, or what of it had to be left out; None if all is well.
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
    """The loaded plugins.

    Attributes:
        manager: the hook manager.
        loaded: what became of every entry point when it was loaded.
    """

    manager: pluggy.PluginManager
    loaded: tuple[PluginStatus, ...]

    @property
    def statuses(self) -> tuple[PluginStatus, ...]:
        """As `loaded`, with what had to be left out of the data files and readers, which are read for it."""
        faults: dict[str, list[str]] = {}
        for gather in (_datasets, _readers, _reported, _ablations):
            for plugin, reason in gather(self).faults:
                faults.setdefault(plugin, []).append(reason)
        reported = [
            replace(status, error="; ".join(faults.pop(_key(status.distribution, status.name))))
            if _key(status.distribution, status.name) in faults
            else status
            for status in self.loaded
        ]
        by_hand = [PluginStatus(name, "?", "?", "?", "; ".join(reasons)) for name, reasons in faults.items()]
        return (*reported, *by_hand)


@lru_cache(maxsize=1)
def load_plugins() -> Plugins:
    """Load every entry point of the group (or those that `AVBENCH_PLUGINS` names), keeping failures."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    wanted = _pinned()
    # Our own come first, so that a stranger's method cannot take the name of one of ours.
    found = sorted(entry_points(group=GROUP), key=lambda e: (_distribution(e) != OWN, _distribution(e), e.name))
    # An editable install that shadows a wheel lists its entry points twice; one is enough.
    unique = {(_distribution(e), e.name, e.value): e for e in found if wanted is None or e.name in wanted}
    taken: set[str] = set()
    statuses = [_load(manager, entry, taken) for entry in unique.values()]
    installed = {entry.name for entry in found}
    missing = [name for name in wanted or () if name not in installed]
    return Plugins(manager, (*statuses, *(_not_installed(name, installed) for name in missing)))


def _pinned() -> list[str] | None:
    """The entry points that `AVBENCH_PLUGINS` names; None if it is unset."""
    pinned = os.environ.get(PIN)
    return None if pinned is None else [name.strip() for name in pinned.split(",") if name.strip()]


def _not_installed(name: str, installed: set[str]) -> PluginStatus:
    error = UnknownNameError(f"entry point in {PIN}", name, installed)
    return PluginStatus(name, "?", "?", "?", _one_line(error))


def _distribution(entry: EntryPoint) -> str:
    return entry.dist.name if entry.dist else "?"


def _key(distribution: str, name: str) -> str:
    """The name under which an entry point's plugin is registered."""
    return f"{distribution}:{name}"


def _one_line(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


@contextmanager
def _isolated(report: Callable[[str], None]) -> Iterator[None]:
    """Reports whatever a stranger's code raises, in one line, so that the rest works on."""
    try:
        yield
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException as error:
        report(_one_line(error))


def _load(manager: pluggy.PluginManager, entry: EntryPoint, taken: set[str]) -> PluginStatus:
    """Import, register and ask one plugin; `taken` holds the method names of those before it."""
    names: tuple[str, ...] = ()
    errors: list[str] = []
    with _isolated(errors.append):
        plugin = entry.load()
        name = _key(_distribution(entry), entry.name)
        try:
            _check_hook_names(manager, plugin)
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


def _check_hook_names(manager: pluggy.PluginManager, plugin: Any) -> None:
    """A hook that is not marked, or whose name the specification does not know, is a mistake, not an extra."""
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
    """Names of the methods that a plugin registers.

    Raises:
        PluginError: a name is taken, or comes twice.
    """
    from avgzsl_bench.plugins.specs import MethodSpec

    impls = [impl for impl in manager.hook.avbench_methods.get_hookimpls() if impl.plugin is plugin]
    names = [spec.name for impl in impls for spec in _specs(impl.function, "avbench_methods", MethodSpec)]
    clashes = taken.intersection(names) | {name for name in names if names.count(name) > 1}
    if clashes:
        raise PluginError(f"registers method names that are taken: {', '.join(sorted(clashes))}")
    return tuple(names)


def _specs(function: Callable[[], Any], hook: str, kind: type) -> Sequence[Any]:
    """What a plugin's function returns.

    Raises:
        PluginError: it is not a list of the hook's kind.
    """
    returned = function()
    wanted = f"{hook} must return a list of {kind.__name__}, got"
    if not isinstance(returned, list | tuple):
        raise PluginError(f"{wanted} {type(returned).__name__}")
    for item in returned:
        if not isinstance(item, kind):
            raise PluginError(f"{wanted} {type(item).__name__} in it")
    return returned


Read = TypeVar("Read")


@dataclass(frozen=True)
class _Gathered(Generic[Read]):
    """What the plugins bring through a hook, by name, and what is wrong: (plugin, reason) for each fault."""

    items: dict[str, Read] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)

    def hint(self) -> str:
        """The faults, for an error about a name that is not there; empty when there are none."""
        return "; ".join(f"left out: {reason}" for _, reason in self.faults)


def _gather(plugins: Plugins, hook: str, kind: type, read: Callable[[Any], Read]) -> _Gathered[Read]:
    """Ask plugin by plugin, in the order of registration, and read what each brings; faults are kept."""
    gathered: _Gathered[Read] = _Gathered()
    for impl in getattr(plugins.manager.hook, hook).get_hookimpls():

        def report(reason: str, plugin: str = impl.plugin_name) -> None:
            gathered.faults.append((plugin, reason))

        specs: Sequence[Any] = ()
        with _isolated(report):
            specs = _specs(impl.function, hook, kind)
        for spec in specs:
            with _isolated(report):
                if spec.name in gathered.items:
                    raise PluginError(f"{hook}: the name {spec.name!r} is taken")
                gathered.items[spec.name] = read(spec)
    return gathered


def _datasets(plugins: Plugins) -> _Gathered[Dataset]:
    from avgzsl_bench.data.datasets.facts import read_dataset
    from avgzsl_bench.plugins.dataset_spec import DatasetSpec

    return _gather(plugins, "avbench_datasets", DatasetSpec, read_dataset)


def _readers(plugins: Plugins) -> _Gathered[FeatureReader]:
    from avgzsl_bench.data.layouts.readers import ReaderSpec

    return _gather(plugins, "avbench_feature_readers", ReaderSpec, _reader)


def _reader(spec: ReaderSpec) -> FeatureReader:
    reader: FeatureReader = _resolve(spec.target, f"feature reader {spec.name!r}")
    for name in ("recognise", "read"):
        if not callable(getattr(reader, name, None)):
            raise PluginError(f"feature reader {spec.name!r}: {spec.target} has no method {name!r}")
    return reader


def _reported(plugins: Plugins) -> _Gathered[ReportedSpec]:
    from avgzsl_bench.report.reported import ReportedSpec
    from avgzsl_bench.report.reported.figures import read_reported

    def readable(spec: ReportedSpec) -> ReportedSpec:
        read_reported(spec)
        return spec

    return _gather(plugins, "avbench_reported", ReportedSpec, readable)


def _ablations(plugins: Plugins) -> _Gathered[Ablation]:
    from avgzsl_bench.execution.ablation import read_ablation
    from avgzsl_bench.plugins.ablation_spec import AblationSpec

    def readable(spec: AblationSpec) -> Ablation:
        method_spec(spec.method)
        return read_ablation(spec)

    return _gather(plugins, "avbench_ablations", AblationSpec, readable)


def list_methods() -> list[MethodSpec]:
    """Every registered method, by name."""
    specs: list[Sequence[MethodSpec]] = load_plugins().manager.hook.avbench_methods()
    return sorted(chain.from_iterable(specs), key=lambda spec: spec.name)


def method_spec(name: str) -> MethodSpec:
    """The method registered under `name`.

    Raises:
        UnknownNameError: none is; the near miss is named, and broken plugins are mentioned.
    """
    specs = {spec.name: spec for spec in list_methods()}
    if name not in specs:
        broken = [s.name for s in load_plugins().loaded if s.error]
        hint = f"not loaded: {', '.join(broken)} (see 'avbench plugins')" if broken else ""
        raise UnknownNameError("method", name, specs, hint)
    return specs[name]


def provider(spec: MethodSpec) -> PluginStatus | None:
    """The plugin that registered a method; None if it was registered by hand."""
    return next((s for s in load_plugins().loaded if spec.name in s.methods), None)


def method_class(spec: MethodSpec) -> type[Method]:
    """Import a method's class.

    Raises:
        PluginError: the target cannot be imported, is no `Method` or an unfinished one.
    """
    from avgzsl_bench.method.base import Method

    owner = f"method {spec.name!r}: {spec.target}"
    target = _resolve(spec.target, f"method {spec.name!r}")
    if not (isinstance(target, type) and issubclass(target, Method)):
        raise PluginError(f"{owner} is not a subclass of avgzsl_bench.Method")
    _check_class(target, owner)
    return target


def _check_class(target: type[Method], owner: str) -> None:
    """Refuse a class that could not be built."""
    from avgzsl_bench.method.base import MethodConfig

    if isabstract(target):
        raise PluginError(f"{owner} does not define {', '.join(sorted(target.__abstractmethods__))}")
    if not (isinstance(target.Config, type) and issubclass(target.Config, MethodConfig)):
        raise PluginError(f"{owner}.Config is not a subclass of avgzsl_bench.MethodConfig")
    try:
        signature(target).bind("config", "shape", "classes", seed=0, device="cpu")
    except TypeError as e:
        raise PluginError(f"{owner} must take (config, shape, classes, *, seed, device): {e}") from e


def _resolve(target: str, owner: str) -> Any:
    module, _, attribute = target.partition(":")
    try:
        return getattr(import_module(module), attribute)
    except Exception as e:  # a stranger's module may raise anything
        raise PluginError(f"{owner}: {target} cannot be imported: {type(e).__name__}: {e}") from e


def datasets() -> dict[str, Dataset]:
    """Every registered dataset that can be read, by name."""
    return dict(sorted(_datasets(load_plugins()).items.items()))


def dataset(name: str) -> Dataset:
    """The dataset registered under `name`.

    Raises:
        UnknownNameError: none is, or it cannot be read.
    """
    gathered = _datasets(load_plugins())
    if name not in gathered.items:
        raise UnknownNameError("dataset", name, gathered.items, gathered.hint())
    return gathered.items[name]


def feature_readers() -> dict[str, FeatureReader]:
    """Every registered feature reader that can be used, by layout name."""
    return _readers(load_plugins()).items


def reported_specs() -> list[ReportedSpec]:
    """Every registered file of reported figures that can be read."""
    return list(_reported(load_plugins()).items.values())


def ablation(method: str) -> Ablation:
    """The ablation of a registered method.

    Raises:
        UnknownNameError: no such method.
        AvbenchError: the method has no ablation, or one that cannot be read; the methods that have are named.
    """
    method_spec(method)
    gathered = _ablations(load_plugins())
    if method not in gathered.items:
        those = ", ".join(sorted(gathered.items)) or "none"
        hint = f"; {gathered.hint()}" if gathered.faults else ""
        raise AvbenchError(f"method {method!r} declares no ablation; methods that do: {those}{hint}")
    return gathered.items[method]
