"""No import cycles, and nothing heavy before it is needed; import-linter has contracts of the layers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from process_control import python
from scipy.sparse.csgraph import connected_components

PACKAGE = "avgzsl_bench"
UPWARDS = f"{PACKAGE}.plugins.hookspecs"
"""The one module that may import upwards, for types: the hooks pass on what the layers above make."""


def cycles(imports: dict[str, set[str]]) -> list[list[str]]:
    """Find the groups of modules that import each other, directly or through others."""
    names = sorted(imports)
    links = np.array([[other in imports[name] for other in names] for name in names])
    _, labels = connected_components(links, connection="strong")
    groups = [[names[i] for i in np.flatnonzero(labels == label)] for label in np.unique(labels)]
    return sorted(group for group in groups if len(group) > 1 or group[0] in imports[group[0]])


def test_no_module_imports_itself_through_others() -> None:
    grimp = pytest.importorskip("grimp", reason="grimp comes with import-linter: pip install -e '.[dev]'")
    graph = grimp.build_graph(PACKAGE, exclude_type_checking_imports=False, cache_dir=None)
    modules = graph.modules - {PACKAGE, UPWARDS}  # the root has the public names, and nothing inside imports it
    imports = {name: graph.find_modules_directly_imported_by(name) & modules for name in modules}
    assert len(modules) > 100
    assert cycles(imports) == []


def test_cycles_are_found() -> None:
    imports = {"a": {"b"}, "b": {"c", "d"}, "c": {"a"}, "d": {"e"}, "e": {"f"}, "f": {"e"}, "g": {"a"}}
    assert cycles(imports) == [["a", "b", "c"], ["e", "f"]]
    assert cycles({"a": {"a"}, "b": set()}) == [["a"]]


COMMAND = """
from avgzsl_bench.cli import main
try:
    main({arguments!r})
except SystemExit as end:
    assert not end.code, end.code
"""
LISTING = [["--help"], ["methods"], ["methods", "--json"], ["datasets"], ["plugins"]]
EXTRACTION = {"av", "transformers", "huggingface_hub", "PIL", "pebble"}
"""What only encoders and decoding import; `avbench encoders` asks the hub's library where its cache is."""
FACADE = "import sys, avgzsl_bench; assert not [name for name in sys.modules if name.startswith('avgzsl_bench.')]"
METHODS = "from avgzsl_bench.method.registry import list_methods; assert list_methods()"


@pytest.mark.parametrize(
    ("code", "unused"),
    [
        *((COMMAND.format(arguments=arguments), {"torch", *EXTRACTION}) for arguments in LISTING),
        (COMMAND.format(arguments=["encoders"]), {"torch", *EXTRACTION} - {"huggingface_hub"}),
        ("import avgzsl_bench.execution.execute, avgzsl_bench.cli.run", EXTRACTION),
        ("import avgzsl_bench.cli.data", {"torch", "numpy", "h5py"}),
        ("import avgzsl_bench.cli.sweep", {"torch", "numpy"}),
        ("import avgzsl_bench.execution.sweep.job, avgzsl_bench.execution.options", {"torch"}),
        (METHODS, {"torch", "numpy", "pydantic", "h5py", "pandas"}),
        (FACADE, {"torch", "numpy", "pydantic", "h5py", "pandas", "pluggy"}),
    ],
)
def test_nothing_heavy_is_imported(code: str, unused: set[str]) -> None:
    assert_unused(code, unused)


def test_a_run_needs_nothing_of_extraction(data_root: Path, tmp_path: Path) -> None:
    places = ["--data-root", str(data_root), "--out", str(tmp_path / "results")]
    code = COMMAND.format(arguments=["run", "--method", "devise", "--dataset", "ucf", "--epochs", "1", *places])
    assert_unused(code, EXTRACTION)
    assert list(tmp_path.rglob("*.json"))


def assert_unused(code: str, modules: set[str]) -> None:
    """Require that code, in a process of its own, imports none of some modules."""
    code += f"\nimport sys\nassert not {modules} & set(sys.modules), {modules} & set(sys.modules)"
    done = python(code)
    assert done.returncode == 0, done.stderr
