"""Memory of an extraction, in its own process and in its worker: neither many clips nor long ones take more."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from made_clips import Clip, Track, write_clip
from process_control import python, search_path
from video_folders import write_table

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(1800),
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc"),
]

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "small_encoders"

COPIES, HOUR = 50, 300
"""MiB that a thousand copies of a clip may take beyond ten, and an hour beyond ten seconds."""

SCRIPT = """
import json, multiprocessing, os, sys
from pathlib import Path
import avbench_small_encoders, toy_encoders
from avgzsl_bench.encoders.extraction.extract import extract
from avgzsl_bench.encoders.extraction.options import ExtractOptions
from avgzsl_bench.encoders.registry import REGISTRY
from avgzsl_bench.plugins.manager import load_plugins

def peak(process):
    return int(Path(f"/proc/{process}/status").read_text().partition("VmHWM:")[2].split()[0]) >> 10

def report(progress):
    for worker in multiprocessing.active_children():
        workers[worker.pid] = peak(worker.pid)

workers = {}
load_plugins().manager.register(toy_encoders)
if "logmel" not in REGISTRY.items():
    load_plugins().manager.register(avbench_small_encoders)
folder, root, encoders, weights, sequences = sys.argv[1:]
folder = Path(folder)
done = extract(
    ExtractOptions(
        dataset="mine",
        folder=folder,
        root=Path(root),
        encoders=encoders,
        text=("letters",),
        weights={"yamnet": Path(weights)},
        sequences=sequences == "True",
        table=folder / "videos.csv",
        classes=folder / "classes.csv",
        workers=1,
        min_clips=0.0,
    ),
    report=report,
)
print(json.dumps([peak(os.getpid()), *workers.values(), done.coverage.covered.videos]))
"""

PARTS = (
    ("a", "stage1_train"),
    ("a", "stage1_val_seen"),
    ("a", "stage2_test_seen"),
    ("b", "stage1_val_unseen"),
    ("c", "stage2_test_unseen"),
)


def clip(folder: Path, seconds: int) -> Path:
    wave = np.tile(np.sin(np.arange(8000) / 5).astype(np.float32), seconds)
    sound = Track(wave, rate=8000, codec="pcm_s16le")
    return write_clip(folder / f"{seconds}.mkv", Clip(25 * seconds, codec="mpeg4", sounds=[sound]))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """A clip of ten seconds, and one of an hour."""
    place = tmp_path_factory.mktemp("clips")
    return {seconds: clip(place, seconds) for seconds in (10, 3600)}


@pytest.fixture(scope="module")
def yamnet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with invented weights of YAMNet."""
    script = """
import sys, torch
from avbench_small_encoders.yamnet import Network
from safetensors.torch import save_file
save_file({name: 0.05 * torch.randn(tensor.shape) for name, tensor in Network().state_dict().items()}, sys.argv[1])
"""
    folder = tmp_path_factory.mktemp("yamnet")
    done = python(script, folder / "yamnet.safetensors", PYTHONPATH=search_path(EXAMPLE))
    assert done.returncode == 0, done.stderr
    return folder


def videos(folder: Path, source: Path, copies: int) -> Path:
    """Fill a folder with copies of a clip; the dataset has five videos at least."""
    folder.mkdir()
    rows = []
    for number in range(max(copies, len(PARTS))):
        name, partition = PARTS[number % len(PARTS)]
        rows.append((f"{name}{number}", name, f"{number}.mkv", partition))
        if number < copies:
            os.link(source, folder / f"{number}.mkv")
    write_table(folder / "videos.csv", ("video", "class", "path", "partition"), rows)
    roles = (("a", "train"), ("b", "val_unseen"), ("c", "test_unseen"))
    write_table(folder / "classes.csv", ("name", "readable", "all"), [(name, name, role) for name, role in roles])
    return folder


def peak(folder: Path, encoders: str, weights: Path, *, sequences: bool, clips: int) -> int:
    """The peaks of an extraction and of its worker together, in MiB."""
    root = folder.with_name(f"{folder.name} {encoders} {sequences}")
    done = python(SCRIPT, folder, root, encoders, weights, sequences, PYTHONPATH=search_path(SUPPORT, EXAMPLE))
    assert done.returncode == 0, done.stderr
    *peaks, videos = json.loads(done.stdout)
    assert (len(peaks), videos) == (2, clips)
    return sum(peaks)


SUPPORT = Path(__file__).resolve().parents[2] / "support"


@pytest.mark.parametrize("encoders", ["colour,level", "picture,loudness"])
def test_a_thousand_clips_take_no_more_than_ten(
    made: dict[int, Path], yamnet: Path, tmp_path: Path, encoders: str
) -> None:
    ten, thousand = (
        peak(videos(tmp_path / str(copies), made[10], copies), encoders, yamnet, sequences=False, clips=copies)
        for copies in (10, 1000)
    )
    assert thousand - ten < COPIES


@pytest.mark.parametrize(
    ("encoders", "sequences"),
    [
        ("picture,loudness", False),
        ("picture,whole", False),
        ("picture,loudness", True),
        ("picture,logmel", False),
        ("picture,yamnet", False),
        ("picture,yamnet", True),
    ],
)
def test_an_hour_takes_little_more_than_ten_seconds(
    made: dict[int, Path], yamnet: Path, tmp_path: Path, encoders: str, sequences: bool
) -> None:
    short, hour = (
        peak(videos(tmp_path / str(seconds), made[seconds], 1), encoders, yamnet, sequences=sequences, clips=1)
        for seconds in (10, 3600)
    )
    assert hour - short < HOUR


def test_several_hours_take_no_more_than_one(made: dict[int, Path], yamnet: Path, tmp_path: Path) -> None:
    one, several = (
        peak(
            videos(tmp_path / str(copies), made[3600], copies),
            "picture,whole",
            yamnet,
            sequences=False,
            clips=copies,
        )
        for copies in (1, 3)
    )
    assert several - one < COPIES
