from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import toy_encoders
from own_videos import write_own_videos

from avgzsl_bench.encoders.extraction.options import ExtractOptions


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty clips of five classes with a table: grey levels by frame, a tone whose level goes by the clip."""
    place = tmp_path_factory.mktemp("videos")
    write_own_videos(place, tables=place, split="all")
    return place


@pytest.fixture
def toys(register: Callable[[object], object]) -> object:
    return register(toy_encoders)


@pytest.fixture
def options(toys: object, folder: Path, tmp_path: Path) -> ExtractOptions:
    """An extraction of all clips, one worker."""
    return ExtractOptions(
        dataset="mine",
        folder=folder,
        root=tmp_path / "data",
        encoders="colour,level",
        text=("letters",),
        table=folder / "videos.csv",
        classes=folder / "classes.csv",
        workers=1,
        batch=6,
    )


@pytest.fixture
def copied(options: ExtractOptions, tmp_path: Path) -> ExtractOptions:
    """The same with a folder of its own, to be spoilt."""
    place = tmp_path / "videos"
    place.mkdir()
    for path in options.folder.iterdir():
        (place / path.name).write_bytes(path.read_bytes())
    return replace(options, folder=place, table=place / "videos.csv", classes=place / "classes.csv")
