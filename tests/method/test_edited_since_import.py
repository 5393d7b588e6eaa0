"""What was edited after it was imported is refused: the hash would be of other code than what runs."""

from __future__ import annotations

import functools
import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import avgzsl_bench as ab
from avgzsl_bench.errors import PluginError
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import plan_run
from avgzsl_bench.method.code.identity import code_of
from avgzsl_bench.method.code.loaded import edited_file

METHOD = """
import avgzsl_bench as ab
from liveon.helper import scale

class Mine(ab.Method):
    def train_epoch(self, train): return {"loss": scale(1.0)}
    def score(self, videos, classes): return classes.embedding()[None, :, 0].expand(len(videos), -1)
    def state_dict(self): return {}
    def load_state_dict(self, state): pass
"""
HELPER = """
import functools
from dataclasses import dataclass

def logged(function):
    @functools.wraps(function)
    def inner(*arguments):
        return function(*arguments)
    return inner

def scale(x):
    return [2.0 * value for value in (x,)][0]

@logged
def wrapped(x):
    return 3.0 * x

@functools.lru_cache
def kept(x):
    class Local:
        y = 4.0

    return Local.y * x

@dataclass
class Thing:
    x: int = 0

    class Inner:
        def deep(self): return 5.0

    @property
    def own(self): return 6.0

    @staticmethod
    def alone(): return 7.0

    @classmethod
    def made(cls): return 8.0
    later = lambda self: 9.0
"""


class Plugin:
    @ab.hookimpl
    def avbench_methods(self) -> list[ab.MethodSpec]:
        return [ab.MethodSpec("liveon", "liveon.mine:Mine", "Live on", follows="paper")]


@pytest.fixture
def helper(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file of a helper that a method imported."""
    package = tmp_path / "liveon"
    package.mkdir()
    for name, text in (("__init__", ""), ("mine", METHOD), ("helper", HELPER)):
        (package / f"{name}.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    importlib.import_module("liveon.mine")
    yield package / "helper.py"
    for name in [name for name in sys.modules if name.partition(".")[0] == "liveon"]:
        del sys.modules[name]


def test_a_run_of_an_edited_helper_is_refused(
    helper: Path, register: Callable[[object], object], data_root: Path, tmp_path: Path
) -> None:
    register(Plugin())
    options = RunOptions(features="simulated", data_root=data_root, out=tmp_path / "results", device="cpu")
    helper.write_text(HELPER.replace("2.0", "2.5"), encoding="utf-8")
    with pytest.raises(PluginError) as refused:
        plan_run("liveon", "ucf", options=options)
    assert str(refused.value) == (
        f"method 'liveon': {helper} was edited after it was imported; start Python again"
    )
    helper.write_text(HELPER, encoding="utf-8")
    assert plan_run("liveon", "ucf", options=options).spec.method.code is not None


@pytest.mark.parametrize("number", range(2, 10))
def test_every_function_of_a_module_and_its_classes_is_compared(helper: Path, number: int) -> None:
    text = HELPER.replace(f"{number}.0", f"{number}.5")
    assert text != HELPER
    helper.write_text(text, encoding="utf-8")
    with pytest.raises(PluginError, match="was edited after it was imported"):
        code_of(sys.modules["liveon.mine"].Mine)


@pytest.mark.parametrize("change", ["", "# a comment\n\n", "X = 1\n"])
def test_functions_that_only_move_are_the_same(helper: Path, change: str) -> None:
    helper.write_text(change + HELPER.replace("\n", "\n# and\n"), encoding="utf-8")
    assert code_of(sys.modules["liveon.mine"].Mine) is not None


def test_what_others_put_into_a_module_is_passed_over(helper: Path) -> None:
    module = sys.modules["liveon.helper"]
    module.scale = functools.wraps(module.scale)(lambda x: x)  # type: ignore[attr-defined]
    module.stranger = lambda: 1  # type: ignore[attr-defined]
    exec("def made(): return 1", vars(module))
    assert edited_file("liveon.helper", HELPER) is None
    assert edited_file("liveon.helper", HELPER.replace("2.0", "2.5")) == str(helper)
    assert edited_file("liveon.nowhere", HELPER) is None
    assert edited_file("liveon.helper", "x =") == str(helper)


def test_a_loader_that_changes_what_it_loads_is_asked(helper: Path) -> None:
    loader = type(sys.modules["liveon.helper"].__loader__)

    class Doubling(loader):  # type: ignore[misc, valid-type]
        def source_to_code(self, data, path, **options):  # type: ignore[no-untyped-def]
            text = data if isinstance(data, str) else data.decode()
            return super().source_to_code(text.replace("2.0", "4.0"), path, **options)

    spec = importlib.util.spec_from_file_location(
        "liveon.helper", helper, loader=Doubling("liveon.helper", str(helper))
    )
    assert spec is not None
    sys.modules["liveon.helper"] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)  # type: ignore[union-attr]
    assert module.scale(1.0) == 4.0
    assert edited_file("liveon.helper", HELPER) is None
