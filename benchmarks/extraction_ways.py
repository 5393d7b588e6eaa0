"""An extraction of clips against a plain loop and against its bare work, on one core; and with several workers.

What a command does before the first clip and after the last is not counted with the clips: an extraction of a few
tiny clips with small inputs is measured beside each, and its time taken off. It starts worker processes, which
import PyAV, and writes a store.
"""

from __future__ import annotations

import os
import resource
import statistics
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import numpy as np
import torch
from extraction_clips import FEW, KINDS, REAL, TINY, Files, files_of, made, options_of
from extraction_encoders import register
from naive_extraction import extract_in_a_loop
from pairs import Pairs, compared, seconds

from avgzsl_bench.encoders.clips.clip import Clip
from avgzsl_bench.encoders.decoding.clip import decode_clip
from avgzsl_bench.encoders.decoding.request import ClipRequest
from avgzsl_bench.encoders.encoder import Encoder
from avgzsl_bench.encoders.extraction.batches import batches_of
from avgzsl_bench.encoders.extraction.chosen import choose_encoders, load_encoder
from avgzsl_bench.encoders.extraction.encoding import PORTION, encode_clips
from avgzsl_bench.encoders.extraction.extract import extract
from avgzsl_bench.encoders.extraction.found import found_clips
from avgzsl_bench.encoders.extraction.options import ExtractOptions

FRAMES = 8
REPEATS = 3
SMALL = "small_colour,small_level"
MOST_WORKERS = 4

_RUNS = count()


@dataclass(frozen=True)
class Measured:
    """What was measured on.

    Attributes:
        encoders: of frames and of sound.
        kind: of the clips, `UCF101` or `VGGSound`.
        clips, files, real: how many clips, of how many files, and whether these are of the dataset or made up.
    """

    encoders: str
    kind: str
    clips: int
    files: int
    real: bool


@dataclass(frozen=True)
class OneCore:
    """One worker on the core that everything else has too.

    Attributes:
        on: clips and encoders.
        loop: seconds of the plain loop over those of the extraction.
        overhead: CPU time of the extraction over that of its bare work: decoding and encoding in one process.
        start: seconds that were taken off the extraction.
    """

    on: Measured
    loop: Pairs
    overhead: Pairs
    start: float


@dataclass(frozen=True)
class Workers:
    """Several workers, and one core more than workers.

    Attributes:
        on: clips and encoders.
        cores: that this process may use.
        workers: as many as there are cores for; 1: there are too few.
        gain: seconds with one worker over those with so many; None where that is one.
    """

    on: Measured
    cores: int
    workers: int
    gain: Pairs | None


@dataclass(frozen=True)
class Spent:
    """Seconds by the clock, and of CPU time, that of ended children included."""

    clock: float
    cpu: float

    def __sub__(self, other: Spent) -> Spent:
        return Spent(self.clock - other.clock, self.cpu - other.cpu)


def spent(work: Callable[[], object]) -> Spent:
    before = cpu_time()
    clock = seconds(work)
    return Spent(clock, cpu_time() - before)


def cpu_time() -> float:
    usage = map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in usage)


@dataclass(frozen=True)
class Ways:
    """The same clips in three ways, and a few tiny ones.

    Attributes:
        kind: of the clips.
        options: of the extraction.
        clips: in the order of the store.
        visual, audio: the encoders.
        few: options of the extraction whose time is taken off.
    """

    kind: str
    options: ExtractOptions
    clips: Sequence[Clip]
    visual: Encoder
    audio: Encoder
    few: ExtractOptions

    def loop(self) -> tuple[np.ndarray, np.ndarray]:
        """Vectors of sound and of frames."""
        return extract_in_a_loop((clip.path for clip in self.clips), self.visual, self.audio, frames=FRAMES)

    def extraction(self) -> Path:
        """The path of the store."""
        return extracted(self.options)

    def start(self) -> Path:
        return extracted(self.few)

    def bare(self) -> None:
        """Decode and encode in this process, as many clips at a time."""
        request = ClipRequest(self.visual.visual_input, self.audio.audio_input)
        for portion in batches_of(self.clips, PORTION):
            inputs = [decode_clip(clip.path, request) for clip in portion]
            encode_clips(inputs, self.visual, self.audio, sequences=False)

    def measured(self) -> Measured:
        paths = {clip.path for clip in self.clips}
        real = all(path.is_relative_to(REAL) for path in paths)
        return Measured(self.options.encoders, self.kind, len(self.clips), len(paths), real)


def extracted(options: ExtractOptions) -> Path:
    """Extract into a data folder of its own."""
    return extract(replace(options, root=options.root / str(next(_RUNS)))).path


def ways(place: Path, encoders: str, kind: str, files: Files, number: int) -> Ways:
    """Prepare clips and encoders."""
    register()
    options = options_of(place / "clips", files, number, encoders)
    few = options_of(place / "few", made(TINY, place / "tiny"), FEW, SMALL)
    visual, audio = (load_encoder(spec, {}, torch.device("cpu")).encoder for spec in choose_encoders(encoders))
    return Ways(kind, options, found_clips(options).clips, visual, audio, few)


def one_core(encoders: str, kind: str, number: int) -> OneCore:
    """Measure the three ways on one core and with one thread."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        files = files_of(KINDS[kind], Path(folder) / "made")
        first, them = (
            ways(Path(folder) / name, encoders, kind, files, clips) for name, clips in (("1", FEW), ("2", number))
        )
        compare(first, repeats=1)  # the first time does not count
        return compare(them, repeats=REPEATS)


def compare(them: Ways, *, repeats: int) -> OneCore:
    """Measure the three ways in turn."""
    in_turn = (them.loop, them.start, them.extraction, them.bare)
    rounds = [[spent(work) for work in in_turn] for _ in range(repeats)]
    clips = [(loop, whole - start, bare) for loop, start, whole, bare in rounds]
    return OneCore(
        on=them.measured(),
        loop=compared([(loop.clock, ours.clock) for loop, ours, _ in clips]),
        overhead=compared([(ours.cpu, bare.cpu) for _, ours, bare in clips]),
        start=statistics.median(start.clock for _, start, _, _ in rounds),
    )


def several_workers(encoders: str, kind: str, number: int) -> Workers:
    """Measure one worker and several in turn, on one core more than there are workers.

    Args:
        encoders: of frames and of sound.
        kind: of the clips.
        number: of clips for each worker.
    """
    cores = sorted(os.sched_getaffinity(0))
    workers = max(1, min(MOST_WORKERS, len(cores) - 1))
    os.sched_setaffinity(0, cores[: workers + 1])
    with tempfile.TemporaryDirectory() as folder:
        files = files_of(KINDS[kind], Path(folder) / "made")
        them = ways(Path(folder), encoders, kind, files, number * workers)
        return Workers(them.measured(), len(cores), workers, gain(them, workers) if workers > 1 else None)


def gain(them: Ways, workers: int, repeats: int = REPEATS) -> Pairs:
    """Seconds with one worker over those with several."""

    def taken(number: int) -> float:
        few, clips = (replace(options, workers=number) for options in (them.few, them.options))
        start = seconds(lambda: extracted(few))
        return seconds(lambda: extracted(clips)) - start

    taken(workers)  # the first time does not count
    return compared([(taken(1), taken(workers)) for _ in range(repeats)])
