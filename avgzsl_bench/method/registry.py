"""The methods that plugins register, and their classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from inspect import isabstract, signature
from itertools import chain
from typing import TYPE_CHECKING

from avgzsl_bench.errors import PluginError, UnknownNameError
from avgzsl_bench.plugins.contained import contained
from avgzsl_bench.plugins.manager import PluginStatus, load_plugins, resolve
from avgzsl_bench.system.identifiers import names_meant

if TYPE_CHECKING:
    from avgzsl_bench.method.base import Method, MethodConfig
    from avgzsl_bench.plugins.specs import MethodSpec, Needs


def list_methods() -> list[MethodSpec]:
    """List the registered methods, sorted by name."""
    hook = load_plugins().manager.hook
    with contained():
        specs: list[Sequence[MethodSpec]] = hook.avbench_methods()
    return sorted(chain.from_iterable(specs), key=lambda spec: spec.name)


def method_spec(name: str) -> MethodSpec:
    """Return the method registered under `name`, or with that title, in any case.

    Raises:
        UnknownNameError: none is, or several have the title; the near miss is named, and broken plugins are
            mentioned.
    """
    specs = {spec.name: spec for spec in list_methods()}
    meant = names_meant(name, [(spec.name, spec.title) for spec in specs.values()])
    if len(meant) != 1:
        broken = [s.name for s in load_plugins().loaded if s.error]
        hint = f"not loaded: {', '.join(broken)} (see 'avbench plugins')" if broken else ""
        raise UnknownNameError("method", name, specs, hint, meant)
    return specs[meant[0]]


def provider(spec: MethodSpec) -> PluginStatus | None:
    """Return the plugin that registered a method; None if it was registered by hand."""
    return next((s for s in load_plugins().loaded if spec.name in s.methods), None)


def method_class(spec: MethodSpec) -> type[Method]:
    """Import a method's class.

    Raises:
        PluginError: the target cannot be imported, is no `Method` or an unfinished one.
    """
    from avgzsl_bench.method.base import Method

    owner = f"method {spec.name!r}: {spec.target}"
    target = resolve(spec.target, f"method {spec.name!r}")
    if not (isinstance(target, type) and issubclass(target, Method)):
        raise PluginError(f"{owner} is not a subclass of avgzsl_bench.Method")
    _check_class(target, owner)
    return target


def needs_of(spec: MethodSpec, config: MethodConfig) -> Needs:
    """Return what a method reads of the data with a configuration, which may name other encoders than its spec."""
    return replace(spec.needs, joint=method_class(spec).joint_text(config, spec.needs.joint))


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
