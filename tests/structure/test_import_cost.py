"""Nothing heavy is imported before it is needed."""

from __future__ import annotations

import pytest
from process_control import python

COMMAND = """
from avgzsl_bench.cli import main
try:
    main({arguments!r})
except SystemExit as end:
    assert not end.code, end.code
"""
LISTING = [["--help"], ["methods"], ["methods", "--json"], ["datasets"], ["plugins"]]
PACKAGE = "import sys, avgzsl_bench; assert not [name for name in sys.modules if name.startswith('avgzsl_bench.')]"
METHODS = "from avgzsl_bench.method.registry import list_methods; assert list_methods()"


@pytest.mark.parametrize(
    ("code", "unused"),
    [
        *((COMMAND.format(arguments=arguments), {"torch"}) for arguments in LISTING),
        ("import avgzsl_bench.cli.data", {"torch", "numpy", "h5py"}),
        ("import avgzsl_bench.cli.sweep", {"torch", "numpy"}),
        (METHODS, {"torch", "numpy", "pydantic", "h5py", "pandas"}),
        (PACKAGE, {"torch", "numpy", "pydantic", "h5py", "pandas", "pluggy"}),
    ],
)
def test_nothing_heavy_is_imported(code: str, unused: set[str]) -> None:
    code += f"\nimport sys\nassert not {unused} & set(sys.modules), {unused} & set(sys.modules)"
    done = python(code)
    assert done.returncode == 0, done.stderr
