"""The real clips beside the project, decoded whole and simply, independently of the package."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
from PIL import Image


def clip(shared: Path, name: str) -> Path:
    """The path of a clip by the name of its file."""
    (path,) = (shared / "data" / "clips").rglob(name)
    return path


def frames(path: Path) -> tuple[list[np.ndarray], int]:
    """Every frame in RGB, uint8 `[h, w, 3]`, turned as the file says, and the number of frames that it states."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        decoded = [
            np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90) % 4)
            for packet in container.demux(stream)
            for frame in decode(packet)
        ]
        return decoded, stream.frames


def decode(packet: av.Packet) -> list[av.VideoFrame]:
    try:
        return list(packet.decode())
    except av.FFmpegError:
        return []


def sound(path: Path, rate: int) -> np.ndarray:
    """All samples at a rate, the mean over channels: float32 `[L]`."""
    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        resampler = av.AudioResampler(format="fltp", layout=stream.layout, rate=rate)
        packets = (frame for packet in container.demux(stream) for frame in decode(packet))
        parts = [part for frame in packets for part in resampler.resample(frame)] + resampler.resample(None)
        return np.concatenate([part.to_ndarray().mean(axis=0) for part in parts]).astype(np.float32)


def middle(samples: np.ndarray, window: int) -> np.ndarray:
    """The middle window of a sound that is longer."""
    start = max(0, (len(samples) - window) // 2)
    return samples[start : start + window]


def scaled_and_cut(frame: np.ndarray, side: int = 224) -> np.ndarray:
    """A frame with its short side scaled to a length, and the square in its middle."""
    height, width = frame.shape[:2]
    short = min(height, width)
    size = [int(side * length / short) for length in (width, height)]
    scaled = np.asarray(Image.fromarray(frame).resize(size, Image.Resampling.BICUBIC))
    left, top = (round((length - side) / 2) for length in size)
    return scaled[top : top + side, left : left + side]
