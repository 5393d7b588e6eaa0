from __future__ import annotations

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from pydantic import Field

from avgzsl_bench.cli import main
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, SIMULATED
from avgzsl_bench.data.datasets.registry import registered_datasets as datasets
from avgzsl_bench.errors import ConfigError, PluginError, UnknownNameError
from avgzsl_bench.method.base import MethodConfig
from avgzsl_bench.method.registry import list_methods, method_class
from avgzsl_bench.method.settings import build_config, default_settings, parse_assignments, presets
from avgzsl_bench.plugins.specs import MethodSpec

RULES = """
[[settings]]
epochs = 5
rate = 0.5

[[settings]]
when = { dataset = ["vggsound", "activitynet"] }
epochs = 6

[[settings]]
when = { features = "selavi", dataset = "vggsound" }
epochs = 7

[[settings]]
when = { preset = "official" }
text_order = "official"

[[settings]]
when = { preset = "official", dataset = "ucf" }
calibration = "avca"
"""


class Config(MethodConfig):
    rate: float = Field(0.1, gt=0, description="a rate")
    mode: str = Field("a", description="a mode")


@pytest.fixture
def spec(tmp_path, monkeypatch):
    package = tmp_path / "rules_package"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "defaults.toml").write_text(RULES)
    (package / "broken.toml").write_text("[[settings]\n")
    (package / "odd.toml").write_text("[[settings]]\nwhen = { planet = 'mars' }\n")
    (package / "number.toml").write_text("settings = 3\n")
    (package / "numbers.toml").write_text("settings = [3]\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return MethodSpec("m", target="x:Y", title="M", follows="paper", defaults="rules_package:defaults.toml")


def test_the_last_rule_that_holds_wins(spec):
    assert default_settings(spec, "ucf", "clip_clap") == {"epochs": 5, "rate": 0.5}
    assert default_settings(spec, "activitynet", "selavi")["epochs"] == 6
    assert default_settings(spec, "vggsound", "selavi")["epochs"] == 7


def test_sequence_features_take_the_settings_of_their_averaged_form(spec):
    assert default_settings(spec, "vggsound", "selavi_seq")["epochs"] == 7


def test_a_preset_adds_its_rules_and_overrides_come_after(spec):
    config = build_config(spec, Config, "ucf", "selavi", {}, "official")
    assert (config.text_order, config.calibration, config.epochs) == ("official", "avca", 5)
    assert build_config(spec, Config, "ucf", "selavi", {}).text_order == "by-name"
    assert build_config(spec, Config, "vggsound", "selavi", {}, "official").calibration == "exact"
    assert build_config(spec, Config, "ucf", "selavi", {"calibration": "exact"}, "official").calibration == "exact"


def test_an_unknown_preset_names_the_near_miss(spec):
    with pytest.raises(UnknownNameError, match="did you mean 'official'"):
        build_config(spec, Config, "ucf", "selavi", {}, "offical")


def test_overrides_come_last(spec):
    config = build_config(spec, Config, "vggsound", "selavi", {"epochs": 1, "mode": "b"})
    assert config == Config(epochs=1, rate=0.5, mode="b")


def test_unknown_settings_name_the_near_miss(spec):
    with pytest.raises(UnknownNameError, match="did you mean 'epochs'"):
        build_config(spec, Config, "ucf", "selavi", {"epoch": 1})


def test_bad_values_name_the_setting_and_what_was_given(spec):
    with pytest.raises(ConfigError, match=r"'rate' .*greater than 0 \(given -1\); it is: a rate"):
        build_config(spec, Config, "ucf", "selavi", {"rate": -1})


@pytest.mark.parametrize("name", ["broken.toml", "missing.toml", "odd.toml", "number.toml", "numbers.toml"])
def test_a_broken_defaults_file_is_the_plugins_fault(spec, name):
    broken = MethodSpec("m", target="x:Y", title="M", follows="paper", defaults=f"rules_package:{name}")
    with pytest.raises(PluginError, match="method 'm' cannot be read"):
        default_settings(broken, "ucf", "selavi")


def test_assignments_are_toml_values_or_bare_words():
    parsed = parse_assignments(["a=1", "b=0.5", "c=true", "d=va", 'e="x=y"', "f=1e-4", "g=x=y"])
    assert parsed == {"a": 1, "b": 0.5, "c": True, "d": "va", "e": "x=y", "f": 1e-4, "g": "x=y"}


def test_a_setting_that_says_itself_what_is_wrong_is_quoted_once(spec):
    with pytest.raises(ConfigError) as caught:
        build_config(spec, Config, "ucf", "selavi", {"calibration": "grid:-1e308:1e308:5"})
    assert str(caught.value).startswith(
        "calibration 'grid:-1e308:1e308:5': START and STOP are too far apart; write"
    )
    assert str(caught.value).count("too far apart") == 1


def test_a_key_given_twice_is_refused():
    with pytest.raises(ConfigError, match="given twice"):
        parse_assignments(["epochs=3", "epochs=2"])


@pytest.mark.parametrize("item", ["epochs", "=3", "", "epochs=1\nlayers=2"])
def test_assignments_without_key_or_value_are_refused(item):
    with pytest.raises(ConfigError, match="write key=value"):
        parse_assignments([item])


@pytest.mark.parametrize("features", [*(f.name for f in PUBLISHED), SIMULATED])
@pytest.mark.parametrize("dataset", ["activitynet", "ucf", "vggsound"])
def test_every_methods_defaults_are_valid_everywhere(dataset, features):
    assert set(datasets()) >= {dataset}
    for spec in list_methods():
        for preset in (None, *presets(spec)):
            config = build_config(spec, method_class(spec).Config, dataset, features, {}, preset)
            assert config.epochs >= 1


def test_every_setting_of_every_method_is_described():
    for spec in list_methods():
        for name, field in method_class(spec).Config.model_fields.items():
            assert field.description, f"{spec.name}.{name}"


def test_defaults_files_lie_beside_the_methods():
    for spec in list_methods():
        for file in (spec.defaults,) if isinstance(spec.defaults, str) else spec.defaults or ():
            package = file.partition(":")[0]
            assert Path(spec.target.partition(".")[0]).name == package


class Widths(MethodConfig):
    layers: int = Field(1, description="a number of layers")
    rate: float = Field(0.1, description="a rate")
    widths: tuple[int, ...] = Field((1,), description="some widths")
    on: bool = Field(False, description="a switch")


@pytest.mark.parametrize(
    "setting", ["layers=true", "rate=true", "layers='3'", "rate='3'", "widths=[true]", "on=1"]
)
def test_a_value_of_another_type_is_refused(setting):
    spec = MethodSpec("m", target="x:Y", title="M", follows="paper")
    with pytest.raises(ConfigError, match=f"setting '{setting.partition('=')[0]}"):
        build_config(spec, Widths, "ucf", "selavi", parse_assignments([setting]))


def test_toml_values_fit_settings_of_their_type():
    spec = MethodSpec("m", target="x:Y", title="M", follows="paper")
    given = parse_assignments(["layers=2", "rate=1", "widths=[2, 3]", "on=true"])
    config = build_config(spec, Widths, "ucf", "selavi", given)
    assert config == Widths(layers=2, rate=1.0, widths=(2, 3), on=True)
    assert isinstance(config.rate, float)
    assert Widths.model_validate(config.model_dump(mode="json")) == config


@pytest.mark.parametrize(("text", "value"), [("True", True), ("TRUE", True), ("False", False), (" false ", False)])
def test_true_and_false_may_be_written_as_in_python(text, value):
    spec = MethodSpec("m", target="x:Y", title="M", follows="paper")
    assert build_config(spec, Widths, "ucf", "selavi", parse_assignments([f"on={text}"])).on is value


@pytest.mark.parametrize("text", ["yes", "1", "on", "'True'", "maybe"])
def test_anything_else_is_told_what_a_switch_takes(text):
    spec = MethodSpec("m", target="x:Y", title="M", follows="paper")
    with pytest.raises(ConfigError, match=r"setting 'on' of method 'm': must be true or false \(given .*a switch"):
        build_config(spec, Widths, "ucf", "selavi", parse_assignments([f"on={text}"]))


@pytest.mark.parametrize("command", [["run"], ["sweep"], ["ablate"], ["checkpoint", "import"]])
def test_help_says_what_a_switch_takes(command):
    said = " ".join(CliRunner().invoke(main, [*command, "--help"]).stdout.split())
    assert "true or false for one that is on or off" in said


def test_defaults_of_a_single_module_say_that_they_need_a_package(tmp_path, monkeypatch):
    (tmp_path / "rules_module.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    single = MethodSpec("m", target="x:Y", title="M", follows="paper", defaults="rules_module:defaults.toml")
    reason = "need a package, not a single module" if sys.version_info < (3, 12) else "No such file"
    with pytest.raises(PluginError, match=f"method 'm' cannot be read: .*{reason}"):
        default_settings(single, "ucf", "selavi")
