"""Fixed batches of clips, decoded ahead and encoded one after another; finished ones are kept on disk."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from avgzsl_bench.encoders.clips.clip import Clip
from avgzsl_bench.encoders.decoding.request import ClipInputs
from avgzsl_bench.encoders.extraction.batch_files import (
    Batch,
    Source,
    batch_path,
    is_finished,
    read_batch,
    write_batch,
)
from avgzsl_bench.encoders.extraction.decoding_pool import Failed
from avgzsl_bench.encoders.extraction.encoding import PORTION, Encoded, joined
from avgzsl_bench.errors import DataError

FIRST = 50
"""Clips after which an extraction that leaves out more than half of them for one reason is given up."""

Decode = Callable[[Iterator[Clip]], Iterator[ClipInputs | Failed]]
Encode = Callable[[Sequence[ClipInputs | Failed]], Encoded]


@dataclass(frozen=True)
class Progress:
    """How far an extraction is.

    Attributes:
        done, total: clips.
        left_out: of those that are done.
        rate: clips a second in this process; 0 as long as none was worked on.
        seconds_left: at that rate; None where it is not known.
        decoding: share of the time that was spent on waiting for decoded clips, from 0 to 1.
    """

    done: int
    total: int
    left_out: int
    rate: float
    seconds_left: float | None
    decoding: float


def batches_of(clips: Sequence[Clip], size: int) -> list[Sequence[Clip]]:
    """Cut the clips into batches, which depend on nothing but the list."""
    return [clips[start : start + size] for start in range(0, len(clips), size)]


def run_batches(
    batches: Sequence[Sequence[Clip]],
    folder: Path,
    decode: Decode,
    encode: Encode,
    report: Callable[[Progress], None] = lambda progress: None,
) -> Iterator[Batch]:
    """Give every batch in order: from disk if it was finished before, else made now and written.

    Args:
        batches: of clips.
        folder: of the finished batches.
        decode: gives the decoded clips in order; it may work ahead.
        encode: gives the vectors of a portion of a batch.
        report: called after each batch.

    Raises:
        DataError: more than half of the first clips are left out for the same reason.
        AvbenchError: the folder cannot be written to, or the disk is full.
    """
    sources = [tuple(map(Source.of, batch)) for batch in batches]
    finished = [is_finished(batch_path(folder, n), found) for n, found in enumerate(sources)]
    waiting = (clip for batch, done in zip(batches, finished, strict=True) if not done for clip in batch)
    decoded = decode(waiting)
    count = _Count(sum(map(len, batches)))
    for number, clips in enumerate(batches):
        path, begun = batch_path(folder, number), time.monotonic()
        kept = read_batch(path, sources[number]) if finished[number] else None
        if kept is None:
            # One that was finished a moment ago and cannot be read now is not among those decoded ahead.
            inputs = decode(iter(clips)) if finished[number] else decoded
            encoded, waited = _encoded(inputs, len(clips), encode)
            taken = time.monotonic() - begun
            seconds = {"decoding": waited, "encoding": taken - waited}
            kept = Batch(sources[number], tuple(encoded.outcomes), encoded.audio, encoded.visual, seconds)
            write_batch(path, kept)
            count.worked(len(clips), taken, waited)
        count.add(kept)
        report(count.progress())
        yield kept


def _encoded(decoded: Iterator[ClipInputs | Failed], number: int, encode: Encode) -> tuple[Encoded, float]:
    """Encode the next clips in portions, so that memory does not grow with their number.

    Returns:
        The outcome, and the seconds that were spent on waiting for decoded clips.
    """
    parts, waited = [], 0.0
    for start in range(0, number, PORTION):
        begun = time.monotonic()
        portion = list(islice(decoded, min(PORTION, number - start)))
        waited += time.monotonic() - begun
        parts.append(encode(portion))
        del portion
    return joined(parts), waited


class _Count:
    """Counts clips and time."""

    def __init__(self, total: int) -> None:
        self._total, self._done, self._worked = total, 0, 0
        self._seconds, self._waited = 0.0, 0.0
        self._reasons: Counter[str] = Counter()

    def worked(self, clips: int, seconds: float, waited: float) -> None:
        self._worked += clips
        self._seconds += seconds
        self._waited += waited

    def add(self, batch: Batch) -> None:
        """Count a batch; give up where the first ones show that something is wrong with all."""
        before, self._done = self._done, self._done + len(batch.outcomes)
        self._reasons.update(o.reason.partition(":")[0] for o in batch.outcomes if o.reason)
        if before < FIRST <= self._done and self._reasons:
            ((reason, count),) = self._reasons.most_common(1)
            if 2 * count > self._done:
                example = next(o.reason for o in batch.outcomes if o.reason.startswith(reason))
                raise DataError(
                    f"{count} of the first {self._done} clips are left out for the same reason, {example!r}; "
                    "nothing more is tried"
                )

    def progress(self) -> Progress:
        rate = self._worked / self._seconds if self._seconds else 0.0
        left = (self._total - self._done) / rate if rate else None
        decoding = self._waited / self._seconds if self._seconds else 0.0
        return Progress(self._done, self._total, sum(self._reasons.values()), rate, left, decoding)
