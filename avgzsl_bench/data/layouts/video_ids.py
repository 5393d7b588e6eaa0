"""Video ids of the published files, brought to one form."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from avgzsl_bench.data.store.table import LONGEST_ID
from avgzsl_bench.errors import DataError


def video_ids(raw: Iterable[object], path: Path) -> list[str]:
    """Convert ids to text, from text, bytes, or text that shows bytes (`"b'...'"`, as some code leaves it).

    Raises:
        DataError: an id in the file `path` that is neither, is empty, holds control characters, or occurs twice.
    """
    ids: dict[str, None] = {}
    for item in raw:
        video = _video_id(item)
        if video is None:
            raise DataError(f"{path}: video {len(ids)} has no proper id")
        if video in ids:
            raise DataError(f"{path}: video {video[:60]!r} occurs twice")
        ids[video] = None
    return list(ids)


def _video_id(item: object) -> str | None:
    if isinstance(item, bytes):
        try:
            item = item.decode()
        except UnicodeDecodeError:
            return None
    if not isinstance(item, str):
        return None
    text = str(item)
    if len(text) > 3 and text[:2] in ("b'", 'b"') and text[-1] == text[1]:
        text = text[2:-1]
    return text if 0 < len(text) <= LONGEST_ID and text.isprintable() else None
