"""Decoded frames of sound become mono sound of one rate."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.encoders.decoding.unusable import UnusableClip

_LONGEST_FRAME = 60
"""Seconds of one frame of sound: more is a rate that cannot be, and would take much memory when resampled."""

_SIXTEEN_BITS = 32768

_PIECE = 16_384
"""Samples that the resampler gives at a time. A frame of sound has about a thousand, and with so few at a time the
steps in Python take longer than decoding and resampling."""


class MonoSound:
    """Resamples sound, and takes the mean over its channels.

    Channels are resampled first, each with the same weight; FFmpeg's own mixing to mono would weigh those of 5.1
    sound differently. Values stay as they are decoded, and may exceed 1.

    Args:
        rate: samples a second.
    """

    def __init__(self, rate: int) -> None:
        self._floats = _Resampler("flt", rate)

    def add(self, frame: av.AudioFrame) -> Iterator[NDArray[np.float32]]:
        """Give what is ready after a frame, float32 `[n]` each.

        Raises:
            UnusableClip: a rate that cannot be.
        """
        return map(_mono, self._floats.add(frame))

    def flush(self) -> Iterator[NDArray[np.float32]]:
        """Give what is left at the end."""
        return map(_mono, self._floats.flush())


class PublishedSound(MonoSound):
    """Resamples sound as the published recipe does: in 16 bits, values beyond 1 cut, and mono before that."""

    def __init__(self, rate: int) -> None:
        super().__init__(rate)
        self._integers = _Resampler("s16", None)

    def add(self, frame: av.AudioFrame) -> Iterator[NDArray[np.float32]]:
        """Give what is ready after a frame, float32 `[n]` each."""
        for integers in self._integers.add(frame):
            yield from super().add(_as_floats(integers))

    def flush(self) -> Iterator[NDArray[np.float32]]:
        """Give what is left at the end."""
        for integers in self._integers.flush():
            yield from super().add(_as_floats(integers))
        yield from super().flush()


class _Resampler:
    """FFmpeg's resampler, which keeps the channels, and is made anew when rate or layout change in mid-stream."""

    def __init__(self, form: str, rate: int | None) -> None:
        self._form, self._rate = form, rate
        self._resampler: av.AudioResampler | None = None
        self._made_for: tuple[object, ...] = ()

    def add(self, frame: av.AudioFrame) -> Iterator[av.AudioFrame]:
        if frame.sample_rate < 1 or frame.samples > _LONGEST_FRAME * frame.sample_rate:
            raise UnusableClip(f"unreadable: sound of {frame.sample_rate} Hz")
        made_for = (frame.sample_rate, frame.layout.name, frame.format.name)
        if made_for != self._made_for:
            yield from self.flush()
            self._made_for = made_for
            rate = self._rate or frame.sample_rate
            self._resampler = av.AudioResampler(self._form, frame.layout, rate, frame_size=_PIECE)
        if self._resampler is not None:
            yield from self._resampler.resample(frame)

    def flush(self) -> Iterator[av.AudioFrame]:
        if self._resampler is not None:
            yield from self._resampler.resample(None)


def _mono(frame: av.AudioFrame) -> NDArray[np.float32]:
    """Take the mean over channels; these come packed, since PyAV reads beyond the planes of 8 of them."""
    packed = frame.to_ndarray().reshape(-1, frame.layout.nb_channels)
    mono: NDArray[np.float32] = packed[:, 0].astype(np.float32)
    for channel in range(1, packed.shape[1]):  # `mean` over so short an axis takes four times as long
        mono += packed[:, channel]
    return mono / np.float32(packed.shape[1])


def _as_floats(integers: av.AudioFrame) -> av.AudioFrame:
    mono = _mono(integers) / np.float32(_SIXTEEN_BITS)
    frame = av.AudioFrame.from_ndarray(mono[None], format="flt", layout="mono")
    frame.sample_rate = integers.sample_rate
    return frame
