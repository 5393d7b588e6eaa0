"""TOML files beside methods: the spec in `[method]`, the defaults below it."""

from __future__ import annotations

from itertools import count

import pytest

import avgzsl_bench as ab
from avgzsl_bench.errors import PluginError
from avgzsl_bench.method.settings import default_settings
from avgzsl_bench.plugins import manager

LEAST = """
[method]
name = "least"
target = "some:Method"
title = "Least"
follows = "paper"
"""
WHOLE = """
[method]
name = "whole"
target = "some:Method"
title = "Whole"
paper = "Somebody: Something, 2025"
venue = "Somewhere 2025"
url = "https://doi.org/1"
follows = "published code"
needs = { text = ["clip", "clap"], added_text = ["knowledge"], sequences = "used", joint = { visual = "clip" } }
inherits = ["base.toml"]
parameters = 1_000
note = "a sentence"

# where the settings come from

[[settings]]
epochs = 2
"""
NUMBER = count()
BASE = "[[settings]]\nepochs = 1\nbatch_size = 3\n"


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Make a package of one's own, with a name that no other test has, of TOML files by name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def make(**files: str) -> str:
        folder = tmp_path / f"package_of_its_own_{next(NUMBER)}"
        folder.mkdir()
        (folder / "__init__.py").touch()
        for file, text in files.items():
            (folder / f"{file}.toml").write_text(text)
        return folder.name

    return make


def test_files_give_the_specs_that_the_constructor_gives_and_are_read_once(package):
    name = package(whole=WHOLE, least=LEAST, base=BASE)
    specs = ab.method_specs(name)
    assert default_settings(specs[1], "ucf", "selavi") == {"epochs": 2, "batch_size": 3}, (
        "the inherited ones first"
    )
    assert ab.method_specs(name)[0] is specs[0]
    assert specs == (
        ab.MethodSpec("least", target="some:Method", title="Least", follows="paper"),
        ab.MethodSpec(
            "whole",
            target="some:Method",
            title="Whole",
            paper="Somebody: Something, 2025",
            venue="Somewhere 2025",
            url="https://doi.org/1",
            follows="published code",
            needs=ab.Needs(
                text=("clip", "clap"), added_text=("knowledge",), sequences="used", joint={"visual": "clip"}
            ),
            defaults=(f"{name}:base.toml", f"{name}:whole.toml"),
            parameters=1000,
            note="a sentence",
        ),
    )


def test_one_file_is_named_by_itself_and_none_by_none(package):
    name = package(least=LEAST, own=LEAST.replace("least", "own") + BASE)
    assert [spec.defaults for spec in ab.method_specs(name)] == [None, f"{name}:own.toml"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("[method\n", r"Expected '\]' .*line 1"),
        (
            WHOLE.replace("[method]", "[metod]"),
            r"unknown table above \[\[settings\]\] 'metod'; did you mean 'method'",
        ),
        ("method = 3", r"\[method\] must be a table, not 3"),
        (LEAST.replace('follows = "paper"', ""), r"\[method\] lacks follows"),
        (LEAST.replace("title", "titel"), r"unknown key of \[method\] 'titel'; did you mean 'title'"),
        (LEAST + "title2 = 3", r"unknown key of \[method\] 'title2'"),
        (LEAST.replace('"Least"', "3"), r"\[method\]: title must be a text, not 3"),
        (LEAST.replace('"paper"', '"banana"'), "method 'least' follows 'banana': use one of published code"),
        (LEAST.replace('"least"', '"Bad Name"'), "method name 'Bad Name': use lower case letters"),
        (LEAST + 'parameters = "many"', r"\[method\]: parameters must be a whole number, not 'many'"),
        (LEAST + "open_vocabulary = 1", r"\[method\]: open_vocabulary must be true or false, not 1"),
        (LEAST + 'inherits = "base.toml"', r"\[method\]: inherits must be a list of texts, not 'base.toml'"),
        (LEAST + "inherits = [3]", r"\[method\]: inherits must be a list of texts"),
        (LEAST + "needs = 3", "needs must be a table, not 3"),
        (LEAST + "needs = { words = [] }", "unknown key of needs 'words'"),
        (LEAST + 'needs = { text = "clip" }', "needs: text must be a list of texts, not 'clip'"),
        (LEAST + 'needs = { sequences = "often" }', "needs sequences='often': use one of none"),
        (LEAST + 'needs = { joint = ["clip"] }', r"needs: joint must be a table of a text for each modality, not"),
        (LEAST + 'needs = { joint = { clip = "visual" } }', "needs joint: 'clip' is no modality of a video"),
    ],
)
def test_a_broken_file_is_named_with_the_fault_on_one_line(package, text, reason):
    name = package(odd=text)
    with pytest.raises(PluginError, match=f"^{name}:odd.toml: .*{reason}") as caught:
        ab.method_specs(name)
    assert "\n" not in str(caught.value)


def test_a_broken_file_leaves_out_its_plugin_which_is_named_with_the_file(package, add_entry_point, tmp_path):
    name = package(odd="[method\n")

    hook = f"@ab.hookimpl\ndef avbench_methods():\n    return ab.method_specs({name!r})\n"
    (tmp_path / "odd_plugin.py").write_text(f"import avgzsl_bench as ab\n{hook}")
    add_entry_point("odd", "odd_plugin")
    (status,) = [status for status in manager.load_plugins().loaded if status.name == "odd"]
    assert status.error is not None
    assert f"{name}:odd.toml: " in status.error
    assert "\n" not in status.error
    assert "avca" in {spec.name for spec in ab.list_methods()}


def test_what_a_method_follows_has_no_default():
    with pytest.raises(TypeError, match="follows"):
        ab.MethodSpec("m", target="x:Y", title="M")
