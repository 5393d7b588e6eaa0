"""One pass over a file: its packets in, decoded frames out, in one thread."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import av

from avgzsl_bench.encoders.decoding.container import LARGEST_SIDE, Frame, Source, Stream, packets

if TYPE_CHECKING:
    from av.packet import Packet

DELAY = 2
"""Packets of sound that may be left without a frame: decoders need some before the first, or after the last."""

GROWTH = 4
"""How many times the pixels of a frame may become those that the file states."""

USUAL_PIXELS = 4096 * 4096
"""Pixels that a frame may have in any case."""


@dataclass
class PacketCount:
    """Packets of a stream that are to be shown, and how many of them gave nothing.

    Attributes:
        shown: packets that are not to be discarded.
        fruitless: of these without a frame, less the frames that came when there were no more packets.
    """

    shown: int = 0
    fruitless: int = 0

    @property
    def lost(self) -> int:
        """Packets that do not decode."""
        return max(0, self.fruitless - DELAY)


class Track(Protocol):
    """What takes the frames of a stream, in one pass over the file or in several."""

    def begin(self) -> None:
        """Begin a pass."""

    def add(self, frame: Any) -> None:
        """Take the next frame."""

    @property
    def is_past_end(self) -> bool:
        """Whether no further frame is needed in this pass."""

    def finish(self, count: PacketCount) -> bool:
        """End a pass; tell whether another is needed."""


def decoded(
    source: Source, streams: Sequence[Stream], counts: dict[int, PacketCount]
) -> Iterator[tuple[Stream, Frame]]:
    """Decode streams side by side; what does not decode is passed over.

    Args:
        source: an open file.
        streams: of it.
        counts: filled with the count of each stream, by its index.
    """
    by_index = {stream.index: stream for stream in streams}
    for stream in streams:
        _bound(stream)
        counts[stream.index] = PacketCount()
    for packet in packets(source, streams):
        stream, count = by_index[packet.stream_index], counts[packet.stream_index]
        frames = _frames(stream, packet)
        if not packet.is_discard:
            count.shown += 1
            count.fruitless += not frames
        for frame in frames:
            yield stream, frame
    for stream in streams:
        frames = _frames(stream, None)
        counts[stream.index].fruitless -= len(frames)
        for frame in frames:
            yield stream, frame


def _bound(stream: Stream) -> None:
    """Decode in one thread, and frames that become much larger in mid-stream not at all."""
    stream.codec_context.thread_count = 1
    if isinstance(stream, av.VideoStream):
        most = min(max(GROWTH * stream.width * stream.height, USUAL_PIXELS), LARGEST_SIDE**2)
        stream.codec_context.options = {"max_pixels": str(most)}


def _frames(stream: Stream, packet: Packet[Any] | None) -> Sequence[Frame]:
    try:
        return stream.decode(packet)
    except av.FFmpegError:
        return ()
