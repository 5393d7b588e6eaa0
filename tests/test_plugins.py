from __future__ import annotations

import json
import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest
from click.testing import CliRunner

import avgzsl_bench as ab
from avgzsl_bench import plugins
from avgzsl_bench.cli import main
from avgzsl_bench.errors import PluginError, UnknownNameError

HOOK = "import avgzsl_bench as ab\n@ab.hookimpl\n"
GOOD = HOOK + "def avbench_methods():\n    return [{spec}]\n"
SPEC = "ab.MethodSpec('{name}', target='nowhere:Nothing', title='{name}')"
BROKEN = {
    "raises": "raise RuntimeError('boom on import')",
    "exits": "import sys\nsys.exit(3)",
    "syntax": "def (:",
    "bad_argument": HOOK + "def avbench_methods(nonsense):\n    return []\n",
    "misspelt": HOOK + "def avbench_method():\n    return []\n",
    "clash": GOOD.format(spec=SPEC.format(name="devise")),
    "bad_spec": GOOD.format(spec="ab.MethodSpec('Bad Name', target='x:Y', title='x')"),
    "hook_fails": HOOK + "def avbench_methods():\n    raise KeyError('inside')\n",
}


@pytest.fixture
def install(tmp_path, monkeypatch, fresh_plugins):
    """Makes a module an entry point beside the real ones."""
    monkeypatch.syspath_prepend(str(tmp_path))
    real = plugins.entry_points(group=plugins.GROUP)

    def put(name: str, source: str) -> None:
        module = f"plugin_under_test_{name}"
        (tmp_path / f"{module}.py").write_text(source)
        extra = EntryPoint(name, module, plugins.GROUP)
        monkeypatch.setattr(plugins, "entry_points", lambda group: [*real, extra])

    return put


def test_the_standard_plugins_come_in_by_entry_points():
    names = {spec.name for spec in ab.list_methods()}
    assert {"mft", "clipclap", "devise", "eszsl", "chance"} <= names
    assert all(status.error is None for status in plugins.load_plugins().statuses)


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_reported_and_the_rest_work(kind, install):
    install(kind, BROKEN[kind])
    status = next(s for s in plugins.load_plugins().statuses if s.name == kind)
    assert status.error
    assert "\n" not in status.error
    assert {"mft", "devise"} <= {spec.name for spec in ab.list_methods()}
    shown = CliRunner().invoke(main, ["plugins"])
    assert shown.exit_code == 0
    assert status.error in shown.output
    listed = CliRunner().invoke(main, ["methods", "--json"])
    assert {"mft", "devise"} <= {row["name"] for row in json.loads(listed.output)}


def test_a_broken_plugin_is_mentioned_when_a_method_is_not_found(install):
    install("raises", BROKEN["raises"])
    with pytest.raises(UnknownNameError, match="not loaded: raises"):
        plugins.method_spec("its_method")


def test_a_method_that_cannot_be_imported_says_so(install):
    install("ghost", GOOD.format(spec=SPEC.format(name="ghost")))
    spec = plugins.method_spec("ghost")
    with pytest.raises(PluginError, match=r"ghost.*nowhere:Nothing cannot be imported"):
        plugins.method_class(spec)


def test_a_target_that_is_no_method_says_so():
    spec = ab.MethodSpec("odd", target="collections:OrderedDict", title="odd")
    with pytest.raises(PluginError, match="not a subclass"):
        plugins.method_class(spec)


def test_near_misses_are_named():
    with pytest.raises(UnknownNameError, match="did you mean 'mft'"):
        plugins.method_spec("mtf")
    with pytest.raises(UnknownNameError, match="did you mean 'vggsound'"):
        plugins.dataset("vgg_sound")


def test_plugins_can_be_pinned(monkeypatch, fresh_plugins):
    monkeypatch.setenv(plugins.PIN, "standard, mft")
    assert [spec.name for spec in ab.list_methods()] == ["mft"]


@pytest.mark.parametrize("arguments", [["--help"], ["methods"], ["methods", "--json"], ["datasets"], ["plugins"]])
def test_listing_commands_import_no_torch(arguments):
    code = (
        "import sys\nfrom avgzsl_bench.cli import main\n"
        f"try:\n    main({arguments!r})\nexcept SystemExit as end:\n    assert not end.code, end.code\n"
        "assert 'torch' not in sys.modules, 'torch was imported'\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_imports_nothing_heavy():
    code = (
        "import sys, avgzsl_bench\n"
        "heavy = {'torch', 'numpy', 'pydantic', 'h5py', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_public_name_resolves():
    for name in ab.__all__:
        assert getattr(ab, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = ab.nothing
