"""Files of foreign origin, opened so that they cannot make FFmpeg open others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import av
from av.container import InputContainer
from av.stream import Disposition

from avgzsl_bench.encoders.decoding.unusable import UnusableClip
from avgzsl_bench.errors import one_line

FORMATS = "avi,mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,flv,asf,ogg,wav"
"""What may be read. Play lists (`ffconcat`, `hls`) are not in it: FFmpeg would open the other files they name."""

LARGEST_SIDE = 8192
"""Pixels of a frame; a clip with a larger one is left out."""

_OPTIONS = {"format_whitelist": FORMATS, "protocol_whitelist": "file"}
"""Of the container alone: with `options`, which go to its streams too, PyAV up to 17 frees memory that is not its
own when a stream appears while the file is opened, as in MPEG."""

Stream = av.VideoStream | av.AudioStream
Frame = av.VideoFrame | av.AudioFrame

if TYPE_CHECKING:
    from av.packet import Packet

S = TypeVar("S", av.VideoStream, av.AudioStream)


@dataclass
class Source:
    """An open file with the streams that are read of it.

    Attributes:
        container: the file.
        picture: its first video stream that is no cover picture.
        sound: its first sound stream.
        notes: of further streams.
    """

    container: InputContainer
    picture: av.VideoStream | None = None
    sound: av.AudioStream | None = None
    notes: list[str] = field(default_factory=list)

    @property
    def origin(self) -> Fraction:
        """Time that the file begins at, in seconds."""
        return Fraction(self.container.start_time or 0, av.time_base)

    @property
    def has_times(self) -> bool:
        """Whether the times of frames mean anything; those of AVI files with packed B-frames go back and forth."""
        return self.container.format.name != "avi"


@contextmanager
def opened(path: Path, *, picture: bool, sound: bool) -> Iterator[Source]:
    """Open a file and find the streams that are wanted of it.

    Raises:
        UnusableClip: the file cannot be read, or has no such stream.
    """
    try:
        if not path.is_file():
            raise UnusableClip("unreadable: not a file")
        container = av.open(str(path.absolute()), container_options=_OPTIONS, metadata_errors="replace")
    except (av.FFmpegError, OSError) as error:
        raise UnusableClip(f"unreadable: {ffmpeg_words(error)}") from error
    with container:
        source = Source(container)
        if picture:
            source.picture = _first(container.streams.video, "video", source.notes)
        if sound:
            source.sound = _first(container.streams.audio, "sound", source.notes)
        yield source


def _first(streams: Sequence[S], kind: str, notes: list[str]) -> S:
    """Take the first stream that is no cover picture, and note that there are others."""
    real = [stream for stream in streams if not stream.disposition & Disposition.attached_pic]
    if not real:
        raise UnusableClip(f"no {kind} stream")
    if len(real) > 1:
        notes.append(f"{len(real)} {kind} streams, the first was taken")
    if real[0].codec_context is None:
        raise UnusableClip(f"no {'frame' if kind == 'video' else 'sample'}: no decoder for the {kind} stream")
    return real[0]


def packets(source: Source, streams: Sequence[Stream]) -> Iterator[Packet[Any]]:
    """Give the packets of streams that hold data; a file that cannot be read on ends there."""
    try:
        for packet in _all_packets(source.container, streams):
            if packet.size:
                yield packet
    except av.FFmpegError as error:
        source.notes.append(f"cannot be read to its end: {ffmpeg_words(error)}")


def _all_packets(container: InputContainer, streams: Sequence[Stream]) -> Iterator[Packet[Any]]:
    """Read on where PyAV meets a packet of a stream that appeared after the beginning of the file."""
    while True:
        try:
            yield from container.demux(*streams)
            return
        except IndexError:
            continue


def ffmpeg_words(error: Exception) -> str:
    """Give what FFmpeg says of an error, in one line, without the name of the file."""
    return one_line(getattr(error, "strerror", None) or str(error), 200) or type(error).__name__
