"""Large frames and sounds in files: the same numbers as in memory, read one by one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_clips import Clip, Track, tone, write_clip

from avgzsl_bench.encoders.decoding import excerpts, pictures
from avgzsl_bench.encoders.decoding.clip import decode_clip
from avgzsl_bench.encoders.decoding.file_arrays import ArrayWriter, FileArrays
from avgzsl_bench.encoders.decoding.request import ClipRequest
from avgzsl_bench.encoders.encoder import AudioInput, VisualInput
from avgzsl_bench.errors import AvbenchError

SMALL = VisualInput(32, 32, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


def test_arrays_come_back_as_they_were_written(tmp_path: Path) -> None:
    arrays = [np.arange(6, dtype=np.uint8).reshape(2, 3), np.zeros((0, 3), np.uint8), np.ones((1, 2), np.uint8)]
    found = FileArrays.write(tmp_path / "a", arrays)
    assert len(found) == 3
    for _ in range(2):
        for one, expected in zip(found, arrays, strict=True):
            np.testing.assert_array_equal(one, expected)


def test_parts_in_any_order_and_zeros_where_none_is_written(tmp_path: Path) -> None:
    writer = ArrayWriter(tmp_path / "a", np.float32, [(4,), (3,)])
    writer.put(1, 1, np.array([5, 6], np.float32))
    writer.put(0, 2, np.arange(8, dtype=np.float32)[::4])
    assert [one.tolist() for one in writer.finished()] == [[0, 0, 0, 4], [0, 5, 6]]


def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(AvbenchError, match="No such file or directory; choose another folder"):
        ArrayWriter(tmp_path / "none" / "a", np.float32, [(4,)])
    if Path("/dev/full").exists():
        (tmp_path / "full").symlink_to("/dev/full")
        with pytest.raises(AvbenchError, match=r"cannot write .*; choose another folder"):
            FileArrays.write(tmp_path / "full", [np.zeros(100_000, np.float32)])


@pytest.mark.parametrize(
    ("audio", "sequences"),
    [
        (AudioInput(8_000), False),
        (AudioInput(8_000, window=None), False),
        (AudioInput(8_000), True),
        (AudioInput(8_000, step=0.48, step_window=0.975), True),
    ],
)
@pytest.mark.parametrize("seconds", [3, 65])
def test_a_clip_in_files_is_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, audio: AudioInput, sequences: bool, seconds: int
) -> None:
    sound = Track(tone(seconds, rate=8_000), rate=8_000)
    path = write_clip(tmp_path / "a.mkv", Clip(5 * seconds, rate=5, sounds=[sound]))
    request = ClipRequest(SMALL, audio, sequences=sequences)
    expected = decode_clip(path, request)
    small = decode_clip(path, request, tmp_path / "room")
    assert isinstance(small.frames, np.ndarray)
    assert isinstance(small.sound, tuple)
    for module in (excerpts, pictures):
        monkeypatch.setattr(module, "LARGE", 0)
    inputs = decode_clip(path, request, tmp_path / "room")
    assert isinstance(inputs.frames, FileArrays)
    assert isinstance(inputs.sound, FileArrays)
    for found, one in ((inputs.frames, expected.frames), (inputs.sound, expected.sound)):
        assert one is not None
        assert len(found) == len(one)
        for ours, theirs in zip(found, one, strict=True):
            np.testing.assert_array_equal(ours, theirs)
    assert len(list(tmp_path.iterdir())) == 3
    inputs.discard()
    assert list(tmp_path.iterdir()) == [path]
