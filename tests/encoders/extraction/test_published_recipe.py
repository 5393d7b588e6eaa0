"""The published recipe from clips to a run, with models as wide as the published ones and otherwise tiny."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from click.testing import Result
from made_clips import Clip as MadeClip
from made_clips import Track, tone, write_clip
from real_clips import frames
from tiny_encoders import TINY_AUDIO, TINY_TEXT, save_clip, save_wavcaps
from video_folders import listed

from avgzsl_bench.data.datasets.facts import PARTITIONS, partition_bit
from avgzsl_bench.data.store.store import read_store
from avgzsl_bench.encoders.builtin.clip import Clip
from avgzsl_bench.encoders.builtin.wavcaps import Wavcaps

Call = Callable[..., Result]
EACH = 1
"""Clips of each class and partition."""


@pytest.fixture(scope="module")
def videos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips called as those of UCF101: of every class some of each partition that it is in."""
    dataset, videos = listed("ucf")
    folder, taken = tmp_path_factory.mktemp("UCF-101"), set()
    for partition in PARTITIONS:
        for label in range(len(dataset.class_names)):
            members = [
                video
                for video, of, bits in zip(videos.video_id, videos.label, videos.partition, strict=True)
                if of == label and bits & partition_bit(partition)
            ]
            taken |= set(members[:EACH])
    for number, video in enumerate(sorted(taken)):
        wave = tone(0.2, 100.0 + 10 * number, rate=16_000)
        sound = Track(wave, rate=16_000, codec="pcm_s16le")
        write_clip(folder / f"{video}.mkv", MadeClip(3 + number % 5, sounds=[sound]))
    return folder


@pytest.fixture
def weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Path]:
    """Folders with weights, by encoder."""
    monkeypatch.setattr(Wavcaps, "audio_config", TINY_AUDIO)
    monkeypatch.setattr(Wavcaps, "text_config", TINY_TEXT)
    folders = {"clip": tmp_path / "clip", "wavcaps": tmp_path / "wavcaps"}
    save_clip(folders["clip"], width=512)
    save_wavcaps(folders["wavcaps"], Wavcaps)
    return folders


def test_from_clips_to_a_run(
    videos: Path, weights: dict[str, Path], avbench: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AVBENCH_DATA", str(tmp_path / "data"))
    given = [f"--weights={name}={folder}" for name, folder in weights.items()]
    options = ("--encoders", "clip,wavcaps", "--recipe", "published", "--min-clips", 0.01, "--workers", 1)
    done = avbench("extract", "ucf", videos, *options, *given)
    assert done.exit_code == 0, done.output
    store = tmp_path / "data" / "ucf" / "clip_wavcaps_published" / "features.h5"
    header, table = read_store(store)
    assert {name: vectors.shape for name, vectors in table.text.items()} == {
        "clip": (101, 512),
        "clap": (101, 1024),
    }
    assert header.videos == len(list(videos.iterdir()))
    network = Clip(weights["clip"], torch.device("cpu"))
    for row in (0, header.videos // 2, header.videos - 1):
        decoded, stated = frames(videos / f"{table.video_id[row]}.mkv")
        grey = -decoded[stated // 2 if stated else len(decoded) // 2][:1, :1]  # (256 - v) mod 256 of one colour
        seen = np.broadcast_to(grey, (1, 224, 224, 3))
        assert table.visual[row] == pytest.approx(network.encode_frames(seen)[0], abs=1e-5)
    assert avbench("data", "verify", "ucf").exit_code == 0
    run = (
        "run",
        "--method",
        "devise",
        "--dataset",
        "ucf",
        "--features",
        "clip_wavcaps_published",
        "--device",
        "cpu",
    )
    done = avbench(*run, "--epochs", 1)
    assert done.exit_code == 0, done.output
    (record,) = (tmp_path / "results" / "ucf").rglob("*.json")
    assert json.loads(record.read_text())["data"]["like"] == "clip_clap"
