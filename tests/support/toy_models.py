"""Models trained on made-up videos with encoders that have no network, and checkpoints that differ from theirs."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import toy_encoders
from own_videos import write_own_videos

import avgzsl_bench as ab
from avgzsl_bench.data.store.extraction import recipe_sha256
from avgzsl_bench.encoders.extraction.extract import extract
from avgzsl_bench.encoders.extraction.options import ExtractOptions
from avgzsl_bench.plugins.manager import load_plugins
from avgzsl_bench.records.checkpoint import read_checkpoint, write_checkpoint

SHORT = {"tcaf": {"epochs": 1, "batches_per_epoch": 1}, "fvaegan": {"epochs": 1, "generator_batches": 1}}
"""Settings of methods that would train for long."""


@dataclass(frozen=True)
class ToyModel:
    """Twenty videos of five classes, their features, and the checkpoint of stage 2.

    Attributes:
        videos: their folder.
        root: the data folder.
        checkpoint: the file.
    """

    videos: Path
    root: Path
    checkpoint: Path

    def video(self, name: str) -> Path:
        return self.videos / f"{name}.mkv"


def trained(
    place: Path,
    method: str = "eszsl",
    *,
    sequences: bool = False,
    text: tuple[str, ...] = ("letters",),
    simulated: bool = False,
    encoders: str = "colour,level",
    weights: Mapping[str, Path] | None = None,
) -> ToyModel:
    """Extract features of made-up videos, `colour_level` by default, and train a method on them."""
    videos, root = place / "videos", place / "data"
    videos.mkdir(parents=True)
    write_own_videos(videos, tables=videos, split="all")
    manager = load_plugins().manager
    absent = not manager.is_registered(toy_encoders)
    if absent:
        manager.register(toy_encoders)
    try:
        features = extract(
            ExtractOptions(
                dataset="mine",
                folder=videos,
                root=root,
                encoders=encoders,
                weights=dict(weights or {}),
                text=text,
                table=videos / "videos.csv",
                classes=videos / "classes.csv",
                workers=1,
                sequences=sequences,
            )
        ).features
    finally:
        if absent:
            manager.unregister(toy_encoders)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        data = {"features": "simulated" if simulated else features, "data_root": root, "device": "cpu"}
        ab.run(method, "mine", out=place / "results", settings=SHORT.get(method, {}), save=True, **data)
    (checkpoint,) = (place / "results").rglob("*.stage2.safetensors")
    return ToyModel(videos, root, checkpoint)


def changed(model: ToyModel, place: Path, *, data: Mapping[str, Any] | None = None, **part: Any) -> Path:
    """Write the checkpoint with other fields in its `prediction`, or in the data of its run."""
    found = read_checkpoint(model.checkpoint)
    header = found.header
    assert header.prediction is not None
    assert header.run is not None
    if "recipe" in part:
        part["recipe_sha256"] = None if part["recipe"] is None else recipe_sha256(part["recipe"])
    run = header.run.model_copy(update={"data": header.run.data.model_copy(update=dict(data or {}))})
    header = header.model_copy(update={"prediction": header.prediction.model_copy(update=part), "run": run})
    write_checkpoint(place / "changed.safetensors", replace(found, header=header))
    return place / "changed.safetensors"


def recipe_of(model: ToyModel) -> dict[str, Any]:
    """The recipe in its checkpoint, to be changed."""
    part = read_checkpoint(model.checkpoint).header.prediction
    assert part is not None
    assert part.recipe is not None
    return {name: dict(value) if isinstance(value, dict) else value for name, value in part.recipe.items()}
