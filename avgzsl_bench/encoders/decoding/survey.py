"""What the packets of a file tell of its picture, before anything is decoded."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from avgzsl_bench.encoders.decoding.container import Source, packets
from avgzsl_bench.encoders.decoding.pixels import check_size
from avgzsl_bench.encoders.decoding.timeline import Timeline


@dataclass(frozen=True)
class PictureSurvey:
    """The picture as its packets have it.

    Attributes:
        timeline: of the frames that the packets promise.
        packets: all of them, those that are to be discarded among them, and the empty ones by which AVI files
            show a frame once more, and which FFmpeg passes over.
        stated: number of frames that the container states; 0 where it does not.
        has_times: whether times of frames mean anything.
        origin: time that the file begins at, in seconds.
    """

    timeline: Timeline
    packets: int
    stated: int
    has_times: bool
    origin: Fraction

    def decoded(self, times: list[int | None]) -> Timeline:
        """Make the timeline of decoded frames from the times that they state."""
        return Timeline.of(
            times if self.has_times else [None] * len(times), self.timeline.tick, self.timeline.rate
        )


def survey_picture(source: Source) -> PictureSurvey:
    """Read the packets of a file's video stream.

    Raises:
        UnusableClip: the file states frames that are too large.
    """
    stream = source.picture
    assert stream is not None
    check_size(stream.width, stream.height)
    count, reached, times = 0, 0, []
    for packet in packets(source, [stream]):
        count += 1
        if not source.has_times and packet.dts is not None:
            reached = packet.dts + 1
        if not packet.is_discard:
            times.append(packet.pts)
    known = sorted(time for time in times if time is not None) if source.has_times else []
    return PictureSurvey(
        timeline=Timeline.of(
            known if len(known) == len(times) else [None] * len(times),
            tick=stream.time_base or Fraction(1),
            rate=stream.average_rate or stream.guessed_rate,
        ),
        packets=max(count, reached),
        stated=stream.frames,
        has_times=source.has_times,
        origin=source.origin,
    )
