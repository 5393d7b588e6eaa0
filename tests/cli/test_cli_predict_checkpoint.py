"""`avbench predict --checkpoint`: what is printed, and every refusal in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_encoders
from click.testing import Result
from toy_models import ToyModel, changed, recipe_of, trained

from avgzsl_bench.encoders.extraction.extract import extract
from avgzsl_bench.encoders.extraction.options import ExtractOptions
from avgzsl_bench.records.checkpoint import read_checkpoint, write_checkpoint

Call = Callable[..., Result]
Refused = Callable[..., str]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ToyModel:
    return trained(tmp_path_factory.mktemp("eszsl"))


@pytest.fixture(autouse=True)
def _toys(register: Callable[[object], object]) -> None:
    register(toy_encoders)


def test_roles_stand_in_the_table(avbench: Call, model: ToyModel) -> None:
    done = avbench(
        "predict", model.video("rain_0"), "--checkpoint", model.checkpoint, "--classes", "air horn", "--top", 9
    )
    assert done.exit_code == 0, done.output
    lines = [line.split() for line in done.stdout.splitlines() if line.strip(" ─")]
    assert lines[1] == ["rank", "class", "score", "role"]
    assert sorted(line[-1] for line in lines[2:]) == ["new", "seen", "seen", "seen", "seen", "unseen"]
    assert done.stderr == ""


def test_objects_have_raw_scores_and_roles(avbench: Call, model: ToyModel, tmp_path: Path) -> None:
    file = changed(model, tmp_path, bias=1.5)
    done = avbench(
        "predict", "rain_0", "--dataset", "mine", "--data-root", model.root, "--checkpoint", file, "--json"
    )
    found = json.loads(done.stdout)
    assert (found["video"], found["seconds"], found["notes"]) == ("rain_0", None, [])
    for ranked in found["classes"]:
        bias = 1.5 if ranked["role"] == "seen" else 0
        assert ranked["score"] == pytest.approx(ranked["raw_score"] - bias)


def test_a_video_without_sound_is_reported_and_the_next_is_taken(
    avbench: Call, model: ToyModel, shared: Path
) -> None:
    silent = shared / "data" / "clips" / "odd" / "no_audio_stream.mp4"
    done = avbench("predict", silent, model.video("rain_0"), "--checkpoint", model.checkpoint)
    assert done.exit_code == 0, done.output
    assert done.stderr == f"{silent}: no sound stream\n"
    assert str(model.video("rain_0")) in done.stdout


def foreign(model: ToyModel, tmp_path: Path) -> Path:
    (tmp_path / "foreign.safetensors").write_bytes(b"nothing")
    return tmp_path / "foreign.safetensors"


def imported(model: ToyModel, tmp_path: Path) -> Path:
    found = read_checkpoint(model.checkpoint)
    header = found.header.model_copy(update={"prediction": None, "run": None})
    write_checkpoint(tmp_path / "imported.safetensors", replace(found, header=header, text={}))
    return tmp_path / "imported.safetensors"


def with_recipe(**parts: dict[str, Any]) -> Callable[[ToyModel, Path], Path]:
    def make(model: ToyModel, tmp_path: Path) -> Path:
        recipe = recipe_of(model)
        return changed(
            model, tmp_path, recipe={**recipe, **{name: recipe[name] | new for name, new in parts.items()}}
        )

    return make


def with_data(recipe: bool = True, **data: Any) -> Callable[[ToyModel, Path], Path]:
    def make(model: ToyModel, tmp_path: Path) -> Path:
        return changed(model, tmp_path, data=data, **({} if recipe else {"recipe": None}))

    return make


OF_VIDEO = [
    (foreign, "not a checkpoint of ours"),
    (imported, "this checkpoint says nothing of videos: train with 'avbench run --save'"),
    (
        with_recipe(visual={"encoder": "colours"}),
        "not installed here: unknown encoder 'colours'",
    ),
    (
        with_recipe(audio={"weights": {"model.bin": "91ab" * 16}}),
        "'level' here is without weights, the checkpoint was trained on 91ab91ab..",
    ),
    (
        with_recipe(visual={"settings": {"depth": 3}}),
        "'colour' here does not work as it did when the features were made (settings differ)",
    ),
    (with_recipe(audio={"input": {}}), "(input differ)"),
    (with_recipe(visual={"weights": 3}), "the recipe of the features cannot be read: visual.weights"),
    (with_recipe(visual={"encoder": "level"}), "cannot be read: 'level' gives no visual vectors"),
    (with_data(recipe=False, simulated=True), "trained on simulated features, which no video has"),
    (with_data(recipe=False, features="own"), "trained on own features, which were not extracted here"),
    (
        with_data(recipe=False, features="clip_clap"),
        "--recipe published --encoders clip,wavcaps encodes videos alike",
    ),
]


@pytest.mark.parametrize(("make", "expected"), OF_VIDEO, ids=[expected[:40] for _, expected in OF_VIDEO])
def test_checkpoints_that_no_video_can_be_given_to(
    refused: Refused, model: ToyModel, tmp_path: Path, make: Callable[[ToyModel, Path], Path], expected: str
) -> None:
    line = refused("predict", model.video("rain_0"), "--checkpoint", make(model, tmp_path))
    assert expected in line


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--only",), "--only: no class is left"),
        (("--features", "colour_level"), "give --dataset too"),
        (("--arrays", "x.npz"), "leave out the videos, or --arrays"),
        (("--encoders", "colour,level"), "the checkpoint names its encoders"),
        (("--recipe", "published"), "this one was trained on colour_level"),
        (("--dataset", "mine", "--features", "nothing"), "unknown feature set of mine 'nothing'"),
        (("--dataset", "main"), "unknown dataset 'main'; did you mean 'mine'"),
        (("--class-vectors", "nowhere.json"), "nowhere.json: no such file"),
    ],
)
def test_options_that_do_not_fit(
    refused: Refused, model: ToyModel, options: tuple[str, ...], expected: str
) -> None:
    given = ("--checkpoint", model.checkpoint, "--data-root", model.root)
    assert expected in refused("predict", model.video("rain_0"), *given, *options)


@pytest.mark.parametrize("option", ["--class-vectors", "--only", "--dataset", "--recipe"])
def test_encoders_alone_take_videos_and_names(refused: Refused, option: str) -> None:
    value = {"--only": (), "--recipe": ("published",)}.get(option, ("x",))
    line = refused("predict", "x.mp4", "--encoders", "tint", "--classes", "red", option, *value)
    assert f"{option}: only with --checkpoint FILE" in line


@pytest.mark.parametrize(
    ("vectors", "expected"),
    [
        ({"air horn": [1.0] * 25}, "the vector of 'air horn' has width 25"),
        ({"Rain": [1.0] * 26}, "'Rain': the checkpoint has a vector of this class, 'rain'"),
        (
            {"air_horn": [1.0] * 26, "AirHorn": [2.0] * 26},
            "class 'AirHorn' is there twice, first as 'air_horn'",
        ),
        ({"air horn": [0.0] * 26}, "the vector of 'air horn' is all zeros"),
        ({"_": [1.0] * 26}, "'_' is not a class name: it has no letter and no digit"),
        ({"air horn": ["a"]}, "the entry of 'air horn' is not a vector"),
    ],
)
def test_vectors_that_do_not_fit(
    refused: Refused, model: ToyModel, tmp_path: Path, vectors: dict[str, object], expected: str
) -> None:
    file = tmp_path / "vectors.json"
    file.write_text(json.dumps(vectors))
    line = refused("predict", model.video("rain_0"), "--checkpoint", model.checkpoint, "--class-vectors", file)
    assert expected in line


def test_texts_from_a_file_cannot_be_made_of_a_name(refused: Refused, model: ToyModel, tmp_path: Path) -> None:
    file = changed(model, tmp_path, recipe=recipe_of(model) | {"texts": {"letters": {"file": "words.npz"}}})
    line = refused("predict", model.video("rain_0"), "--checkpoint", file, "--classes", "air horn")
    assert "came from a file, words.npz" in line
    assert "give --class-vectors FILE" in line


def test_a_file_gives_one_vector_where_several_are_needed(refused: Refused, avbench: Call, tmp_path: Path) -> None:
    model = trained(tmp_path / "model", text=("letters", "sounds"))
    given = ("predict", model.video("rain_0"), "--checkpoint", model.checkpoint)
    assert "a class has 2 vectors here, by letters and sounds" in refused(*given, "--class-vectors", "x.json")
    assert avbench(*given, "--classes", "air horn").exit_code == 0


def test_a_method_with_a_classifier_of_its_classes(refused: Refused, avbench: Call, tmp_path: Path) -> None:
    model = trained(tmp_path / "model", "fvaegan")
    given = ("predict", model.video("rain_0"), "--checkpoint", model.checkpoint)
    assert avbench(*given).exit_code == 0
    line = refused(*given, "--classes", "air horn")
    assert "f-VAEGAN-D2 scores only the classes that it was trained with" in line


def test_rows_that_were_made_in_another_way(refused: Refused, model: ToyModel) -> None:
    options = ExtractOptions(
        dataset="mine",
        folder=model.videos,
        root=model.root,
        encoders="colour,level",
        text=("letters",),
        table=model.videos / "videos.csv",
        workers=1,
        frames="middle",
        features="middle",
        force=True,
    )
    extract(options)
    given = ("predict", "rain_0", "--checkpoint", model.checkpoint, "--data-root", model.root)
    line = refused(*given, "--dataset", "mine", "--features", "middle")
    assert "trained on colour_level, and mine middle was made in another way" in line


GOOD = {"audio": np.zeros((2, 2)), "visual": np.zeros((2, 3))}


@pytest.mark.parametrize(
    ("arrays", "expected"),
    [
        ({"visual": GOOD["visual"]}, "has no array 'audio'"),
        (
            GOOD | {"audio": np.zeros((2, 3))},
            "audio has shape (2, 3) and type float64",
        ),
        (GOOD | {"visual": np.zeros((3, 3))}, "audio has 2 rows, and visual has 3"),
        (GOOD | {"visual": np.full((2, 3), np.inf)}, "visual: row 1 holds a value that is not finite"),
        (GOOD | {"audio": np.zeros((2, 2), complex)}, "type complex128"),
        (
            GOOD | {"audio": np.array([[{}, 1], [2, 3]])},
            "Object arrays cannot be loaded",
        ),
        (GOOD | {"video": np.arange(2)}, "it takes 2 names"),
        (GOOD | {"video": np.array(["a"])}, "video has shape (1,)"),
    ],
)
def test_arrays_that_do_not_fit(
    refused: Refused, model: ToyModel, tmp_path: Path, arrays: dict[str, np.ndarray], expected: str
) -> None:
    np.savez(tmp_path / "arrays.npz", **arrays)
    assert expected in refused("predict", "--arrays", tmp_path / "arrays.npz", "--checkpoint", model.checkpoint)


def test_a_file_that_is_no_archive(refused: Refused, model: ToyModel, tmp_path: Path) -> None:
    (tmp_path / "arrays.npz").write_bytes(b"PK\x03\x04")
    for name, expected in (("arrays.npz", "damaged, or not an .npz file"), ("nowhere.npz", "no such file")):
        assert expected in refused("predict", "--arrays", tmp_path / name, "--checkpoint", model.checkpoint)
