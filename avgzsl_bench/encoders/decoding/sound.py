"""The sound of a clip: its samples are counted while it is decoded, and windows of it kept."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.encoders.decoding.damage import sound_loss
from avgzsl_bench.encoders.decoding.decoder import PacketCount
from avgzsl_bench.encoders.decoding.excerpts import Excerpts
from avgzsl_bench.encoders.decoding.request import ClipRequest, WindowsOfSound
from avgzsl_bench.encoders.decoding.resampling import MonoSound, PublishedSound
from avgzsl_bench.encoders.decoding.unusable import UnusableClip
from avgzsl_bench.encoders.decoding.windows import clip_windows, middle_window, step_windows
from avgzsl_bench.encoders.encoder import AudioInput

SHORTEST = Fraction(1, 10)
"""Seconds: a clip with less sound is left out."""

KEPT = 60
"""Seconds of sound that are kept while it is not known how long it is; longer sound is decoded a second time."""

OVERLAP = 1
"""Seconds that sound may be longer than the longest clip, since its last packet is filled up."""


class Sound:
    """The sound of a clip, given frame by frame.

    Which windows are wanted depends on the number of samples. Sound up to a minute long is kept until that is
    known; of longer sound another pass over the file takes the windows, so that no more than these is kept.

    Args:
        request: what is wanted.
        audio: rate and windows.
        origin: time that the file begins at, in seconds.
        file: for windows that are large; None: they are kept in memory.
    """

    def __init__(self, request: ClipRequest, audio: AudioInput, origin: Fraction, file: Path | None) -> None:
        self._request, self._audio, self._origin, self._file = request, audio, origin, file
        self._end: int | None = None
        if request.last_second is not None:
            self._end = round((request.last_second - request.first_second) * audio.rate)
        self.notes: list[str] = []
        self.seconds = Fraction(0)
        self._excerpts: Excerpts | None = None
        self.begin()

    def begin(self) -> None:
        """Begin a pass over the file."""
        self._mono = (PublishedSound if self._request.published else MonoSound)(self._audio.rate)
        self._position: int | None = None
        self._lead = self._taken = 0
        self._peak = 0.0
        self._kept: list[NDArray[np.float32]] = []

    def add(self, frame: av.AudioFrame) -> None:
        """Take the next frame.

        Raises:
            UnusableClip: too long, or a rate that cannot be.
        """
        if self._position is None:
            self._position = self._first_position(frame)
            self._lead = max(0, self._position) if self._request.sequences else 0
        for piece in self._mono.add(frame):
            self._take(piece)

    @property
    def is_past_end(self) -> bool:
        """Whether all sound of the stretch that is asked for has been given."""
        return self._position is not None and self._end is not None and self._position >= self._end

    def finish(self, count: PacketCount) -> bool:
        """End a pass; tell whether another is needed.

        Args:
            count: of the packets in this pass.

        Raises:
            UnusableClip: no sample, too few of them, or sound that is damaged or too long.
            AvbenchError: the file of windows cannot be written.
        """
        for piece in self._mono.flush():
            self._take(piece)
        if self._excerpts is not None:
            return False
        if not self._taken:
            raise UnusableClip("no sample")
        self.notes = sound_loss(count.lost, count.shown).notes(accept=self._request.accept_damaged)
        self.seconds = Fraction(self._taken, self._audio.rate)
        if self.seconds < SHORTEST:
            raise UnusableClip(f"too short: {float(self.seconds):.2f} s")
        if not np.isfinite(self._peak):
            raise UnusableClip("damaged: samples that are no numbers")
        if not self._peak:
            self.notes.append("silent")
        self._excerpts = Excerpts(self._windows(self._lead + self._taken), self._lead, self._file)
        for piece in self._kept:
            self._excerpts.add(piece)
        return not self._kept

    def windows(self) -> WindowsOfSound:
        """Give the windows, float32 `[L]` each, after a pass that needs no other."""
        assert self._excerpts is not None
        return self._excerpts.arrays()

    def _first_position(self, frame: av.AudioFrame) -> int:
        """Give the sample of the clip that the first one of the file is, below 0 if it comes before."""
        if not self._request.is_stretch and not self._request.sequences:
            return 0
        begins = Fraction(0)
        if frame.pts is not None and frame.time_base is not None:
            begins = frame.pts * frame.time_base - self._origin
        if not self._request.is_stretch:
            begins = max(begins, Fraction(0))
        return round((begins - self._request.first_second) * self._audio.rate)

    def _take(self, piece: NDArray[np.float32]) -> None:
        """Take the next samples of the file, as far as they belong to the clip."""
        position = self._position or 0
        self._position = position + len(piece)
        last = len(piece) if self._end is None else max(0, self._end - position)
        piece = piece[max(0, -position) : last]
        if not len(piece):
            return
        if self._excerpts is not None:
            self._excerpts.add(piece)
            return
        self._taken += len(piece)
        if self._lead + self._taken > (self._request.longest + OVERLAP) * self._audio.rate:
            raise UnusableClip(f"too long: more than {self._request.longest:g} s of sound")
        self._peak = float(np.maximum(self._peak, np.abs(piece).max()))
        if self._taken <= KEPT * self._audio.rate:
            self._kept.append(piece)
        else:
            self._kept.clear()

    def _windows(self, length: int) -> list[range]:
        """Choose among the samples of the clip."""
        audio = self._audio
        if self._request.sequences:
            return step_windows(length, round(audio.step * audio.rate), round(audio.step_window * audio.rate))
        if audio.window is None:
            return [range(length)]
        size = round(audio.window * audio.rate)
        return [middle_window(length, size)] if self._request.published else clip_windows(length, size)
