"""From video files to vectors, one video after another, with those to come decoded ahead."""

from __future__ import annotations

import tempfile
from collections.abc import Generator, Sequence
from pathlib import Path

from avgzsl_bench.encoders.decoding.request import ClipInputs, ClipRequest
from avgzsl_bench.encoders.extraction.clip_encoders import ClipEncoders
from avgzsl_bench.encoders.extraction.clip_work import decode, decoded_clips
from avgzsl_bench.encoders.extraction.decoding_pool import Failed, decoding_pool
from avgzsl_bench.encoders.videos.video import EncodedVideo, UnusableVideo
from avgzsl_bench.system.files import explain_write_errors

_SECONDS = 300.0
"""For decoding a video."""


def encode_videos(
    videos: Sequence[Path | UnusableVideo], encoders: ClipEncoders, request: ClipRequest, *, workers: int
) -> Generator[EncodedVideo | UnusableVideo]:
    """Encode videos as an extraction does.

    Each is encoded by itself, so that its vectors do not depend on which others are there.

    Args:
        videos: files, and those that are known to be of no use, which are handed on.
        encoders: of frames and sound.
        request: what is decoded of a video, as `encoders.request` gives it.
        workers: processes that decode, at most.

    Yields:
        The vectors of each video, or the reason why there are none, in order. Close the generator to end the
        processes early.

    Raises:
        PluginError: an encoder gives vectors of another width than its spec states.
        AvbenchError: the disk is full.
    """
    paths = [video for video in videos if isinstance(video, Path)]
    if not paths:
        yield from (video for video in videos if isinstance(video, UnusableVideo))
        return
    workers = min(workers, len(paths))
    with explain_write_errors("to the folder of temporary files"):
        room = tempfile.TemporaryDirectory(prefix="avbench-predict-", ignore_cleanup_errors=True)
    pool = decoding_pool(decode, workers=workers, ahead=2 * workers, timeout=_SECONDS)
    with room as folder, pool as running:
        decoded = decoded_clips(running, ((path, request) for path in paths), Path(folder))
        for video in videos:
            yield video if isinstance(video, UnusableVideo) else _encoded(video, next(decoded), encoders)


def _encoded(path: Path, decoded: ClipInputs | Failed, encoders: ClipEncoders) -> EncodedVideo | UnusableVideo:
    encoded = encoders.encode([decoded])
    (outcome,) = encoded.outcomes
    if outcome.reason or isinstance(decoded, Failed):
        return UnusableVideo(str(path), outcome.reason)
    return EncodedVideo(
        str(path),
        None if encoders.audio is None else encoded.audio,
        None if encoders.visual is None else encoded.visual,
        encoders.step_seconds,
        decoded.seconds,
        outcome.notes,
    )
