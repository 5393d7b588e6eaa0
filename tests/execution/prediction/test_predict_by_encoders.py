"""Prediction by encoders alone: cosines, the mean of both modalities, and tiny CLIP and CLAP."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import toy_encoders
from made_clips import Clip, Track, tone, write_clip
from tiny_encoders import save_clap, save_clip, tiny_spec

from avgzsl_bench.encoders.videos.video import EncodedVideo, UnusableVideo
from avgzsl_bench.execution.predict import PredictOptions, predict
from avgzsl_bench.execution.prediction.prediction import Candidates, Prediction, predictions
from avgzsl_bench.plugins.hookspecs import hookimpl

CLASSES = "grey and long,loud and red,blue"
LEVEL = 0.5 / 2**0.5
"""Root mean square of the tone."""


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("videos") / "grey.mkv"
    return write_clip(path, Clip(frames=20, sounds=[Track(tone(1.0))]))


@pytest.fixture
def toys(register: Callable[[object], object]) -> object:
    return register(toy_encoders)


def scores(encoders: str, video: Path, classes: str = CLASSES, **options: object) -> dict:
    (found,) = predict(PredictOptions([str(video)], encoders=encoders, classes=classes, **options)).predictions
    assert found.error is None
    assert [c.score for c in found.classes] == sorted((c.score for c in found.classes), reverse=True)
    assert all(c.role is None and c.raw_score == c.score for c in found.classes)
    return {c.name: c.score for c in found.classes}


def cosine(a: list[float], b: list[float]) -> float:
    return float(np.dot(a, b) / np.linalg.norm(a) / np.linalg.norm(b))


def test_cosines_of_either_modality_and_their_mean(toys: object, video: Path) -> None:
    seen, heard = scores("tint", video), scores("noise", video)
    both = scores("noise,tint", video)
    assert seen == pytest.approx({"grey and long": 1.0, "loud and red": 3**-0.5, "blue": 3**-0.5}, abs=0.02)
    texts = {"grey and long": [0.1, 1.1], "loud and red": [1.1, 0.1], "blue": [0.1, 0.1]}
    assert heard == pytest.approx({name: cosine([LEVEL, 1.0], text) for name, text in texts.items()}, rel=1e-3)
    assert both == pytest.approx({name: (seen[name] + heard[name]) / 2 for name in both}, rel=1e-6)


def test_the_order_of_equal_scores_is_that_of_the_classes(toys: object, video: Path) -> None:
    assert list(scores("tint", video, "red,blue,grey,green", top=3)) == ["grey", "red", "blue"]


def test_what_a_modality_needs(toys: object, tmp_path: Path) -> None:
    silent = write_clip(tmp_path / "silent.mkv", Clip(frames=20))
    assert scores("tint", silent, "grey")
    (found,) = predict(PredictOptions([str(silent)], encoders="tint,noise", classes="grey")).predictions
    assert found == Prediction(str(silent), None, (), error="no sound stream")


def test_a_bias_ranks_and_leaves_the_raw_score() -> None:
    candidates = Candidates(("a", "b", "c", "d"), ("seen", "unseen", "new", "seen"), bias=0.25)
    ranked = candidates.ranked(np.array([1.0, 0.75, 0.5, 0.9]), 3)
    assert [(c.name, c.score, c.raw_score, c.role) for c in ranked] == [
        ("a", 0.75, 1.0, "seen"),
        ("b", 0.75, 0.75, "unseen"),
        ("d", pytest.approx(0.65), 0.9, "seen"),
    ]


def test_a_score_that_is_no_number_is_an_error_of_its_video() -> None:
    scorer = SimpleNamespace(candidates=Candidates(("a",)), raw_scores=lambda video: video.visual[0])
    videos = [
        EncodedVideo("v", None, np.array([[np.nan]], np.float32)),
        UnusableVideo("w", "no frame"),
        EncodedVideo("x", None, np.array([[1.0]], np.float32), notes=("silent",)),
    ]
    found = list(predictions(videos, scorer, 1))
    assert [p.error for p in found] == ["scores not finite", "no frame", None]
    assert found[2].notes == ("silent",)


def test_tiny_clip_and_clap_embed_any_names(
    register: Callable[[object], object], video: Path, tmp_path: Path
) -> None:
    specs = [
        replace(tiny_spec("clip"), name="tiny_clip", text="tiny_clip"),
        replace(tiny_spec("laion_clap"), name="tiny_clap", text="tiny_clap"),
    ]
    register(SimpleNamespace(avbench_encoders=hookimpl(lambda: specs)))
    weights = {"tiny_clip": save_clip(tmp_path / "clip"), "tiny_clap": save_clap(tmp_path / "clap")}
    given = {"classes": "surfing,rowing a boat,3D print", "weights": weights}
    both = scores("tiny_clip,tiny_clap", video, **given)
    one, other = (scores(name, video, **given) for name in weights)
    assert both == pytest.approx({name: (one[name] + other[name]) / 2 for name in one}, rel=1e-6)
    assert len(set(both.values())) == 3
