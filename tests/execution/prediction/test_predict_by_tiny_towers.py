"""A model trained on vectors of tiny CLIP and CLAP: new names are encoded by both, and weights are compared."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_encoders import save_clap, save_clip, tiny_spec
from toy_models import ToyModel, trained

import avgzsl_bench as ab
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.store import read_store
from avgzsl_bench.encoders.extraction.chosen import load_encoder
from avgzsl_bench.encoders.texts.class_texts import class_texts
from avgzsl_bench.encoders.texts.templates import templates_for
from avgzsl_bench.errors import DataError
from avgzsl_bench.gzsl.task import Classes, Videos
from avgzsl_bench.plugins.hookspecs import hookimpl
from avgzsl_bench.plugins.manager import load_plugins

CPU = torch.device("cpu")
TINY = (
    replace(tiny_spec("clip"), name="tiny_clip", text="tiny_clip"),
    replace(tiny_spec("laion_clap"), name="tiny_clap", text="tiny_clap"),
)


@dataclass(frozen=True)
class Towers:
    model: ToyModel
    weights: dict[str, Path]


@pytest.fixture(scope="module")
def towers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Towers]:
    place = tmp_path_factory.mktemp("towers")
    weights = {"tiny_clip": save_clip(place / "clip"), "tiny_clap": save_clap(place / "clap")}
    plugin = SimpleNamespace(avbench_encoders=hookimpl(lambda: TINY))
    manager = load_plugins().manager
    manager.register(plugin)
    yield Towers(trained(place / "model", encoders="tiny_clip,tiny_clap", text=(), weights=weights), weights)
    manager.unregister(plugin)


def test_new_names_are_encoded_by_both_towers(towers: Towers) -> None:
    loaded = ab.load(towers.model.checkpoint, device="cpu", weights=towers.weights)
    (found,) = loaded.predict(towers.model.video("rain_1"), ["AirHorn"], only=True)
    (best,) = found.classes
    assert (best.name, best.role) == ("AirHorn", "new")
    text = {}
    for spec in TINY:
        encoder = load_encoder(spec, towers.weights, CPU).encoder
        vectors = class_texts(encoder, ["air horn"], templates_for(None, spec.modality))
        text[spec.text_name] = torch.from_numpy(vectors)
    classes = Classes(("AirHorn",), text, torch.tensor([False]))
    _, table = read_store(store_path(towers.model.root, "mine", "tiny_clip_tiny_clap"))
    row = [table.video_id.index("rain_1")]
    videos = Videos(torch.from_numpy(table.audio[row]), torch.from_numpy(table.visual[row]))
    assert best.score == pytest.approx(float(loaded.trained.method.score(videos, classes)), rel=1e-4)


def test_other_weights_are_refused_by_their_hash(towers: Towers, tmp_path: Path) -> None:
    other = tmp_path / "clip"
    shutil.copytree(towers.weights["tiny_clip"], other)
    (file,) = other.glob("*.safetensors")
    state = load_file(file)
    state["logit_scale"] += 1.0
    save_file(state, file, metadata={"format": "pt"})
    files = (file, towers.weights["tiny_clip"] / file.name)
    here, there = (sha256(each.read_bytes()).hexdigest()[:8] for each in files)
    loaded = ab.load(towers.model.checkpoint, device="cpu", weights=towers.weights | {"tiny_clip": other})
    expected = rf"'tiny_clip' here is {here}\.\., the checkpoint was trained on {there}\.\."
    with pytest.raises(DataError, match=expected):
        loaded.predict(towers.model.video("rain_1"))


def test_weights_that_are_not_here_are_a_line(towers: Towers) -> None:
    with pytest.raises(DataError, match="weights of 'tiny_clip' are not here"):
        ab.load(towers.model.checkpoint, device="cpu").predict(towers.model.video("rain_1"))
