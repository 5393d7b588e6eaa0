from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import toy_encoders
from made_clips import Clip, Track, tone, write_clip
from video_folders import write_table

from avgzsl_bench.encoders.extraction.options import ExtractOptions

ROLES = {"barking": "", "rain": "", "siren": "", "music": "val_unseen", "wind": "test_unseen"}
PARTITIONS = {
    "": ("stage1_train", "stage1_train", "stage1_val_seen", "stage2_test_seen"),
    "val_unseen": ("stage1_val_unseen",) * 4,
    "test_unseen": ("stage2_test_unseen",) * 4,
}


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twenty clips of five classes with a table: grey levels by frame, a tone whose level goes by the clip."""
    place = tmp_path_factory.mktemp("videos")
    rows = []
    for pitch, (name, role) in enumerate(ROLES.items(), start=1):
        for number, partition in enumerate(PARTITIONS[role]):
            video = f"{name}_{number}"
            wave = tone(1.0, 200.0 * pitch, level=0.1 * (number + 1))
            write_clip(place / f"{video}.mkv", Clip(frames=20 + number, sounds=[Track(wave)]))
            rows.append((video, name, f"{video}.mkv", partition))
    write_table(place / "videos.csv", ("video", "class", "path", "partition"), rows)
    write_table(
        place / "classes.csv",
        ("name", "readable", "all"),
        [(name, name, role or "train") for name, role in ROLES.items()],
    )
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
