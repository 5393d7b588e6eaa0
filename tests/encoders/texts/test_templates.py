"""Templates and names: the published ones to the letter, others for all else, and a user's own."""

from __future__ import annotations

import json
from importlib.resources import files
from pathlib import Path

import pytest

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.encoders.texts.names import class_words, free_words
from avgzsl_bench.encoders.texts.prompts import fill, read_prompts
from avgzsl_bench.encoders.texts.templates import has_published_templates, templates_for
from avgzsl_bench.errors import ConfigError, DataError, UnknownNameError

STANDARD = ("ucf", "activitynet", "vggsound")


def test_published_templates_are_those_of_the_facts(shared: Path) -> None:
    facts = json.loads((shared / "spec" / "class_text_templates.json").read_text(encoding="utf-8"))["published"]
    for dataset in STANDARD:
        assert templates_for(dataset, "visual", "published") == tuple(facts["clip"][dataset])
        assert templates_for(dataset, "audio", "published") == tuple(facts["wavcaps"][dataset])


@pytest.mark.parametrize(
    ("dataset", "visual", "audio"), [("ucf", 48, 30), ("activitynet", 48, 30), ("vggsound", 8, 9)]
)
def test_default_uses_the_published_templates(dataset: str, visual: int, audio: int) -> None:
    assert has_published_templates(dataset)
    for modality, number in (("visual", visual), ("audio", audio)):
        templates = templates_for(dataset, modality)
        assert len(set(templates)) == len(templates) == number
        assert templates == templates_for(dataset, modality, "published")
    assert templates_for(dataset, "text") == ("{}",)


@pytest.mark.parametrize("dataset", ["mine", None])
def test_other_datasets_and_free_words_have_templates_too(dataset: str | None) -> None:
    assert templates_for(dataset, "visual") == ("a photo of {}.", "a video of {}.", "{}")
    assert templates_for(dataset, "audio") == ("the sound of {}.", "{} can be heard.", "{}")
    assert templates_for(dataset, "text") == ("{}",)
    with pytest.raises(ConfigError, match="recipe 'published' is for ucf, activitynet, vggsound"):
        templates_for(dataset, "visual", "published")


def test_the_notice_of_the_licence_lies_beside_the_templates() -> None:
    notice = files("avgzsl_bench.encoders.texts").joinpath("LICENSE.ClipClap-GZSL").read_text(encoding="utf-8")
    assert notice.startswith("MIT License")
    assert "dkurzend" in notice


def test_names_of_the_standard_datasets_are_as_published() -> None:
    for name in STANDARD:
        dataset = registered_dataset(name)
        assert class_words(dataset) == [c.clip for c in dataset.classes]
    ucf = registered_dataset("ucf")
    differ = [c.clip for c in ucf.classes if c.clip != c.readable]
    assert len(differ) == 9
    assert "Clean And Jerk" in differ


def test_names_of_other_datasets_are_taken_apart() -> None:
    facts = registered_dataset("ucf").model_dump()
    mine = Dataset.model_validate(facts | {"name": "mine"})
    assert class_words(mine)[:2] == ["apply eye makeup", "apply lipstick"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("ApplyEyeMakeup", "apply eye makeup"),
        ("YoYo", "yo yo"),
        ("rowing_a__boat_", "rowing a boat"),
        ("  Tai Chi ", "tai chi"),
        ("HTTPServer", "http server"),
        ("Throw3Balls", "throw3 balls"),
        ("3D printing", "3d printing"),
        ("clean-and-jerk", "clean-and-jerk"),
        ("ÉtéÀParis", "été à paris"),
        ("Ete\u0301Noir", "eté noir"),
        ("拳击", "拳击"),
        ("A", "a"),
    ],
)
def test_free_words(name: str, words: str) -> None:
    assert free_words(name) == words


def test_names_are_put_in_as_they_are() -> None:
    assert fill("a photo of {}.", "{0.__class__}") == "a photo of {0.__class__}."
    assert fill("{}", "{}") == "{}"


def written(folder: Path, content: object) -> Path:
    path = folder / "prompts.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_prompts_of_a_users_own(tmp_path: Path) -> None:
    path = written(tmp_path, {"clip": ["a clip of {}.", "{}"], "minilm": ["{}"]})
    assert read_prompts(path, ["clip", "minilm", "wavcaps"]) == {
        "clip": ("a clip of {}.", "{}"),
        "minilm": ("{}",),
    }
    with pytest.raises(UnknownNameError, match=r"unknown encoder in .*prompts\.json 'minilm'"):
        read_prompts(path, ["clip"])


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({}, "at least 1 item"),
        ([], "content: .*an object"),
        ("{", "prompts.json: not a valid file of prompts"),
        ("[" * 100_000, "prompts.json: not a valid file of prompts"),
        ({"clip": []}, "clip: .*at least 1 item"),
        ({"clip": "a photo of {}."}, "clip: .*valid array"),
        ({"clip": [3]}, "clip.0: .*valid string"),
        ({"clip": ["{}", "a photo"]}, r"clip.1: .*has no \{\}"),
        ({"clip": ["a {} of {}"]}, r"clip.0: .*braces besides one \{\}"),
        ({"clip": ["{} {0.__class__}"]}, r"clip.0: .*braces besides one \{\}"),
        ({"clip": ["{0}"]}, r"has no \{\}"),
        ({"clip": ["{{}}"]}, r"braces besides one \{\}"),
        ({"clip": ["{}\x1b[2J"]}, "control characters"),
        ({"clip": ["{}" + "x" * 300]}, "at most 300 characters"),
        ({"clip": ["{}"] * 1_001}, "at most 1000 items"),
        ({"../clip": ["{}"]}, "pattern"),
        (" " * (1 << 20) + "{}", "larger than the 1,048,576 bytes"),
    ],
)
def test_prompts_that_cannot_be_used_are_refused_in_one_line(tmp_path: Path, content: object, reason: str) -> None:
    with pytest.raises(DataError, match=reason) as raised:
        read_prompts(written(tmp_path, content), ["clip"])
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 600


def test_a_file_of_prompts_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read"):
        read_prompts(tmp_path / "prompts.json", ["clip"])
