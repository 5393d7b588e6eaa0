"""Ids of videos in the file of decisions: written, read, and refused where they are hostile."""

from __future__ import annotations

import hashlib
import io
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from make_record import LABELS, make_record

from avgzsl_bench.data.store.table import LONGEST_ID
from avgzsl_bench.errors import RecordError
from avgzsl_bench.records.record import read_decisions
from avgzsl_bench.records.verify import read_verified, verify

if TYPE_CHECKING:
    from pathlib import Path

VIDEOS = len(LABELS)
IDS = [f"v_Überholen_{video:02} 日本" for video in range(VIDEOS)]


def with_columns(path: Path, **more: Any) -> None:
    """Give the decisions of a record more columns, or others, with the hash to match."""
    with np.load(path.with_suffix(".npz")) as archive:
        columns: dict[str, Any] = dict(archive) | more
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **columns)
    path.with_suffix(".npz").write_bytes(buffer.getvalue())
    record = json.loads(path.read_text())
    record["decisions"]["sha256"] = hashlib.sha256(buffer.getvalue()).hexdigest()
    path.write_text(json.dumps(record))


def column_of(ids: list[str]) -> np.ndarray[Any, Any]:
    return np.frombuffer("\n".join(ids).encode(), np.uint8)


def test_ids_come_back_beside_their_decisions(tmp_path: Path) -> None:
    path = make_record(tmp_path, ids=IDS)
    table = read_verified(path).table
    assert table.video_id == tuple(IDS)
    assert table.to_bytes() == path.with_suffix(".npz").read_bytes()
    with np.load(path.with_suffix(".npz"), allow_pickle=False) as archive:
        assert archive["video_id"].dtype == np.uint8


def test_decisions_of_before_have_none(tmp_path: Path) -> None:
    path = make_record(tmp_path)
    assert read_decisions(path, verify(path)).video_id is None
    with np.load(path.with_suffix(".npz")) as archive:
        assert set(archive) == {"label", "best_seen", "best_unseen", "gap"}


def test_the_longest_ids_that_a_store_takes_are_read(tmp_path: Path) -> None:
    ids = [f"{video:02}".ljust(LONGEST_ID, "🎬") for video in range(VIDEOS)]
    assert read_verified(make_record(tmp_path, ids=ids)).table.video_id == tuple(ids)


def changed(video: int, text: str) -> np.ndarray[Any, Any]:
    return column_of([*IDS[:video], text, *IDS[video + 1 :]])


@pytest.mark.parametrize(
    ("column", "message"),
    [
        (column_of(IDS[:-1]), "says 48 videos, and there are 47 video ids"),
        (column_of([*IDS, "one_more"]), "says 48 videos, and there are 49 video ids"),
        (column_of([]), "says 48 videos, and there are 1 video ids"),
        (changed(3, "two\nlines"), "there are 49 video ids"),
        (changed(3, ""), "the id of video 3 is empty"),
        (changed(3, "x" * (LONGEST_ID + 1)), f"the id of video 3 is empty, longer than {LONGEST_ID} characters"),
        *(
            (changed(5, f"a{odd}b"), "the id of video 5 .* not printable")
            for odd in ("\x00", "\x1b[2J", "\r", "\u2028")
        ),
        (changed(5, IDS[4]), "a video id occurs twice"),
        (np.frombuffer(b"\xff" * 100, np.uint8), "the video ids are not UTF-8"),
        (np.frombuffer(b"\xed\xa0\x80", np.uint8), "the video ids are not UTF-8"),
        (column_of(IDS).astype(np.int8), "the video ids are not a column of bytes"),
        (column_of(IDS).reshape(1, -1), "the video ids are not a column of bytes"),
        (np.array(IDS), "the video ids are not a column of bytes"),
        (np.array(IDS, dtype=object), "not a decisions file: Object arrays"),
        (np.zeros(VIDEOS * 1021 + 5000, np.uint8), "not a decisions file: 'video_id.npy' unpacks to"),
    ],
)
def test_ids_that_cannot_be(tmp_path: Path, column: Any, message: str) -> None:
    path = make_record(tmp_path, ids=IDS)
    with_columns(path, video_id=column)
    with pytest.raises(RecordError, match=message) as caught:
        verify(path)
    assert str(caught.value).isprintable()
    assert str(path.with_suffix(".npz")) in str(caught.value)


def test_ids_give_other_columns_no_room(tmp_path: Path) -> None:
    """A file without ids may be no larger than before, and no column may hide in the place of the ids."""
    path = make_record(tmp_path)
    with_columns(path, more=np.zeros(VIDEOS * 1021, np.uint8))
    with pytest.raises(RecordError, match=r"'more\.npy' unpacks to"):
        verify(path)
