"""A checkpoint that was trained on the published features: videos are encoded by the published recipe."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from toy_models import ToyModel, changed

from avgzsl_bench.encoders.builtin.clip import Clip
from avgzsl_bench.encoders.builtin.wavcaps import Wavcaps
from avgzsl_bench.encoders.extraction.chosen import LoadedEncoder
from avgzsl_bench.encoders.published import PUBLISHED
from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.execution.prediction.trained import Trained, read_trained
from avgzsl_bench.execution.prediction.video_encoding import video_encoding
from avgzsl_bench.plugins.specs import EncoderSpec

IMPORTED = {"dataset": "ucf", "features": "clip_clap"}


def load(spec: EncoderSpec) -> LoadedEncoder:
    """An encoder without its network."""
    kind = {"clip": Clip, "wavcaps": Wavcaps}[spec.name]
    return LoadedEncoder(spec, kind.__new__(kind), None, {})


@pytest.fixture
def imported(model: ToyModel, tmp_path: Path) -> Trained:
    return read_trained(changed(model, tmp_path, data=IMPORTED, recipe=None), torch.device("cpu"))


def test_frame_and_colours_are_those_of_the_published_script(imported: Trained) -> None:
    encoders, request = video_encoding(imported, "clip,wavcaps", "published", load)
    assert (encoders.visual and encoders.visual.spec.name, encoders.audio and encoders.audio.spec.name) == (
        "clip",
        "wavcaps",
    )
    assert request.published == PUBLISHED["ucf"]
    assert request.visual == Clip.visual_input


@pytest.mark.parametrize(
    ("encoders", "recipe", "expected"),
    [
        (None, None, "--recipe published --encoders clip,wavcaps encodes videos alike"),
        (None, "published", "needs --encoders clip,wavcaps"),
        ("clip,laion_clap", "published", "needs --encoders clip,wavcaps"),
        ("clip,wavcaps", None, "the checkpoint names its encoders"),
    ],
)
def test_nothing_else_will_do(imported: Trained, encoders: str | None, recipe: str | None, expected: str) -> None:
    with pytest.raises(AvbenchError, match=expected):
        video_encoding(imported, encoders, recipe, load)  # type: ignore[arg-type]


def test_features_that_were_extracted_here_have_their_own_recipe(model: ToyModel) -> None:
    own = read_trained(model.checkpoint, torch.device("cpu"))
    with pytest.raises(AvbenchError, match="is for checkpoints that were trained on the published clip_clap"):
        video_encoding(own, "clip,wavcaps", "published", load)
