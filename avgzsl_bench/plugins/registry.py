"""What plugins register through one hook: items by name, read when needed, with faults kept apart."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, Protocol, TypeVar

from avgzsl_bench.errors import PluginError, UnknownNameError
from avgzsl_bench.plugins.contained import contained
from avgzsl_bench.plugins.manager import PluginStatus, isolated, load_plugins, plugin_name, specs_of


class Spec(Protocol):
    """A spec that a hook returns; it is registered under its name."""

    @property
    def name(self) -> str:
        """The name, unique for the hook."""


AnySpec = TypeVar("AnySpec", bound=Spec)
Item = TypeVar("Item")


@dataclass(frozen=True)
class Gathered(Generic[Item]):
    """Items by name, the plugin that registered each, and what is wrong: (plugin, reason) for each fault."""

    items: dict[str, Item] = field(default_factory=dict)
    owners: dict[str, str] = field(default_factory=dict)
    faults: list[tuple[str, str]] = field(default_factory=list)

    def hint(self) -> str:
        """List the faults, for an error about a name that is not registered; empty if there are none."""
        return "; ".join(f"left out: {reason}" for _, reason in self.faults)


@dataclass(frozen=True)
class Registry(Generic[AnySpec, Item]):
    """What plugins register through one hook.

    Attributes:
        hook: name of the hook.
        kind: class of the specs that it returns.
        noun: what an item is, for messages.
        read: makes an item of a spec.
    """

    hook: str
    kind: type[AnySpec]
    noun: str
    read: Callable[[AnySpec], Item]

    @contained()
    def gather(self) -> Gathered[Item]:
        """Read what each plugin registers, in the order of registration, and keep the faults."""
        gathered: Gathered[Item] = Gathered()
        for impl in getattr(load_plugins().manager.hook, self.hook).get_hookimpls():

            def report(reason: str, plugin: str = impl.plugin_name) -> None:
                gathered.faults.append((plugin, reason))

            specs: Sequence[AnySpec] = ()
            with isolated(report):
                specs = specs_of(impl.function, self.hook, self.kind)
            for spec in specs:
                with isolated(report):
                    if spec.name in gathered.items:
                        raise PluginError(f"{self.hook}: the name {spec.name!r} is taken")
                    gathered.items[spec.name] = self.read(spec)
                    gathered.owners[spec.name] = impl.plugin_name
        return gathered

    def items(self) -> dict[str, Item]:
        """Give every item that can be read, by name, in the order of registration."""
        return self.gather().items

    def item(self, name: str) -> Item:
        """Give the item registered under a name.

        Raises:
            UnknownNameError: there is none, or it cannot be read; the message has the reason.
        """
        gathered = self.gather()
        if name not in gathered.items:
            raise UnknownNameError(self.noun, name, gathered.items, gathered.hint())
        return gathered.items[name]


def plugin_statuses(registries: Iterable[Registry[Any, Any]]) -> list[PluginStatus]:
    """Give the outcome for every entry point, with what was left out of what it registers by the given hooks."""
    faults: dict[str, list[str]] = {}
    for registry in registries:
        for plugin, reason in registry.gather().faults:
            faults.setdefault(plugin, []).append(reason)
    statuses = []
    for status in load_plugins().loaded:
        reasons = faults.pop(plugin_name(status.distribution, status.name), None)
        statuses.append(replace(status, error="; ".join(reasons)) if reasons else status)
    by_hand = [PluginStatus(name, "?", "?", "?", "; ".join(reasons)) for name, reasons in faults.items()]
    return [*statuses, *by_hand]
