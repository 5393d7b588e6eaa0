"""What a worker process does: decode one clip."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from avgzsl_bench.encoders.decoding.clip import decode_clip
from avgzsl_bench.encoders.decoding.request import ClipInputs, ClipRequest
from avgzsl_bench.encoders.decoding.unusable import UnusableClip
from avgzsl_bench.encoders.extraction.decoding_pool import Failed


@dataclass(frozen=True)
class ClipWork:
    """A clip and what is wanted of it."""

    path: Path
    request: ClipRequest


def decode(work: ClipWork) -> ClipInputs | Failed:
    """Decode a clip; one that cannot be used gives the reason."""
    try:
        return decode_clip(work.path, work.request)
    except UnusableClip as unusable:
        return Failed(unusable.reason)
