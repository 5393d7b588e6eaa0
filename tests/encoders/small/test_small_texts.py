"""Class texts by `minilm`, and what the joint space of `lite0_conse` is worth on real clips."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clip_decoding import cut, frames_of, spread

from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.encoders.encoder import Encoder
from avgzsl_bench.encoders.texts.class_texts import class_texts
from avgzsl_bench.encoders.texts.names import class_words
from avgzsl_bench.encoders.texts.templates import templates_for

Build = Callable[..., Encoder]


def test_class_texts_by_minilm(build: Build) -> None:
    encoder = build("minilm")
    names = ["surfing", "rowing a boat", "apply eye makeup"]
    surfing, *others = class_texts(encoder, names, templates_for("ucf", "text"))
    np.testing.assert_allclose(surfing[:4], (0.03989, -0.04493, 0.04629, -0.00655), atol=1e-4, rtol=0)
    np.testing.assert_allclose(np.stack(others) @ surfing, (0.3073, 0.0242), atol=1e-4, rtol=0)
    both = class_texts(encoder, ["surfing"], ["{}", "a photo of {}."])[0]
    half = np.sqrt((1 + 0.7785) / 2)  # cosine of a unit vector with its mean with another, from their own cosine
    assert abs(both @ surfing - half) < 1e-4


@pytest.mark.slow
def test_real_clips_are_told_by_the_names_of_classes(build: Build, shared: Path) -> None:
    encoder, texts = build("lite0_conse"), build("minilm")
    clips = pd.read_csv(shared / "data" / "clips" / "mini_videos.csv")
    vectors = []
    for path in clips["path"]:
        frames = frames_of(shared / "data" / "clips" / path)
        chosen = np.stack([cut(frames[i], encoder.visual_input) for i in spread(8, len(frames))])
        vectors.append(encoder.encode_frames(chosen).mean(0))
    ucf = registered_dataset("ucf")
    label = np.array([ucf.class_id(name) for name in clips["class"]])
    scores = np.stack(vectors) @ class_texts(texts, class_words(ucf), templates_for("ucf", "text")).T
    rank = (scores > scores[np.arange(len(label)), label][:, None]).sum(1)
    assert (len(rank), (rank < 1).sum(), (rank < 5).sum()) == (18, 5, 8)
    few = np.unique(label)
    assert (few[scores[:, few].argmax(1)] == label).sum() == 8
