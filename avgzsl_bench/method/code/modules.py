"""The modules that code consists of: those it starts from, and what they import of some packages."""

from __future__ import annotations

import ast
import pkgutil
import sys
import warnings
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from typing import NamedTuple

from avgzsl_bench.method.code.imports import EVERYTHING, Names, Reference, names_of
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
        packages: the top-level packages that imports are followed into.
    """
    found: dict[str, Module] = {}
    find = cache(find_module)
    to_do = list(roots)
    while to_do:
        name = to_do.pop()
        if name in found or name.partition(".")[0] not in packages:
            continue
        module = find(name)
        if module is None:
            continue
        found[name] = module
        names = module.content.names
        own = [reference for reference in names.references if reference.module.partition(".")[0] in packages]
        to_do += [target for reference in own for target in _targets(reference, find)]
        if module.is_package and _LAZY in names.bound:
            to_do += [module.name + "." + text.removeprefix(module.name).lstrip(".") for text in names.strings]
    return [found[name] for name in sorted(found)]


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
    spec = _spec_of(name)
    if spec is None:
        return None
    try:
        source: str | None = spec.loader.get_source(spec.name)  # type: ignore[union-attr]
    except (AttributeError, ImportError, OSError, SyntaxError, ValueError):
        source = None
    return Module(name, spec.submodule_search_locations is not None, source)


def _spec_of(name: str) -> ModuleSpec | None:
    """Find how a module is or would be imported; the packages above it are not imported either."""
    known: ModuleSpec | None = getattr(sys.modules.get(name), "__spec__", None)
    if known is not None or not all(part.isidentifier() for part in name.split(".")):
        return known
    parent, _, _ = name.rpartition(".")
    if not parent:
        try:
            return find_spec(name)
        except (ImportError, ValueError):
            return None
    above = _spec_of(parent)
    folders: list[str] = []
    for location in (above and above.submodule_search_locations) or ():
        finder = pkgutil.get_importer(location)
        spec: ModuleSpec | None = finder.find_spec(name) if finder is not None else None
        if spec is None:
            continue
        if spec.loader is not None:
            return spec
        folders += spec.submodule_search_locations or ()
    if not folders:
        return None
    without_init = ModuleSpec(name, None, is_package=True)
    without_init.submodule_search_locations = folders
    return without_init


@lru_cache(maxsize=1024)
def _content_of(name: str, is_package: bool, source: str) -> Content:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes, which Python gave when it imported the module
            tree = ast.parse(source)
        return Content(tuple(code_tokens(source)), names_of(tree, name, is_package=is_package))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Content((source,), Names(frozenset(), frozenset(), frozenset()))
