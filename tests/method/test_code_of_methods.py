"""The hash of a method's code follows what its module needs, and nothing else."""

from __future__ import annotations

import importlib
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

import avgzsl_bench as ab
from avgzsl_bench.method.base import Method
from avgzsl_bench.method.code.identity import checkout_of_code, code_of
from avgzsl_bench.method.code.modules import modules_of
from avgzsl_bench.method.registry import method_class, method_spec
from avgzsl_bench.system.checkout import checkout_of

METHOD = """
import avgzsl_bench as ab
{imports}

class Mine({base}):
    def train_epoch(self, train): return {{"loss": SCALE}}
    def score(self, videos, classes): {inside}
    def state_dict(self): return {{}}
    def load_state_dict(self, state): pass
SCALE = 1
"""


def method(imports: str = "", base: str = "ab.Method", inside: str = "return None") -> str:
    return METHOD.format(imports=imports, base=base, inside=inside)


Write = Callable[[dict[str, str]], None]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Write]:
    """Write files into a folder from which modules can be imported, afresh each time."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # that of a file written in the same second is stale
    before = set(sys.modules)

    def forget() -> None:
        for name in set(sys.modules) - before:
            if name.partition(".")[0] in ("pkg", "other", "single", "neighbour", "space"):
                del sys.modules[name]
        importlib.invalidate_caches()

    def write(files: dict[str, str]) -> None:
        forget()
        for name, text in files.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    yield write
    forget()


def code(module: str) -> str | None:
    found: ModuleType = importlib.import_module(module)
    target: type[Method] = found.Mine
    return code_of(target)


PACKAGE = {
    "pkg/__init__.py": "",
    "pkg/mine.py": method(),
    "pkg/helper.py": "from pkg.deep import x\nSCALE = 2\n",
    "pkg/deep.py": "x = 1\n",
    "pkg/unrelated.py": "y = 1\n",
    "pkg/sub/__init__.py": "",
    "pkg/sub/helper.py": "from ..helper import SCALE\n",
}


@pytest.mark.parametrize(
    ("imports", "inside"),
    [
        ("from pkg.helper import SCALE", "pass"),
        ("from pkg.helper import *", "pass"),
        ("from pkg import helper", "pass"),
        ("from . import helper", "pass"),
        ("from .helper import SCALE as S", "pass"),
        ("import pkg.helper", "pass"),
        ("import pkg.helper as h", "pass"),
        ("import pkg.sub.helper as y", "pass"),
        ("from .sub import helper", "pass"),
        ("import pkg as p", "return p.helper.SCALE"),
        ("import pkg.unrelated", "return pkg.helper.SCALE"),
        ("", "from .sub.helper import SCALE"),
        ("from importlib import import_module", "return import_module('pkg.helper')"),
        ("import importlib", "return importlib.import_module('.helper', 'pkg')"),
        ("if ab:\n    import pkg.helper", "pass"),
    ],
)
def test_a_change_of_what_it_imports_changes_the_hash(write: Write, imports: str, inside: str) -> None:
    files = PACKAGE | {"pkg/mine.py": method(imports, inside=inside)}
    write(files)
    before = code("pkg.mine")
    assert before is not None
    for name in ("pkg/helper.py", "pkg/deep.py"):
        write(files | {name: files[name] + "z = 3\n"})
        assert code("pkg.mine") != before, name
    changed = {"pkg/helper.py": f'"""A docstring."""\n\n\n{files["pkg/helper.py"]}# the end'}
    write(files | changed | {"pkg/__init__.py": "a = 1\n", "pkg/sub/__init__.py": "b = 1"})
    if "import pkg as p" not in imports:
        assert code("pkg.mine") == before


def test_two_methods_share_a_helper_and_nothing_unrelated(write: Write) -> None:
    files = PACKAGE | {
        "pkg/mine.py": method("from .helper import SCALE"),
        "pkg/second.py": method("from . import deep"),
    }
    write(files)
    before = code("pkg.mine"), code("pkg.second")
    write(files | {"pkg/deep.py": "x = 5\n"})
    both = code("pkg.mine"), code("pkg.second")
    assert both[0] != before[0]
    assert both[1] != before[1]
    write(files | {"pkg/unrelated.py": "y = 2\n"})
    assert (code("pkg.mine"), code("pkg.second")) == before
    write(files | {"pkg/helper.py": "SCALE = 5\n"})
    assert code("pkg.mine") != before[0]
    assert code("pkg.second") == before[1]


@pytest.mark.parametrize(
    "init",
    [
        "from pkg.deep import x\n",
        "from .deep import x as x\n",
        "from .deep import *\n",
        "import importlib\ndef __getattr__(name):\n    module = importlib.import_module(_HOME[name], 'pkg')\n"
        "    return getattr(module, name)\n_HOME = {'x': '.deep'}\n",
        "import lazy\n__getattr__, __dir__, __all__ = lazy.attach(__name__, submod_attrs={'deep': ['x']})\n",
    ],
)
def test_a_symbol_that_a_package_hands_on_is_followed(write: Write, tmp_path: Path, init: str) -> None:
    write(PACKAGE | {"pkg/__init__.py": init, "pkg/mine.py": method("from pkg import x")})
    names = {module.name for module in modules_of(["pkg.mine"], {"pkg"})}
    assert names == {"pkg", "pkg.mine", "pkg.deep"}


def test_a_name_that_hides_a_module_is_followed(write: Write) -> None:
    init = "from .deep import x as helper\n"
    write(PACKAGE | {"pkg/__init__.py": init, "pkg/mine.py": method("from . import helper")})
    assert {m.name for m in modules_of(["pkg.mine"], {"pkg"})} >= {"pkg", "pkg.deep", "pkg.helper"}


def test_what_lies_elsewhere_is_not_followed_and_nothing_is_imported(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path / "elsewhere"))
    files = PACKAGE | {
        "single.py": method("import neighbour, torch, other.helper"),
        "elsewhere/neighbour.py": "a = 1\n",
        "elsewhere/other/helper.py": "a = 1\n",
    }
    write(files)
    before = code("single")
    write(files | {"elsewhere/neighbour.py": "a = 2\n", "elsewhere/other/helper.py": "a = 2\n"})
    assert code("single") == before
    write(files | {"pkg/mine.py": method(inside="from .sub import helper; import pkg.unrelated")})
    assert code("pkg.mine") is not None
    assert not {"pkg.sub", "pkg.sub.helper", "pkg.unrelated", "pkg.helper"} & sys.modules.keys()


def test_a_namespace_package_has_no_init(write: Write) -> None:
    files = {
        "space/kind/mine.py": method("from ..other.deep import helper"),
        "space/other/deep/helper.py": "a = 1\n",
        "space/other/more.py": "a = 1\n",
    }
    write(files)
    before = code("space.kind.mine")
    write(files | {"space/other/more.py": "a = 2\n"})
    assert code("space.kind.mine") == before
    write(files | {"space/other/deep/helper.py": "a = 2\n"})
    assert code("space.kind.mine") not in (before, None)


def test_methods_that_it_is_derived_from_count_wherever_they_are(write: Write) -> None:
    files = PACKAGE | {
        "pkg/mine.py": method("from .helper import SCALE"),
        "other/__init__.py": "",
        "other/mine.py": "from pkg.mine import Mine as Base\nclass Mine(Base): pass\n",
    }
    write(files)
    before = code("other.mine")
    for name in ("pkg/mine.py", "pkg/deep.py"):
        write(files | {name: files[name] + "z = 3\n"})
        assert code("other.mine") != before
    write(files | {"pkg/unrelated.py": "y = 2\n"})
    assert code("other.mine") == before
    mft = {m.name for m in modules_of(["avgzsl_mft.method"], {"avgzsl_mft", "avgzsl_baselines"})}
    assert {"avgzsl_mft.model", "avgzsl_baselines.clipclap", "avgzsl_baselines.families.layers"} <= mft


def test_mixins_of_other_packages_count(write: Write) -> None:
    files = PACKAGE | {
        "pkg/mine.py": method("from other.mixins import Scaled", base="Scaled, ab.Method"),
        "other/__init__.py": "",
        "other/mixins.py": "from other.factor import FACTOR\nclass Scaled:\n    factor = FACTOR\n",
        "other/factor.py": "FACTOR = 1\n",
        "other/unrelated.py": "y = 1\n",
    }
    write(files)
    before = code("pkg.mine")
    write(files | {"other/unrelated.py": "y = 2\n"})
    assert code("pkg.mine") == before
    for name in ("other/mixins.py", "other/factor.py"):
        write(files | {name: files[name].replace("FACTOR = 1", "FACTOR = 3").replace("factor =", "power =")})
        assert code("pkg.mine") not in (before, None), name


def test_modules_beside_its_own_count(write: Write) -> None:
    files = PACKAGE | {
        "single.py": method("import neighbour, pkg.helper"),
        "neighbour.py": "import space\na = 1\n",
        "space.py": "a = 1\n",
        "other.py": "a = 1\n",
    }
    write(files)
    before = code("single")
    write(files | {"other.py": "a = 2\n", "pkg/unrelated.py": "y = 2\n"})
    assert code("single") == before
    for name in ("neighbour.py", "space.py", "pkg/helper.py", "pkg/deep.py"):
        write(files | {name: files[name] + "z = 3\n"})
        assert code("single") not in (before, None), name


def test_modules_inside_its_package_that_are_imported_from_the_top_count(
    write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(tmp_path / "pkg"))
    files = {"pkg/mine.py": method("import neighbour"), "pkg/neighbour.py": "a = 1\n"}
    write(files)
    before = code("pkg.mine")
    write(files | {"pkg/neighbour.py": "a = 2\n"})
    assert code("pkg.mine") not in (before, None)


def test_what_is_installed_beside_it_does_not_count(write: Write) -> None:
    files = {
        "single.py": method("import neighbour"),
        "neighbour.py": "a = 1\n",
        "single-1.dist-info/METADATA": "Name: single\n",
    }
    write(files)
    before = code("single")
    write(files | {"neighbour.py": "a = 2\n"})
    assert code("single") == before


@pytest.mark.parametrize(
    ("init", "counts"),
    [
        ("{} = 1", False),
        ("import pkg.unrelated as {}", False),
        ("from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import {}", False),
        ("def {}(): pass", False),
        ("{}, b = 1, 2", False),
        ("{}: int = 1", False),
        ("import torch\ntorch.{} = 1", True),
        ("print('{}')", True),
        ("for {} in (): pass", True),
        ("import os\nos.environ['{}'] = '1'", True),
        ("from typing import TYPE_CHECKING\nif not TYPE_CHECKING:\n    import {}", True),
    ],
)
def test_a_package_above_it_counts_if_it_does_something(write: Write, init: str, counts: bool) -> None:
    names = []
    for name in ("math", "json"):
        write(PACKAGE | {"pkg/__init__.py": init.format(name), "pkg/mine.py": method("from .sub import helper")})
        names.append({module.name for module in modules_of(["pkg.mine"], {"pkg"})})
    assert (
        names[0]
        == names[1]
        == {"pkg.mine", "pkg.sub.helper", "pkg.helper", "pkg.deep"} | ({"pkg"} if counts else set())
    )


@pytest.mark.parametrize(
    "imports",
    [
        "import importlib\nname = 'pkg.deep'\nimportlib.import_module(name)",
        "from importlib import import_module\nfor name in ('helper', 'deep'): import_module(f'pkg.{name}')",
        "__import__('pkg.' + 'deep')",
        "import importlib\nimportlib.import_module(name='pkg.' + 'deep')",
    ],
)
def test_where_the_name_of_a_module_is_computed_all_of_the_package_counts(write: Write, imports: str) -> None:
    write(PACKAGE | {"pkg/mine.py": method(imports)})
    found = {module.name for module in modules_of(["pkg.mine"], {"pkg"})}
    assert found == {"pkg.mine", "pkg.helper", "pkg.deep", "pkg.unrelated", "pkg.sub", "pkg.sub.helper"}
    before = code("pkg.mine")
    write({"pkg/sub/helper.py": "a = 5\n"})
    assert code("pkg.mine") not in (before, None)


def test_a_zip_and_a_cookie_are_read(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = PACKAGE | {"pkg/mine.py": method("from .sub.helper import SCALE")}
    write(files)
    plain = code("pkg.mine")
    latin = '# -*- coding: latin-1 -*-\n"""Grö\xdfe"""\nfrom pkg.deep import x\nSCALE = 2\n'
    (tmp_path / "pkg" / "helper.py").write_bytes(latin.encode("latin-1"))
    for name in [name for name in sys.modules if name.partition(".")[0] == "pkg"]:
        del sys.modules[name]
    assert code("pkg.mine") == plain
    write({})
    with zipfile.ZipFile(tmp_path / "packed.zip", "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    monkeypatch.syspath_prepend(str(tmp_path / "packed.zip"))
    assert importlib.import_module("pkg.mine").__file__.startswith(str(tmp_path / "packed.zip"))
    assert code("pkg.mine") == plain


def test_a_module_that_cannot_be_parsed_counts_as_it_is(write: Write) -> None:
    files = PACKAGE | {"pkg/mine.py": method(inside="from .helper import SCALE"), "pkg/helper.py": "print 1\n"}
    write(files)
    before = code("pkg.mine")
    write(files | {"pkg/helper.py": "print 2\n"})
    assert code("pkg.mine") not in (before, None)


def test_a_method_without_source_has_no_hash() -> None:
    namespace = {"__name__": "__main__"}
    exec(method(), namespace)
    assert code_of(namespace["Mine"]) is None  # type: ignore[arg-type]
    namespace = {"__name__": "nowhere.at.all"}
    exec(method(), namespace)
    assert code_of(namespace["Mine"]) is None  # type: ignore[arg-type]
    assert checkout_of_code(namespace["Mine"]) is None  # type: ignore[arg-type]


def test_methods_of_one_module_differ_by_name_alone_and_ours_all_have_a_hash() -> None:
    codes = {spec.name: code_of(method_class(spec)) for spec in ab.list_methods()}
    assert None not in codes.values()
    assert codes["hyper_single"] == codes["hyper_multiple"]
    assert len({codes[name] for name in ("devise", "ale", "sje", "mft", "clipclap", "chance")}) == 6


def test_the_hooks_that_register_our_methods_are_no_code_of_theirs() -> None:
    packages = {"avgzsl_baselines", "avgzsl_mft"}
    for spec in ab.list_methods():
        found = {module.name for module in modules_of([spec.target.partition(":")[0]], packages)}
        assert found
        assert not found & packages, spec.name


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def test_commit_and_changes_of_the_checkout_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("clean", "dirty"):
        folder = tmp_path / name
        folder.mkdir()
        git(folder, "init", "-q")
        (folder / "a.py").write_text("a = 1\n")
        git(folder, "add", "a.py")
        git(folder, "commit", "-qm", "one")
    (tmp_path / "dirty" / "a.py").write_text("a = 2\n")
    with monkeypatch.context() as hook:  # what git sets for its hooks
        hook.setenv("GIT_DIR", str(tmp_path / "nowhere"))
        clean, dirty = checkout_of(tmp_path / "clean" / "a.py"), checkout_of(tmp_path / "dirty" / "a.py")
    assert clean == (git(tmp_path / "clean", "rev-parse", "HEAD"), False)
    assert dirty == (git(tmp_path / "dirty", "rev-parse", "HEAD"), True)
    (tmp_path / "clean" / "untracked.py").write_text("")
    assert checkout_of(tmp_path / "clean" / "untracked.py") is None
    assert checkout_of(tmp_path / "a.py") is None
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init", "-q")
    (tmp_path / "new" / "a.py").write_text("")
    git(tmp_path / "new", "add", "a.py")
    assert checkout_of(tmp_path / "new" / "a.py") is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert checkout_of(tmp_path / "clean" / "a.py") is None


def test_the_specs_of_a_method_name_the_checkout(tmp_path: Path) -> None:
    target = method_class(method_spec("devise"))
    found = checkout_of_code(target)
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        pytest.skip("not in a checkout")
    assert found is not None
    assert found.commit == git(root, "rev-parse", "HEAD")
