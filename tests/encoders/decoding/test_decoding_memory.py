"""An hour takes little more memory than ten seconds: only chosen frames and windows of sound are kept."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from made_clips import Clip, Track, write_clip

SCRIPT = """
import sys
from pathlib import Path
from avgzsl_bench.encoders.decoding.clip import decode_clip
from avgzsl_bench.encoders.decoding.request import ClipRequest
from avgzsl_bench.encoders.encoder import AudioInput, VisualInput

visual = VisualInput(224, 224, "bicubic", (0, 0, 0), (1, 1, 1))
audio = {
    "windows": AudioInput(48_000),
    "whole": AudioInput(16_000, window=None),
    "sequences": AudioInput(48_000),
}[sys.argv[2]]
inputs = decode_clip(Path(sys.argv[1]), ClipRequest(visual, audio, sequences=sys.argv[2] == "sequences"))
peak = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
print(peak >> 10, len(inputs.frames), len(inputs.sound), sum(map(len, inputs.sound)))
"""

MORE = 300
"""MiB that an hour may take beyond ten seconds."""


def clip(folder: Path, seconds: int) -> Path:
    wave = np.tile(np.sin(np.arange(8000) / 5).astype(np.float32), seconds)
    sound = Track(wave, rate=8000, codec="pcm_s16le")
    return write_clip(folder / f"{seconds}.mkv", Clip(25 * seconds, codec="mpeg4", sounds=[sound]))


def peak(path: Path, kind: str) -> list[int]:
    """Peak in MiB, frames, windows and samples."""
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(path), kind], capture_output=True, text=True, check=True
    )
    return [int(number) for number in run.stdout.split()]


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_an_hour_takes_little_more_than_ten_seconds(tmp_path: Path) -> None:
    short, hour = clip(tmp_path, 10), clip(tmp_path, 3600)
    for kind, frames, windows, samples in (
        ("windows", 8, 12, 12 * 480_000),
        ("whole", 8, 1, 3600 * 16_000),
        ("sequences", 600, 600, 600 * 48_000),
    ):
        megabytes, *rest = peak(hour, kind)
        assert rest == pytest.approx([frames, windows, samples], abs=1)
        assert megabytes - peak(short, kind)[0] < MORE, kind
