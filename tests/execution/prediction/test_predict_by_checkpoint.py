"""Prediction by a checkpoint: scores of the method, bias, roles, new classes, and where vectors come from."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import toy_encoders
from toy_models import ToyModel, changed, recipe_of, trained

import avgzsl_bench as ab
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.store import read_store
from avgzsl_bench.errors import CheckpointError, ConfigError, UnknownNameError
from avgzsl_bench.execution.predict import PredictOptions, predict
from avgzsl_bench.gzsl.task import Classes, Videos
from avgzsl_bench.records.checkpoint import read_checkpoint, restore

ROLES = {"barking": "seen", "rain": "seen", "siren": "seen", "music": "seen", "wind": "unseen"}
"""In stage 2, where the unseen classes of the validation are trained on too."""


def by_name(prediction: ab.Prediction) -> dict[str, ab.RankedClass]:
    assert prediction.error is None
    assert [c.score for c in prediction.classes] == sorted((c.score for c in prediction.classes), reverse=True)
    return {c.name: c for c in prediction.classes}


def scored_by_the_method(model: ToyModel, video: str) -> dict[str, float]:
    """Scores of a video of the store, without anything of `predict`."""
    checkpoint = read_checkpoint(model.checkpoint)
    part = checkpoint.header.prediction
    assert part is not None
    _, table = read_store(store_path(model.root, "mine", "colour_level"))
    row = table.video_id.index(video)
    names = tuple(c.name for c in part.classes)
    classes = Classes(names, checkpoint.text, torch.tensor([c.seen for c in part.classes]))
    method = restore(checkpoint, checkpoint.header.shape, classes, torch.device("cpu"))
    videos = Videos(torch.from_numpy(table.audio[row : row + 1]), torch.from_numpy(table.visual[row : row + 1]))
    return dict(zip(names, method.score(videos, classes)[0].tolist(), strict=True))


def test_scores_are_those_of_the_method_less_the_bias_for_seen_classes(
    toys: object, model: ToyModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(toy_encoders.Letters, "__init__", None)  # not needed for classes that the model knows
    file = changed(model, tmp_path, bias=0.25)
    (found,) = ab.load(file, device="cpu").predict(model.video("rain_2"))
    classes = by_name(found)
    assert {name: c.role for name, c in classes.items()} == ROLES
    assert {name: c.raw_score for name, c in classes.items()} == scored_by_the_method(model, "rain_2")
    for c in classes.values():
        assert c.score == c.raw_score - (0.25 if c.role == "seen" else 0)
    assert found.video == str(model.video("rain_2"))
    assert found.seconds == pytest.approx(22 / 25, abs=0.05)


def test_new_names_are_added_and_known_ones_keep_vector_and_role(toys: object, model: ToyModel) -> None:
    loaded, video = ab.load(model.checkpoint, device="cpu"), model.video("wind_0")
    (closed,) = loaded.predict(video)
    (wider,) = loaded.predict(video, ["Wind", "air horn"], top=10)
    (only,) = loaded.predict(video, "air horn, Wind", only=True)
    known, added = by_name(closed), by_name(wider)
    assert {name: added[name].role for name in known} == ROLES
    for name, c in known.items():
        assert added[name].score == pytest.approx(c.score, rel=1e-6)
    assert added.keys() - known.keys() == {"air horn"}
    assert added["air horn"].role == "new"
    assert added["air horn"].score == added["air horn"].raw_score
    assert {c.name: c.role for c in only.classes} == {"wind": "unseen", "air horn": "new"}
    for c in only.classes:
        assert c.score == pytest.approx(added[c.name].score, rel=1e-6)


@pytest.mark.parametrize("kind", ["json", "csv", "npz"])
def test_a_vector_from_a_file_is_as_good_as_a_name(
    toys: object, model: ToyModel, tmp_path: Path, kind: str
) -> None:
    letters = toy_encoders.Letters(None, torch.device("cpu"))
    vectors = {name: letters.encode_text([name])[0] for name in ("air horn", "yodelling")}
    file = tmp_path / f"vectors.{kind}"
    if kind == "json":
        file.write_text(json.dumps({name: vector.tolist() for name, vector in vectors.items()}))
    elif kind == "csv":
        file.write_text("".join(f"{n},{','.join(map(repr, v.tolist()))}\n" for n, v in vectors.items()))
    else:
        np.savez(file, **vectors)
    loaded, video = ab.load(model.checkpoint, device="cpu"), model.video("siren_1")
    (named,) = loaded.predict(video, list(vectors), top=10)
    (given,) = loaded.predict(video, class_vectors=file, top=10)
    (mixed,) = loaded.predict(video, ["yodelling", "rain"], class_vectors=file, only=True)
    scores = {name: c.score for name, c in by_name(named).items()}
    assert {name: c.score for name, c in by_name(given).items()} == pytest.approx(scores, rel=1e-5)
    roles = {name: c.role for name, c in by_name(mixed).items()}
    assert roles == {"yodelling": "new", "rain": "seen", "air horn": "new"}


def test_files_rows_and_arrays_agree_to_the_bit(toys: object, model: ToyModel, tmp_path: Path) -> None:
    loaded, names = ab.load(model.checkpoint, device="cpu"), ["barking_0", "music_3", "wind_2"]
    _, table = read_store(store_path(model.root, "mine", "colour_level"))
    rows = [table.video_id.index(name) for name in names]
    arrays = {"audio": table.audio[rows], "visual": table.visual[rows], "video": np.array(names)}
    of_files = loaded.predict([model.video(name) for name in names])
    of_rows = loaded.predict([*names, "nobody"], dataset="mine", data_root=model.root)
    of_arrays = loaded.predict(arrays)
    assert [p.classes for p in of_files] == [p.classes for p in of_rows[:3]] == [p.classes for p in of_arrays]
    assert [p.video for p in of_arrays] == names
    assert of_rows[3].error == "no such video in mine colour_level"
    np.savez(tmp_path / "vectors.npz", audio=arrays["audio"], visual=arrays["visual"])
    total, found = predict(PredictOptions(checkpoint=model.checkpoint, arrays=tmp_path / "vectors.npz"))
    assert [p.classes for p in found] == [p.classes for p in of_arrays]
    assert total == 3


@pytest.mark.parametrize("method", ["tcaf", "eszsl"])
def test_features_with_steps(toys: object, tmp_path: Path, method: str) -> None:
    model = trained(tmp_path / "model", method, sequences=True)
    loaded = ab.load(model.checkpoint, device="cpu")
    (of_file,) = loaded.predict(model.video("rain_3"))
    (of_row,) = loaded.predict("rain_3", dataset="mine", data_root=model.root)
    assert of_file.classes == of_row.classes
    assert of_file.classes
    if method == "tcaf":
        plain = recipe_of(model) | {"sequences": False, "frames": "uniform:4"}
        with pytest.raises(CheckpointError, match="made for sequences, and its recipe has one vector per video"):
            ab.load(changed(model, tmp_path, recipe=plain)).predict(model.video("rain_3"))
        with pytest.raises(CheckpointError, match="made for sequences, and arrays hold one vector"):
            loaded.predict({"audio": np.zeros((1, 2)), "visual": np.zeros((1, 3))})


@pytest.mark.parametrize("method", ["tcaf", "eszsl"])
def test_simulated_rows_are_predicted_and_files_are_not(toys: object, tmp_path: Path, method: str) -> None:
    model = trained(tmp_path / "model", method, simulated=True)
    _, table = read_store(store_path(model.root, "mine", "simulated"))
    lines: list[str] = []
    options = PredictOptions(
        (table.video_id[0],), checkpoint=model.checkpoint, dataset="mine", data_root=model.root
    )
    (found,) = predict(options, lines.append).predictions
    assert len(found.classes) == 5
    assert lines == ["SIMULATED FEATURES: these predictions say nothing about real videos"]
    loaded = ab.load(model.checkpoint, device="cpu")
    assert "SIMULATED" in repr(loaded)
    with pytest.raises(CheckpointError, match="trained on simulated features, which no video has"):
        loaded.predict(model.video("rain_0"))


def test_how_a_model_introduces_itself(model: ToyModel) -> None:
    assert repr(ab.load(model.checkpoint, device="cpu")) == (
        "<Model eszsl on mine colour_level: 4 seen and 1 unseen classes>"
    )


@pytest.mark.parametrize(
    ("videos", "options", "expected"),
    [
        ([], {"top": 0}, "top=0: must be a whole number, at least 1"),
        ([], {"top": 2.5}, "top=2.5: must be a whole number"),
        ([], {"features": "colour_level"}, "features names a set of a dataset"),
        ({}, {"dataset": "mine"}, "arrays are vectors already"),
        ([], {"classes": ["air horn", 3]}, "classes: 3 is not a class name"),
    ],
)
def test_what_cannot_be_asked_for(model: ToyModel, videos: Any, options: dict[str, Any], expected: str) -> None:
    with pytest.raises(ConfigError, match=expected):
        ab.load(model.checkpoint, device="cpu").predict(videos, **options)


def test_no_new_classes_may_be_an_empty_list(model: ToyModel) -> None:
    loaded = ab.load(model.checkpoint, device="cpu")
    row: dict[str, Any] = {"videos": "rain_0", "dataset": "mine", "data_root": model.root}
    assert loaded.predict(**row, classes=[]) == loaded.predict(**row)


def test_weights_of_an_encoder_that_is_not_there_are_refused(model: ToyModel) -> None:
    with pytest.raises(UnknownNameError, match="unknown encoder 'zzz'"):
        ab.load(model.checkpoint, device="cpu", weights={"zzz": "x"})


def test_a_script_needs_no_guard(model: ToyModel, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import toy_encoders, avgzsl_bench as ab\n"
        "from avgzsl_bench.plugins.manager import load_plugins\n"
        "load_plugins().manager.register(toy_encoders)\n"
        f"(found,) = ab.load({str(model.checkpoint)!r}).predict({str(model.video('rain_0'))!r})\n"
        "print(found.error, len(found.classes))\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, script], capture_output=True, text=True, timeout=120, env=environment)
    assert done.stdout == "None 5\n", done.stderr
    assert "Traceback" not in done.stderr
