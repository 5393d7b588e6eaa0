"""Finished batches on disk: read back as written, and not at all when anything is not as it was."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from avgzsl_bench.encoders.clips.clip import Clip
from avgzsl_bench.encoders.extraction.batch_files import (
    Batch,
    ClipOutcome,
    Source,
    batch_path,
    is_finished,
    read_batch,
    write_batch,
)


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    clips = [Clip(f"v{i}", "Surfing", 0, 1, tmp_path / f"clip {i}.avi", f"clip {i}.avi") for i in range(3)]
    for clip in clips:
        clip.path.write_bytes(b"clip")
    return clips


@pytest.fixture
def batch(clips: list[Clip]) -> Batch:
    random = np.random.default_rng(0)
    return Batch(
        sources=tuple(map(Source.of, clips)),
        outcomes=(
            ClipOutcome("", ("silent",), 1, 2),
            ClipOutcome("unreadable: Invalid data", (), 0, 0),
            ClipOutcome("", (), 1, 1),
        ),
        audio=random.normal(size=(2, 5)).astype(np.float32),
        visual=random.normal(size=(3, 4)).astype(np.float32),
        seconds={"decoding": 1.5},
    )


def test_a_batch_is_read_as_it_was_written(tmp_path: Path, batch: Batch) -> None:
    path = batch_path(tmp_path, 7)
    write_batch(path, batch)
    assert is_finished(path, batch.sources)
    found = read_batch(path, batch.sources)
    assert found is not None
    assert (found.sources, found.outcomes, found.seconds) == (batch.sources, batch.outcomes, batch.seconds)
    assert np.array_equal(found.audio, batch.audio)
    assert np.array_equal(found.visual, batch.visual)
    assert os.listdir(tmp_path).count(path.name) == 1


def test_a_changed_clip_makes_a_batch_worthless(tmp_path: Path, batch: Batch, clips: list[Clip]) -> None:
    path = batch_path(tmp_path, 0)
    write_batch(path, batch)
    clips[1].path.write_bytes(b"another clip")
    assert read_batch(path, tuple(map(Source.of, clips))) is None
    assert not is_finished(path, tuple(map(Source.of, clips)))
    clips[1].path.unlink()
    assert Source.of(clips[1]).size == -1


@pytest.mark.parametrize("damage", [b"", b"PK\x03\x04 cut", b"no zip at all"])
def test_a_damaged_batch_is_none(tmp_path: Path, batch: Batch, damage: bytes) -> None:
    path = batch_path(tmp_path, 0)
    assert read_batch(path, batch.sources) is None
    path.write_bytes(damage)
    assert read_batch(path, batch.sources) is None
    assert not is_finished(path, batch.sources)


def test_a_batch_cut_short_is_none(tmp_path: Path, batch: Batch) -> None:
    path = batch_path(tmp_path, 0)
    write_batch(path, batch)
    whole = path.read_bytes()
    for length in range(0, len(whole), 97):
        path.write_bytes(whole[:length])
        assert read_batch(path, batch.sources) is None


def test_outcomes_and_vectors_have_to_fit(tmp_path: Path, batch: Batch) -> None:
    path = batch_path(tmp_path, 0)
    write_batch(path, Batch(batch.sources, batch.outcomes, batch.audio[:1], batch.visual, {}))
    assert read_batch(path, batch.sources) is None
