"""Files that would make FFmpeg open others are refused, and the others stay closed."""

from __future__ import annotations

from pathlib import Path

import av
import pytest
from made_clips import Clip, Track, tone, write_clip
from odd_clips import hostile

from avgzsl_bench.encoders.decoding.clip import decode_clip
from avgzsl_bench.encoders.decoding.request import ClipRequest
from avgzsl_bench.encoders.decoding.unusable import UnusableClip
from avgzsl_bench.encoders.encoder import AudioInput, VisualInput

SMALL = VisualInput(32, 32, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
BOTH = ClipRequest(SMALL, AudioInput(16_000))


@pytest.fixture
def victim(tmp_path: Path) -> Path:
    return write_clip(tmp_path / "victim.ts", Clip(50, codec="libx264", sounds=[Track(tone(2.0), codec="mp2")]))


@pytest.mark.parametrize("kind", hostile(Path("victim.ts")))
@pytest.mark.parametrize("ending", ["mp4", "avi", "mkv", "ts"])
def test_lists_of_other_files_are_refused(tmp_path: Path, victim: Path, kind: str, ending: str) -> None:
    path = tmp_path / f"clip.{ending}"
    path.write_text(hostile(victim)[kind])
    with pytest.raises(UnusableClip) as caught:
        decode_clip(path, BOTH)
    assert caught.value.category == "unreadable"
    assert "\n" not in caught.value.reason
    assert str(victim) not in caught.value.reason


def test_without_the_whitelist_a_list_would_be_followed(tmp_path: Path, victim: Path) -> None:
    """The attack works on FFmpeg as it is: this is what the tests above guard against."""
    path = tmp_path / "clip.mp4"
    path.write_text(hostile(victim)["ffconcat"])
    with av.open(str(path)) as file:
        assert sum(1 for _ in file.decode(video=0)) == 50
