"""From a file to what encoders are given."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import av

from avgzsl_bench.encoders.decoding.container import ffmpeg_words, opened
from avgzsl_bench.encoders.decoding.decoder import PacketCount, Track, decoded
from avgzsl_bench.encoders.decoding.pictures import Pictures
from avgzsl_bench.encoders.decoding.request import ClipInputs, ClipRequest
from avgzsl_bench.encoders.decoding.sound import Sound
from avgzsl_bench.encoders.decoding.survey import survey_picture
from avgzsl_bench.encoders.decoding.unusable import UnusableClip

FRAMES, SOUND = ".frames", ".sound"
"""Endings of the files of what is large."""

LENGTHS_DIFFER = 1
"""Seconds between the lengths of sound and picture, above which it is noted."""


def decode_clip(path: Path, request: ClipRequest, room: Path | None = None) -> ClipInputs:
    """Decode a clip, in one thread and with bounded memory.

    Packets are counted first; a second pass decodes frames and sound side by side. A third is made where the
    decoded frames are not those that the packets promise, and for sound of more than a minute.

    Args:
        path: the file.
        request: what is wanted of it.
        room: of files for frames and sound that are large, less their endings; None: all is kept in memory.

    Raises:
        UnusableClip: the clip is to be left out; the message is the reason.
        AvbenchError: a file of frames or of sound cannot be written.
    """
    try:
        return _Clip(path, request, room).inputs()
    except av.FFmpegError as error:
        raise UnusableClip(f"unreadable: {ffmpeg_words(error)}") from error


class _Clip:
    """The passes over the file of a clip."""

    def __init__(self, path: Path, request: ClipRequest, room: Path | None) -> None:
        self._path, self._notes = path, list[str]()
        self._frames_file = None if room is None else room.with_suffix(FRAMES)
        sound_file = None if room is None else room.with_suffix(SOUND)
        self._pictures: Pictures | None = None
        self._sound: Sound | None = None
        with opened(path, picture=request.visual is not None, sound=request.audio is not None) as source:
            if request.visual is not None:
                self._pictures = Pictures(survey_picture(source), request, request.visual)
            if request.audio is not None:
                self._sound = Sound(request, request.audio, source.origin, sound_file)
            self._notes += source.notes

    def inputs(self) -> ClipInputs:
        """Make the passes, and put together what came of them."""
        pictures, sound = self._pictures, self._sound
        unfinished = self._pass([track for track in (pictures, sound) if track is not None])
        if unfinished and self._pass(unfinished):
            raise UnusableClip("damaged: decoding it again gives other frames")
        notes = [*self._notes, *(pictures.notes if pictures else ()), *(sound.notes if sound else ())]
        lengths = [float(track.seconds) for track in (pictures, sound) if track is not None]
        if abs(lengths[0] - lengths[-1]) > LENGTHS_DIFFER:
            notes.append(f"picture of {lengths[0]:.1f} s, sound of {lengths[1]:.1f} s")
        return ClipInputs(
            frames=pictures.frames(self._frames_file) if pictures else None,
            sound=sound.windows() if sound else None,
            is_zero_picture=pictures is not None and pictures.is_zero_picture,
            frame_count=pictures.timeline.count if pictures else 0,
            seconds=lengths[0],
            notes=tuple(dict.fromkeys(notes)),
        )

    def _pass(self, tracks: Sequence[Track]) -> list[Track]:
        """Decode the file for some tracks; give those that need another pass."""
        with opened(self._path, picture=self._pictures in tracks, sound=self._sound in tracks) as source:
            streams = [stream for stream in (source.picture, source.sound) if stream is not None]
            by_index = {stream.index: track for stream, track in zip(streams, tracks, strict=True)}
            counts: dict[int, PacketCount] = {}
            for track in tracks:
                track.begin()
            for stream, frame in decoded(source, streams, counts):
                by_index[stream.index].add(frame)
                if all(track.is_past_end for track in tracks):
                    break
            self._notes += source.notes
            return [track for index, track in by_index.items() if track.finish(counts[index])]
