"""The modules that code consists of: those it starts from, and what they import of some packages."""

from __future__ import annotations

import ast
import pkgutil
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache, partial
from typing import NamedTuple

from avgzsl_bench.method.code.imports import EVERYTHING, Names, Reference, names_of
from avgzsl_bench.method.code.places import NEVER, Place, spec_of
from avgzsl_bench.method.code.tokens import code_tokens

_LAZY = "__getattr__"
"""The function of a package that gives names which were not bound when it was imported."""


class Content(NamedTuple):
    """What of a module counts: its tokens, and the names in it."""

    tokens: tuple[str, ...]
    names: Names


@dataclass(frozen=True)
class Module:
    """A module, as it lies on disk.

    Attributes:
        name: its full name.
        is_package: whether it is the `__init__` of a package.
        source: None where there is none: compiled modules, packages without `__init__`.
    """

    name: str
    is_package: bool
    source: str | None

    @property
    def content(self) -> Content:
        """What of it counts; all of it where it cannot be parsed, nothing without a source."""
        return _content_of(self.name, self.is_package, self.source or "")


def modules_of(roots: Iterable[str], packages: Collection[str]) -> list[Module]:
    """Find modules and all that they import, directly or not, sorted by name; nothing is imported for it.

    Args:
        roots: names of modules to start from.
        packages: the top-level packages that imports are followed into, with those that lie beside them.
    """
    found: dict[str, Module] = {}
    find, counts = cache(find_module), cache(partial(_counts, packages, [Place.of(name) for name in packages]))
    to_do = list(roots)
    while to_do:
        name = to_do.pop()
        if name in found or not counts(top_of(name)):
            continue
        module = find(name)
        if module is None:
            continue
        found[name] = module
        names = module.content.names
        own = [reference for reference in names.references if counts(top_of(reference.module))]
        to_do += [target for reference in own for target in _targets(reference, find)]
        to_do += [above for above in _above(name) if (package := find(above)) and package.content.names.acts]
        if module.is_package and _LAZY in names.bound:
            to_do += [module.name + "." + text.removeprefix(module.name).lstrip(".") for text in names.strings]
        elif names.computed:
            to_do += _all_in(name if module.is_package else name.rpartition(".")[0])
    return [found[name] for name in sorted(found)]


def top_of(module: str) -> str:
    """Give the top-level package of a module, from its full name."""
    return module.partition(".")[0]


def _counts(packages: Collection[str], places: Collection[Place], top: str) -> bool:
    """Check whether imports are followed into a top-level package: one of some, or one that lies beside them."""
    if top in packages or top in NEVER:
        return top in packages
    other = Place.of(top)
    return any(place.has_beside(other) for place in places)


def _above(name: str) -> list[str]:
    """Give the packages that a module lies in, directly or not."""
    parts = name.split(".")
    return [".".join(parts[:count]) for count in range(1, len(parts))]


def _all_in(package: str) -> Iterator[str]:
    """Yield all modules of a package, those of its packages too; none is imported."""
    spec = spec_of(package) if package else None
    for info in pkgutil.iter_modules(spec.submodule_search_locations if spec else []):
        yield f"{package}.{info.name}"
        if info.ispkg:
            yield from _all_in(f"{package}.{info.name}")


def _targets(reference: Reference, find: Callable[[str], Module | None]) -> Iterator[str]:
    """Yield the modules that a reference may need.

    Taking a module out of a package does not need the package itself, unless it binds that name to something.
    """
    base = find(reference.module)
    if base is None or reference.name is None:
        yield reference.module
        return
    if not base.is_package:
        yield base.name
        return
    inner = f"{base.name}.{reference.name}"
    if reference.name == EVERYTHING:
        yield from (f"{base.name}.{text}" for text in base.content.names.strings)
    elif find(inner) is not None:
        yield inner
        if reference.name not in base.content.names.bound:
            return
    yield base.name


def find_module(name: str) -> Module | None:
    """Find a module by its full name without importing it; None if there is none."""
    spec = spec_of(name)
    if spec is None:
        return None
    try:
        source: str | None = spec.loader.get_source(spec.name)  # type: ignore[union-attr]
    except (AttributeError, ImportError, OSError, SyntaxError, ValueError):
        source = None
    return Module(name, spec.submodule_search_locations is not None, source)


@lru_cache(maxsize=1024)
def _content_of(name: str, is_package: bool, source: str) -> Content:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes, which Python gave when it imported the module
            tree = ast.parse(source)
        return Content(tuple(code_tokens(source)), names_of(tree, name, is_package=is_package))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Content((source,), Names())
