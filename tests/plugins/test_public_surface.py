"""What `import avgzsl_bench` offers: enough for a plugin of each kind, in one list, shadowed by no submodule.

The plugin is that of docs/plugins.md, so this also keeps the page true.
"""

from __future__ import annotations

import ast
import json
import logging
import pkgutil
import sys
import tomllib
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from types import ModuleType
from typing import get_args

import plugin_pages
import pytest
from click.testing import CliRunner

import avgzsl_baselines
import avgzsl_bench as ab
import avgzsl_mft
from avgzsl_bench.cli import main
from avgzsl_bench.cli.plugin_status import all_plugin_statuses
from avgzsl_bench.plugins import hookspecs

FILES = plugin_pages.shown_files(plugin_pages.PLUGINS) | plugin_pages.shown_files(plugin_pages.DATASETS)
PYTHON = [name for name in FILES if name.endswith(".py")]
FACADE = Path(ab.__file__)


@pytest.fixture
def birds(tmp_path, add_entry_point, monkeypatch):
    """Installs the plugin of the page; gives the module with its tests."""
    for name, content in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, encoding="utf-8")
    (entry_point,) = tomllib.loads(FILES["pyproject.toml"])["project"]["entry-points"]["avgzsl_bench"].items()
    add_entry_point(*entry_point)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AVBENCH_DATA", str(tmp_path / "data"))
    yield import_module("test_birds")
    for name in [name for name in sys.modules if name.partition(".")[0] in ("avbench_birds", "test_birds")]:
        del sys.modules[name]


@pytest.mark.parametrize("name", PYTHON)
def test_the_plugin_imports_the_public_names_only(name):
    for node in ast.walk(ast.parse(FILES[name])):
        if isinstance(node, ast.ImportFrom):
            pytest.fail(f"{name}: from {node.module} import ...")
        if isinstance(node, ast.Import):
            allowed = {"avgzsl_bench", "numpy", "torch", *sys.stdlib_module_names}
            assert {alias.name for alias in node.names} <= allowed
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "ab":
            assert node.attr in ab.__all__


def test_the_page_has_every_hook():
    page = plugin_pages.PLUGINS.read_text(encoding="utf-8")
    shown = {node.name for name in PYTHON for node in ast.walk(ast.parse(FILES[name])) if hasattr(node, "name")}
    for hook in (name for name in vars(hookspecs) if name.startswith("avbench_")):
        assert hook in shown
        assert f"`{hook}`" in page, f"{hook} is not in the table"


def test_the_plugin_works_as_the_page_says(birds, tmp_path, caplog):
    assert not [status for status in all_plugin_statuses() if status.error]
    Path("sample").mkdir()
    birds.write_sample(Path("sample"))
    caplog.set_level(logging.INFO, "avbench_birds")
    outputs = {}
    for command in plugin_pages.shown_commands(plugin_pages.PLUGINS):
        result = CliRunner().invoke(main, command)
        assert result.exit_code == 0, (command, result.output)
        outputs[command[0]] = result.output
    assert "octaves" in outputs["encoders"]
    assert "birdnet" in outputs["data"]
    started, *epochs, finished = [record.getMessage() for record in caplog.records]
    assert started == "ridge on birds, seed 1"
    assert len(epochs) == 2
    assert "squared_error" in epochs[0]
    assert finished.startswith("HM ")
    assert "--log lines:DIR: One line of JSON an epoch, in a file for each run" in outputs["plugins"]
    (log,) = (tmp_path / "logs").iterdir()
    settings, *logged, last = [json.loads(line) for line in log.read_text().splitlines()]
    assert settings == {"settings": settings["settings"], "simulated": False}
    assert [(line["stage"], [*line["losses"]]) for line in logged] == [
        (1, ["squared_error"]),
        (2, ["squared_error"]),
    ]
    assert finished.startswith(f"HM {last['test']:.4f}")
    assert "44.44" in (tmp_path / "leaderboards" / "birds-birdnet-cls.md").read_text()
    assert "no bias" in outputs["ablate"]
    benchmark = ab.load_benchmark("birds", "birdnet")
    assert len(benchmark.final.train) == 20
    assert CliRunner().invoke(main, ["data", "verify"]).exit_code == 0


def test_the_plugin_passes_its_own_tests(birds, tmp_path):
    birds.test_the_method()
    (tmp_path / "small").mkdir()
    birds.test_the_reader(tmp_path / "small")
    birds.test_the_encoder()


def imported_for_type_checkers() -> dict[str, str]:
    """Module by name, as type checkers read it; each is re-exported under its own name."""
    blocks = [node for node in ast.parse(FACADE.read_text()).body if isinstance(node, ast.If)]
    (block,) = (node for node in blocks if ast.unparse(node.test) == "TYPE_CHECKING")
    found = {}
    for statement in block.body:
        assert isinstance(statement, ast.ImportFrom)
        for alias in statement.names:
            assert alias.asname == alias.name
            found[alias.name] = statement.module
    return found


def test_type_checkers_and_python_find_the_same_names():
    assert imported_for_type_checkers() == ab._MODULE_OF
    assert dir(ab) == sorted(ab.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ab.nothing


def test_no_module_shadows_a_public_name():
    """A submodule becomes an attribute of its package once imported, over whatever has the same name."""
    for package in (ab, avgzsl_baselines, avgzsl_mft):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            import_module(module.name)
    assert not {module.name for module in pkgutil.iter_modules(ab.__path__)} & {*ab.__all__}
    assert callable(ab.run)
    for name in ab.__all__:
        value = getattr(ab, name)
        if name == "PARTITIONS":
            assert len(value) == 6
        elif name == "Precision":
            assert "full" in get_args(value)
        elif name == "Field" or name[0].islower():
            assert callable(value), name
            assert not isinstance(value, type | ModuleType), name
        else:
            assert isinstance(value, type), name


def test_the_package_says_its_version():
    assert ab.__version__ == version("avgzsl-bench")
    assert "__version__" not in ab.__all__
