"""Where modules lie, found without importing them."""

from __future__ import annotations

import pkgutil
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

_LIBRARIES = (
    *("avgzsl_bench", "torch", "numpy", "scipy", "pandas", "h5py", "pluggy", "pydantic", "pydantic_core"),
    *("safetensors", "typing_extensions"),
)
NEVER = frozenset([*sys.builtin_module_names, *sys.stdlib_module_names, *_LIBRARIES])
"""Top-level packages that are no code of a method: the harness, what it needs, and the standard library."""
_INSTALLED = ("site-packages", "dist-packages")


class Place(NamedTuple):
    """Where a top-level package or module lies.

    Attributes:
        folders: that it is imported from; more than one for a namespace package.
        trees: the folders of the package itself; none of a module.
    """

    folders: frozenset[Path]
    trees: frozenset[Path]

    @classmethod
    def of(cls, top: str) -> Place:
        """Find the place; without folders if there is no such package."""
        spec = spec_of(top)
        trees = frozenset(map(Path, (spec and spec.submodule_search_locations) or ()))
        files = [Path(spec.origin)] if spec and spec.origin and not trees else []
        return cls(frozenset(path.parent for path in [*trees, *files]), trees)

    def has_beside(self, other: Place) -> bool:
        """Check whether another lies in the same folder, unless it is one of installed packages, or inside."""
        beside = self.folders & other.folders
        inside = {folder for folder in other.folders if any(folder.is_relative_to(tree) for tree in self.trees)}
        return any(not _holds_installed(folder) for folder in beside | inside)


def _holds_installed(folder: Path) -> bool:
    return folder.name in _INSTALLED or any(folder.glob("*.dist-info"))


def spec_of(name: str) -> ModuleSpec | None:
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
    above = spec_of(parent)
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
