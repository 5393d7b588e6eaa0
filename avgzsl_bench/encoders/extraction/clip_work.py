"""What worker processes do: each decodes a clip, and puts what is large into files."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from avgzsl_bench.encoders.decoding.clip import FRAMES, SOUND, decode_clip
from avgzsl_bench.encoders.decoding.request import ClipInputs, ClipRequest
from avgzsl_bench.encoders.decoding.unusable import UnusableClip
from avgzsl_bench.encoders.extraction.decoding_pool import DecodingPool, Failed


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
