"""Videos by file have the vectors that an extraction gives them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import toy_encoders
from own_videos import write_own_videos

from avgzsl_bench.data.store.store import read_store
from avgzsl_bench.data.store.table import Ragged
from avgzsl_bench.encoders.decoding.frame_choice import parse_frame_choice
from avgzsl_bench.encoders.extraction.chosen import EncoderLoader
from avgzsl_bench.encoders.extraction.clip_encoders import ClipEncoders
from avgzsl_bench.encoders.extraction.extract import extract
from avgzsl_bench.encoders.extraction.options import ExtractOptions
from avgzsl_bench.encoders.registry import REGISTRY
from avgzsl_bench.encoders.videos.encoding import encode_videos
from avgzsl_bench.encoders.videos.finding import find_videos
from avgzsl_bench.encoders.videos.video import EncodedVideo, UnusableVideo


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("videos")
    write_own_videos(place, tables=place, split="all")
    return place


@pytest.fixture
def load(register: object) -> EncoderLoader:
    register(toy_encoders)  # type: ignore[operator]
    return EncoderLoader({}, torch.device("cpu"))


@pytest.mark.parametrize("sequences", [False, True])
def test_the_same_vectors_as_extract_bit_for_bit(
    load: EncoderLoader, folder: Path, tmp_path: Path, sequences: bool
) -> None:
    options = ExtractOptions(
        dataset="mine",
        folder=folder,
        root=tmp_path,
        encoders="colour,level",
        text=("letters",),
        table=folder / "videos.csv",
        classes=folder / "classes.csv",
        workers=1,
        sequences=sequences,
    )
    _, table = read_store(extract(options).path)
    stored = dict(zip(table.video_id, zip(_rows(table.audio), _rows(table.visual), strict=True), strict=True))
    encoders = ClipEncoders(load(REGISTRY.item("colour")), load(REGISTRY.item("level")), sequences)
    request = encoders.request(parse_frame_choice("uniform:4"))
    found = list(encode_videos(find_videos([folder]), encoders, request, workers=2))
    assert len(found) == len(stored) == 20
    for video in found:
        assert isinstance(video, EncodedVideo)
        audio, visual = stored[Path(video.name).stem]
        assert np.array_equal(video.audio, audio)
        assert np.array_equal(video.visual, visual)


def _rows(feature: np.ndarray | Ragged) -> list[np.ndarray]:
    if isinstance(feature, Ragged):
        return np.split(feature.values, feature.offsets[1:-1])
    return list(feature[:, None])


def test_one_modality_and_videos_of_no_use(load: EncoderLoader, folder: Path, tmp_path: Path) -> None:
    text = tmp_path / "text.mp4"
    text.write_text("no video")
    videos = find_videos([tmp_path / "nowhere.mp4", folder / "rain_1.mkv", text, folder / "wind_0.mkv"])
    encoders = ClipEncoders(load(REGISTRY.item("colour")), None)
    request = encoders.request(parse_frame_choice("middle"))
    absent, rain, unreadable, wind = encode_videos(videos, encoders, request, workers=1)
    assert absent == UnusableVideo(str(tmp_path / "nowhere.mp4"), "no such file")
    assert isinstance(unreadable, UnusableVideo)
    assert unreadable.reason.startswith("unreadable: ")
    for video, seconds in ((rain, 21 / 25), (wind, 20 / 25)):
        assert isinstance(video, EncodedVideo)
        assert video.audio is None
        assert video.visual is not None
        assert video.visual.shape == (1, 3)
        assert video.seconds == pytest.approx(seconds, abs=0.05)
