"""Clips made by PyAV: the grey level of a frame tells its index, and sound is a tone or what a test gives."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

STEP = 4
"""Grey levels between one frame and the next, so that none is mistaken for another after compression."""


@dataclass
class Track:
    """A sound stream: float `[channels, n]`, or `[n]`, at a rate, from a number of seconds on."""

    wave: np.ndarray
    rate: int = 48_000
    codec: str = "flac"
    layout: str = "mono"
    delay: float = 0.0


@dataclass
class Clip:
    """A clip to be made.

    Attributes:
        frames: number of frames; 0: no video stream.
        rate: frames a second.
        size: width and height.
        times: of the frames in milliseconds; None: by the rate.
        sounds: sound streams.
        codec, pixels: of the picture; the codec is without loss, but for H.264.
        rotate: degrees that the file says the picture is to be turned by.
        corner: whether the upper left quarter is white, to tell which side is up.
        videos: video streams, all alike.
        options: of the container, e.g. `{"movflags": "faststart"}`.
    """

    frames: int = 50
    rate: int = 25
    size: tuple[int, int] = (64, 48)
    times: Sequence[int] | None = None
    sounds: Sequence[Track] = ()
    codec: str = "ffv1"
    pixels: str = "yuv420p"
    rotate: int | None = None
    corner: bool = False
    videos: int = 1
    options: dict[str, str] = field(default_factory=dict)


def tone(seconds: float, pitch: float = 440.0, *, rate: int = 48_000, level: float = 0.5) -> np.ndarray:
    """Make a sine, float `[n]`."""
    return level * np.sin(2 * np.pi * pitch * np.arange(round(seconds * rate)) / rate)


def picture(index: int, clip: Clip) -> np.ndarray:
    """Make a frame, uint8 `[h, w, 3]`, whose grey level tells its index, up to 55."""
    width, height = clip.size
    frame = np.full((height, width, 3), 20 + STEP * (index % 56), np.uint8)
    if clip.corner:
        frame[: height // 2, : width // 2] = 255
    return frame


def index_of(frame: np.ndarray) -> int:
    """Tell which frame was taken from its grey level."""
    return round((float(frame.mean()) - 20) / STEP)


def write_clip(path: Path, clip: Clip) -> Path:
    """Write a clip in the format that its ending names."""
    with av.open(str(path), "w", options=clip.options) as file:
        videos = [_add_video(file, clip) for _ in range(clip.videos if clip.frames else 0)]
        tracks = [(file.add_stream(s.codec, rate=s.rate, layout=s.layout), s) for s in clip.sounds]
        for stream in videos:
            for index in range(clip.frames):
                frame = av.VideoFrame.from_ndarray(picture(index, clip), format="rgb24")
                frame = frame.reformat(format=clip.pixels)
                frame.pts = clip.times[index] if clip.times else index
                frame.time_base = stream.codec_context.time_base
                file.mux(stream.encode(frame))
        for stream, track in tracks:
            for frame in audio_frames(stream.codec_context, track):
                file.mux(stream.encode(frame))
        for stream in [*videos, *(stream for stream, _ in tracks)]:
            file.mux(stream.encode(None))
    return path


def _add_video(file: Any, clip: Clip) -> Any:
    stream = file.add_stream(clip.codec, rate=clip.rate)
    stream.width, stream.height = clip.size
    stream.pix_fmt = clip.pixels
    base = Fraction(1, 1000) if clip.times else Fraction(1, clip.rate)
    stream.time_base = stream.codec_context.time_base = base
    if clip.rotate:
        stream.set_display_rotation(clip.rotate)
    return stream


def audio_frames(context: Any, track: Track) -> list[Any]:
    """Cut a wave into the frames that a codec takes."""
    form, size = context.format.name, context.frame_size or 1024
    wave = np.atleast_2d(track.wave).astype(np.float32)
    frames = []
    for start in range(0, wave.shape[1], size):
        piece = wave[:, start : start + size]
        if form.startswith("s"):
            kind = np.int16 if form.startswith("s16") else np.int32
            most = np.iinfo(kind).max
            piece = np.clip(np.round(piece.astype(np.float64) * most), -most - 1, most).astype(kind)
        if not form.endswith("p"):
            piece = piece.T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(piece), format=form, layout=track.layout)
        frame.sample_rate, frame.pts = track.rate, start + round(track.delay * track.rate)
        frame.time_base = Fraction(1, track.rate)
        frames.append(frame)
    return frames


def spoil(source: Path, target: Path, packets: Container[int], *, kind: str = "video") -> Path:
    """Copy a clip, with noise in place of some packets of its video or audio streams, by their numbers."""
    noise = np.random.default_rng(0)
    with av.open(str(source)) as old, av.open(str(target), "w") as new:
        streams = {stream.index: new.add_stream_from_template(stream) for stream in old.streams}
        numbers = dict.fromkeys(streams, 0)
        for packet in old.demux():
            if not packet.size:
                continue
            copy, stream = packet, streams[packet.stream_index]
            if packet.stream.type == kind and numbers[packet.stream_index] in packets:
                copy = av.Packet(noise.bytes(packet.size))
                copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
                copy.duration = packet.duration
            numbers[packet.stream_index] += 1
            copy.stream = stream
            new.mux(copy)
    return target
