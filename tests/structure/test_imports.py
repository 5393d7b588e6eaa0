"""No import cycles between modules; the layers are contracts of import-linter (`lint-imports`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import pytest

PACKAGE = "avgzsl_bench"
UPWARDS = f"{PACKAGE}.plugins.hookspecs"
"""The one module that may import upwards, for types: the hooks pass on what the layers above make."""


def cycles(modules: Iterable[str], imports: dict[str, set[str]]) -> Iterator[list[str]]:
    """Find the groups of modules that import each other, directly or through others (Tarjan, 1972)."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    path: list[str] = []

    def visit(module: str) -> Iterator[list[str]]:
        order[module] = lowest[module] = len(order)
        path.append(module)
        for other in sorted(imports[module]):
            if other not in order:
                yield from visit(other)
                lowest[module] = min(lowest[module], lowest[other])
            elif other in path:
                lowest[module] = min(lowest[module], order[other])
        if lowest[module] == order[module]:
            position = path.index(module)
            group, path[position:] = path[position:], []
            if len(group) > 1 or module in imports[module]:
                yield sorted(group)

    for module in sorted(modules):
        if module not in order:
            yield from visit(module)


def test_no_module_imports_itself_through_others() -> None:
    grimp = pytest.importorskip("grimp", reason="grimp comes with import-linter: pip install -e '.[dev]'")
    graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=False, cache_dir=None)
    modules = graph.modules - {PACKAGE, UPWARDS}  # the root has the public names, and nothing inside imports it
    imports = {name: graph.find_modules_directly_imported_by(name) & modules for name in modules}
    assert len(modules) > 100
    assert list(cycles(modules, imports)) == []


def test_cycles_are_found() -> None:
    imports = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"e"}, "e": {"f"}, "f": {"e"}, "g": {"a"}}
    assert list(cycles(imports, imports)) == [["e", "f"], ["a", "b", "c"]]
