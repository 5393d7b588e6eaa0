"""The clips that extraction is measured on: real ones where they lie beside the project, else made-up ones."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import cycle, islice
from pathlib import Path

import av
import numpy as np

from avgzsl_bench.encoders.extraction.options import ExtractOptions

REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "clips"

CLASSES = {"rain": "train", "music": "val_unseen", "wind": "test_unseen"}
PLACES = (
    ("rain", "stage1_train"),
    ("rain", "stage1_val_seen"),
    ("rain", "stage2_test_seen"),
    ("music", "stage1_val_unseen"),
    ("wind", "stage2_test_unseen"),
)
"""Class and partition of videos, in turn; a dataset has to have all of these."""

FEW = len(PLACES)


@dataclass(frozen=True)
class Kind:
    """How the clips of a dataset are: what is made up, where real ones are not at hand, is like them.

    Attributes:
        folder: of the real clips.
        size: width and height.
        rate: frames a second.
        seconds: lengths of the clips that are made.
        ending, picture, sound: container and codecs.
        bits: of the picture a second.
    """

    folder: str
    size: tuple[int, int]
    rate: int
    seconds: tuple[float, ...]
    ending: str
    picture: str
    sound: str
    bits: int


KINDS = {
    "UCF101": Kind("ucf", (320, 240), 25, (2.0, 3.0, 5.0, 6.0), ".avi", "mpeg4", "libmp3lame", 400_000),
    "VGGSound": Kind("vggsound", (480, 360), 30, (10.0, 10.0), ".mp4", "libx264", "aac", 700_000),
}
TINY = Kind("", (32, 32), 25, (0.2,), ".avi", "mpeg4", "pcm_s16le", 50_000)


@dataclass(frozen=True)
class Files:
    """Clips in a folder.

    Attributes:
        folder: of all of them.
        names: below it.
        real: whether they are of the dataset, or made up.
    """

    folder: Path
    names: tuple[str, ...]
    real: bool


def files_of(kind: Kind, place: Path) -> Files:
    """The real clips of the usual height, or made-up ones in a folder."""
    real = [path for path in sorted((REAL / kind.folder).glob("*")) if height(path) == kind.size[1]]
    if real:
        return Files(REAL, tuple(str(path.relative_to(REAL)) for path in real), real=True)
    return made(kind, place)


def height(path: Path) -> int:
    with av.open(str(path)) as container:
        return container.streams.video[0].height


def made(kind: Kind, place: Path) -> Files:
    """Make one clip of each length."""
    place.mkdir(parents=True, exist_ok=True)
    names = [f"clip_{i}{kind.ending}" for i in range(len(kind.seconds))]
    for name, seconds in zip(names, kind.seconds, strict=True):
        make_clip(place / name, kind, seconds)
    return Files(place, tuple(names), real=False)


def make_clip(path: Path, kind: Kind, seconds: float, *, sound_rate: int = 44_100) -> Path:
    """A picture that moves over a textured ground, and two tones with noise."""
    with av.open(str(path), "w") as file:
        video = file.add_stream(kind.picture, rate=kind.rate)
        video.width, video.height = kind.size
        video.pix_fmt, video.bit_rate = "yuv420p", kind.bits
        audio = file.add_stream(kind.sound, rate=sound_rate, layout="stereo")
        for picture in pictures(kind, round(seconds * kind.rate)):
            file.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        for frame in sounds(audio.codec_context, round(seconds * sound_rate)):
            file.mux(audio.encode(frame))
        for stream in (video, audio):
            file.mux(stream.encode(None))
    return path


def pictures(kind: Kind, count: int) -> Iterator[np.ndarray]:
    """Blocks of random colours that slide, with a little noise."""
    random, (width, height) = np.random.default_rng(0), kind.size
    ground = random.integers(0, 256, (-(-height // 16), -(-width // 16), 3), np.uint8)
    ground = ground.repeat(16, axis=0).repeat(16, axis=1)[:height, :width]
    for index in range(count):
        noise = random.integers(0, 12, ground.shape, np.uint8)
        yield np.roll(ground, 2 * index, axis=1) // 2 + noise


def sounds(context: av.AudioCodecContext, count: int) -> Iterator[av.AudioFrame]:
    """A tone in each channel, with noise, in frames of the size that the codec takes."""
    random = np.random.default_rng(0)
    times = np.arange(count) / context.sample_rate
    wave = 0.3 * np.sin(2 * np.pi * np.array([[330.0], [440.0]]) * times) + 0.02 * random.standard_normal(count)
    packed = (wave.T * 32767).astype(np.int16)
    resampler = av.AudioResampler(context.format, context.layout, context.sample_rate, context.frame_size or 1024)
    for start in range(0, count, 1024):
        frame = av.AudioFrame.from_ndarray(packed[start : start + 1024].reshape(1, -1), "s16", "stereo")
        frame.sample_rate, frame.pts = context.sample_rate, start
        frame.time_base = Fraction(1, context.sample_rate)
        yield from resampler.resample(frame)
    yield from resampler.resample(None)


def options_of(place: Path, files: Files, number: int, encoders: str, **more: object) -> ExtractOptions:
    """An extraction of a number of clips with one worker; a file is several clips if there are not as many.

    Args:
        place: for the tables and the data folder.
        files: the clips.
        number: `FEW` or more.
        encoders: of frames and of sound.
        more: of the options.
    """
    place.mkdir(parents=True, exist_ok=True)
    write_tables(place, list(islice(cycle(files.names), number)))
    given: dict[str, object] = {"workers": 1, "device": "cpu", "text": ("letters",), "root": place / "data"}
    return ExtractOptions(
        dataset="measured",
        folder=files.folder,
        encoders=encoders,
        table=place / "videos.csv",
        classes=place / "classes.csv",
        **{**given, **more},  # type: ignore[arg-type]
    )


def write_tables(place: Path, names: Sequence[str]) -> None:
    """Which file is which video, and the classes."""
    rows = [(f"v{i:06d}", name, *PLACES[i % FEW]) for i, name in enumerate(names)]
    write_csv(place / "videos.csv", ("video", "path", "class", "partition"), rows)
    write_csv(place / "classes.csv", ("name", "readable", "all"), [(n, n, role) for n, role in CLASSES.items()])


def write_csv(path: Path, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([columns, *rows])
