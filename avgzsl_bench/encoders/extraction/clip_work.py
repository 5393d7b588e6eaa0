"""What worker processes do: each decodes a clip, and puts what is large into files."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from avgzsl_bench.encoders.decoding.clip import FRAMES, SOUND, decode_clip
from avgzsl_bench.encoders.decoding.request import ClipInputs, ClipRequest
from avgzsl_bench.encoders.decoding.unusable import UnusableClip
from avgzsl_bench.encoders.extraction.decoding_pool import DecodingPool, Failed
from avgzsl_bench.system.files import explain_write_errors


@dataclass(frozen=True)
class ClipWork:
    """A clip and what is wanted of it.

    Attributes:
        path: of the file.
        request: what is wanted.
        room: where large frames and sound are put, see `decode_clip`.
    """

    path: Path
    request: ClipRequest
    room: Path


def decode(work: ClipWork) -> ClipInputs | Failed:
    """Decode a clip; one that cannot be used gives the reason.

    Raises:
        AvbenchError: large frames or sound cannot be written.
    """
    try:
        return decode_clip(work.path, work.request, work.room)
    except UnusableClip as unusable:
        return Failed(unusable.reason)


def decoded_clips(
    pool: DecodingPool[ClipWork, ClipInputs | Failed], clips: Iterable[tuple[Path, ClipRequest]], folder: Path
) -> Iterator[ClipInputs | Failed]:
    """Decode clips ahead, and give what comes of them in order.

    Args:
        pool: of worker processes.
        clips: files, and what is wanted of them.
        folder: for large frames and sound. The caller removes them by `ClipInputs.discard`.
    """
    rooms: deque[Path] = deque()

    def works() -> Iterator[ClipWork]:
        for path, request in clips:
            rooms.append(folder / uuid4().hex)
            yield ClipWork(path, request, rooms[-1])

    for decoded in pool.results(works()):
        room = rooms.popleft()
        if isinstance(decoded, Failed):  # whose worker may have been ended while it wrote
            for ending in (FRAMES, SOUND):
                room.with_suffix(ending).unlink(missing_ok=True)
        yield decoded


@contextmanager
def room_for_clips(workspace: Path) -> Iterator[Path]:
    """Make a folder for large frames and sound; one that a killed extraction left is emptied first.

    Raises:
        AvbenchError: it cannot be made.
    """
    room = workspace / "decoded"
    shutil.rmtree(room, ignore_errors=True)
    with explain_write_errors(room):
        room.mkdir(parents=True)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)
        with suppress(OSError):  # it has finished batches
            workspace.rmdir()
