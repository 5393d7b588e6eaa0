from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

import avgzsl_bench as ab
from avgzsl_bench.cli import main
from avgzsl_bench.cli.plugin_status import all_plugin_statuses
from avgzsl_bench.data.datasets.registry import registered_dataset, registered_datasets
from avgzsl_bench.data.layouts.checked_reader import feature_readers
from avgzsl_bench.errors import PluginError, UnknownNameError
from avgzsl_bench.method.registry import method_class, method_spec
from avgzsl_bench.plugins import manager as plugins
from avgzsl_bench.plugins.registry import Registry
from avgzsl_bench.report.reported.figures import reported_specs

HOOK = "import avgzsl_bench as ab\n@ab.hookimpl\n"
GOOD = HOOK + "def avbench_methods():\n    return [{spec}]\n"
SPEC = "ab.MethodSpec('{name}', target='nowhere:Nothing', title='{name}', follows='paper')"
BROKEN = {
    "raises": "raise RuntimeError('boom on import')",
    "exits": "import sys\nsys.exit(3)",
    "syntax": "def (:",
    "bad_argument": HOOK + "def avbench_methods(nonsense):\n    return []\n",
    "misspelt": HOOK + "def avbench_method():\n    return []\n",
    "clash": GOOD.format(spec=SPEC.format(name="devise")),
    "bad_spec": GOOD.format(spec="ab.MethodSpec('Bad Name', target='x:Y', title='x', follows='paper')"),
    "hook_fails": HOOK + "def avbench_methods():\n    raise KeyError('inside')\n",
    "unmarked": f"import avgzsl_bench as ab\ndef avbench_methods():\n    return [{SPEC.format(name='m')}]\n",
    "misspelt_unmarked": "def avbench_method():\n    return []\n",
    "no_list": HOOK + f"def avbench_methods():\n    return {SPEC.format(name='m')}\n",
    "none": HOOK + "def avbench_methods():\n    return None\n",
    "other_list": GOOD.format(spec="'m'"),
    "renamed": HOOK.replace("hookimpl", "hookimpl(specname='avbench_methods')") + "def ours():\n    return 3\n",
    "twice": GOOD.format(spec=f"{SPEC.format(name='m')}, {SPEC.format(name='m')}"),
    "half": HOOK + "def avbench_datasets():\n    return 3\n" + "@ab.hookimpl\ndef avbench_methods(x):\n    pass\n",
}
REASONS = {
    "misspelt": "unknown hook 'avbench_method'; did you mean 'avbench_methods'",
    "misspelt_unmarked": "unknown hook 'avbench_method'; did you mean 'avbench_methods'",
    "unmarked": "avbench_methods is not marked @hookimpl",
    "no_list": "avbench_methods must return a list of MethodSpec, got MethodSpec",
    "none": "avbench_methods must return a list of MethodSpec, got NoneType",
    "other_list": "avbench_methods must return a list of MethodSpec, got str in it",
    "twice": "method names that are taken: m",
    "clash": "method names that are taken: devise",
}
HOOKS = ("avbench_datasets", "avbench_feature_readers", "avbench_reported")
datasets, readers, reported = ((HOOK + f"def {hook}():\n    return {{}}\n").format for hook in HOOKS)
OURS = "avgzsl_bench:data/datasets/class_lists/ucf.json"
LEFT_OUT = {
    "single_module": (
        datasets("[ab.DatasetSpec('foo', 'plugin_under_test_single_module:no.json')]"),
        "dataset 'foo': plugin_under_test_single_module:no.json cannot be read",
    ),
    "no_file": (datasets("[ab.DatasetSpec('foo', 'json:no.json')]"), "json:no.json cannot be read"),
    "dataset_taken": (datasets(f"[ab.DatasetSpec('ucf', '{OURS}')]"), "the name 'ucf' is taken"),
    "other_name": (datasets(f"[ab.DatasetSpec('foo', '{OURS}')]"), "is of dataset 'ucf'"),
    "no_datasets": (datasets("3"), "avbench_datasets must return a list of DatasetSpec, got int"),
    "datasets_fail": (datasets("1 / 0"), "ZeroDivisionError"),
    "reader_gone": (readers("[ab.ReaderSpec('foo', 'nowhere:X')]"), "nowhere:X cannot be imported"),
    "no_reader": (readers("[ab.ReaderSpec('foo', 'json:loads')]"), "has no method 'recognise'"),
    "reader_taken": (readers("[ab.ReaderSpec('avca', 'nowhere:X')]"), "the name 'avca' is taken"),
    "no_figures": (reported("[ab.ReportedSpec('foo', 'json:no.json')]"), "json:no.json cannot be read"),
}


def error_of(name: str) -> str:
    (error,) = [status.error for status in all_plugin_statuses() if status.name == name]
    assert error
    assert "\n" not in error
    shown = CliRunner().invoke(main, ["plugins"])
    assert shown.exit_code == 0
    assert error in shown.output
    return error


@pytest.fixture
def install(tmp_path, add_entry_point):
    """Writes a module and makes it an entry point."""

    def put(name: str, source: str) -> None:
        module = f"plugin_under_test_{name}"
        (tmp_path / f"{module}.py").write_text(source)
        add_entry_point(name, module)

    return put


def test_the_standard_plugins_come_in_by_entry_points():
    names = {spec.name for spec in ab.list_methods()}
    assert {"mft", "clipclap", "devise", "eszsl", "chance"} <= names
    assert all(status.error is None for status in all_plugin_statuses())


@pytest.mark.parametrize("kind", BROKEN)
def test_a_broken_plugin_is_reported_and_the_rest_work(kind, install):
    install(kind, BROKEN[kind])
    assert REASONS.get(kind, "") in error_of(kind)
    assert {"mft", "devise"} <= {spec.name for spec in ab.list_methods()}
    listed = CliRunner().invoke(main, ["methods", "--json"])
    assert {"mft", "devise"} <= {row["name"] for row in json.loads(listed.output)}


def test_nothing_of_a_plugin_that_was_not_loaded_stays_registered(install):
    install("half", BROKEN["half"])
    assert not [name for name, _ in plugins.load_plugins().manager.list_name_plugin() if "half" in name]


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_a_broken_dataset_reader_or_file_of_figures_is_left_out_and_the_rest_work(kind, install):
    source, reason = LEFT_OUT[kind]
    methods = "\n@ab.hookimpl\ndef avbench_methods():\n    return [" + SPEC.format(name="its_method") + "]\n"
    install(kind, source + methods)
    assert set(registered_datasets()) - {"foo"} == set(registered_datasets()) >= {"activitynet", "ucf", "vggsound"}
    assert set(feature_readers()) - {"foo"} == set(feature_readers()) >= {"avca", "tcaf"}
    assert {"mft_jeit2025"} <= {spec.name for spec in reported_specs()} - {"foo"}
    assert "its_method" in {spec.name for spec in ab.list_methods()}
    assert reason in error_of(kind)
    checked = CliRunner().invoke(main, ["doctor"])
    assert checked.exit_code == 2
    assert " ".join(reason.split()) in checked.output


def test_a_dataset_that_was_left_out_says_why(install):
    install("single_module", LEFT_OUT["single_module"][0])
    with pytest.raises(UnknownNameError, match=r"unknown dataset 'foo'.*left out.*cannot be read"):
        registered_dataset("foo")


def test_what_was_registered_by_hand_and_is_broken_has_a_status(fresh_plugins):
    class ByHand:
        @ab.hookimpl
        def avbench_datasets(self):
            return [ab.DatasetSpec("foo", "json:no.json")]

    plugins.load_plugins().manager.register(ByHand(), name="by hand")
    assert "by hand" in {s.name for s in all_plugin_statuses() if s.error}


def test_listing_methods_reads_no_data_files(install, monkeypatch):
    install("single_module", LEFT_OUT["single_module"][0])
    monkeypatch.setattr(Registry, "gather", None)
    assert CliRunner().invoke(main, ["methods"]).exit_code == 0


def test_a_broken_plugin_is_mentioned_when_a_method_is_not_found(install):
    install("raises", BROKEN["raises"])
    with pytest.raises(UnknownNameError, match="not loaded: raises"):
        method_spec("its_method")


def test_a_method_that_cannot_be_imported_says_so(install):
    install("ghost", GOOD.format(spec=SPEC.format(name="ghost")))
    spec = method_spec("ghost")
    with pytest.raises(PluginError, match=r"ghost.*nowhere:Nothing cannot be imported"):
        method_class(spec)


class Finished(ab.Method):
    def train_epoch(self, train):
        return {}

    def score(self, videos, classes):
        return classes.embedding()

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


NoScore = type("NoScore", (Finished,), {name: vars(ab.Method)[name] for name in ("score", "state_dict")})
OddConfig = type("OddConfig", (Finished,), {"Config": dict})
ConfigObject = type("ConfigObject", (Finished,), {"Config": ab.MethodConfig()})
OddConstructor = type("OddConstructor", (Finished,), {"__init__": lambda self, config, shape, classes: None})


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("collections:OrderedDict", "not a subclass"),
        (f"{__name__}:NoScore", "NoScore does not define score, state_dict"),
        (f"{__name__}:OddConfig", r"OddConfig.Config is not a subclass of avgzsl_bench.MethodConfig"),
        (f"{__name__}:ConfigObject", r"ConfigObject.Config is not a subclass of avgzsl_bench.MethodConfig"),
        (f"{__name__}:OddConstructor", r"must take \(config, shape, classes, \*, seed, device\): .*'seed'"),
    ],
)
def test_a_class_that_could_not_be_built_says_so(target, reason):
    spec = ab.MethodSpec("odd", target=target, title="odd", follows="paper")
    with pytest.raises(PluginError, match=f"method 'odd': .*{reason}"):
        method_class(spec)


def test_a_finished_class_is_taken():
    spec = ab.MethodSpec("ok", target=f"{__name__}:Finished", title="ok", follows="paper")
    assert method_class(spec) is Finished


def test_one_encoder_is_written_as_a_tuple():
    with pytest.raises(ValueError, match=r"write a tuple of encoders, \('clip',\)"):
        ab.Needs(text="clip")


def test_plugins_can_be_pinned(monkeypatch, fresh_plugins):
    monkeypatch.setenv(plugins.PIN, "standard, mft")
    assert [spec.name for spec in ab.list_methods()] == ["mft"]


def test_a_pin_that_matches_nothing_is_reported(monkeypatch, fresh_plugins):
    monkeypatch.setenv(plugins.PIN, "mtf, standard,")
    assert [status.name for status in all_plugin_statuses() if status.error] == ["mtf"]
    assert "unknown entry point in AVBENCH_PLUGINS 'mtf'; did you mean 'mft'?" in error_of("mtf")
    with pytest.raises(UnknownNameError, match="not loaded: mtf"):
        method_spec("mft")
