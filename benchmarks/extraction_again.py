"""Where there is no work left: a second run of a finished extraction, and a look at which clips there are.

Commands are called in this process, after a first call on a few files that does not count: what is measured is
beyond the start of the program.
"""

from __future__ import annotations

import base64
import hashlib
import io
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout, suppress
from dataclasses import dataclass
from functools import partial
from itertools import count
from math import ceil
from pathlib import Path

from extraction_clips import FEW, TINY, Files, made, options_of, write_csv
from extraction_encoders import register
from extraction_ways import SMALL
from pairs import Pairs, compared, pairs, seconds

from avgzsl_bench.cli.extract import extract as command
from avgzsl_bench.data.datasets.facts import PARTITIONS, STAGES, Dataset
from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.data.layouts.tree import disk_name
from avgzsl_bench.encoders.extraction.batches import Progress
from avgzsl_bench.encoders.extraction.extract import extract
from avgzsl_bench.encoders.extraction.options import ExtractOptions
from avgzsl_bench.errors import DataError

REPEATS = 3


@dataclass(frozen=True)
class SecondRun:
    """A finished extraction of tiny clips, and the same command again.

    Attributes:
        clips: how many.
        first: seconds of the extraction itself, once.
        again: seconds of the command where all batches are finished and the store is not written, over those of
            the same for a few clips.
        refused: seconds until it says that the store is there, likewise.
    """

    clips: int
    first: float
    again: Pairs
    refused: Pairs


@dataclass(frozen=True)
class DryRun:
    """A look at a folder.

    Attributes:
        files: in it.
        listed: of these, videos of the lists.
        taken: seconds, over those for a folder with a few files.
    """

    files: int
    listed: int
    taken: Pairs


def second_run(clips: int, repeats: int = REPEATS) -> SecondRun:
    """Measure the same command again, with many clips and with a few in turn."""
    register()
    with tempfile.TemporaryDirectory() as folder:
        many, few = (tiny_clips(Path(folder) / str(number), number) for number in (clips, FEW))
        first = [seconds(partial(extract_but_the_store, options)) for options in (many, few)]
        again(few)  # the first time does not count
        taken = [(again(many), again(few)) for _ in range(repeats)]
    return SecondRun(
        clips=clips,
        first=first[0],
        again=compared([(one[0], other[0]) for one, other in taken]),
        refused=compared([(one[1], other[1]) for one, other in taken]),
    )


def tiny_clips(place: Path, number: int) -> ExtractOptions:
    """An extraction of copies of a tiny clip, each a file of its own, in folders of a thousand."""
    original = made(TINY, place / "made")
    names = [f"{i // 1000}/{i}{TINY.ending}" for i in range(number)]
    for name in names:
        path = place / "copies" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(original.folder / original.names[0], path)
    return options_of(place, Files(place / "copies", tuple(names), real=False), number, SMALL)


class Interrupted(BaseException):
    pass


def extract_but_the_store(options: ExtractOptions) -> None:
    """Extract up to the last batch, and end before the store is written."""

    def end(progress: Progress) -> None:
        if progress.done == progress.total:
            raise Interrupted

    with suppress(Interrupted):
        extract(options, report=end)


def again(options: ExtractOptions) -> tuple[float, float]:
    """Seconds of the command that finds its batches finished, and of the one after it, which is refused."""
    root = options.root.with_name("again")
    shutil.copytree(options.root, root)
    arguments = [options.dataset, str(options.folder), "--encoders", options.encoders, "--data-root", str(root)]
    arguments += ["--table", str(options.table), "--classes", str(options.classes), "--text", *options.text]
    said: list[str] = []
    done = seconds(lambda: said.append(called(arguments)))
    if "clips/s" in said[0]:
        raise SystemExit("clips were extracted again")

    def refuse() -> None:
        with suppress(DataError):
            called(arguments)
            raise SystemExit("the store was written again")

    refused = seconds(refuse)
    shutil.rmtree(root)
    return done, refused


def called(arguments: Sequence[str]) -> str:
    """Call `avbench extract`, and give what it says."""
    said = io.StringIO()
    with redirect_stdout(said), redirect_stderr(said):
        command.main(list(arguments), standalone_mode=False)
    return said.getvalue()


def dry_run(files: int, repeats: int = REPEATS) -> DryRun:
    """Measure `--dry-run` on a folder of many files and on one of a few in turn.

    The many are as many as VGGSound-GZSL has videos, called as they are, and strays of the same form.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        listed = write_lists(place / "lists", registered_dataset("vggsound"), files)
        strays = [video_id(len(listed) + i) for i in range(max(0, files - len(listed)))]
        many, few = (
            partial(called, dry_run_of(write_empty(place / name, videos), place))
            for name, videos in (("many", [*listed, *strays][:files]), ("few", listed[:FEW]))
        )
        return DryRun(files, min(files, len(listed)), pairs(many, few, repeats=repeats))


def dry_run_of(videos: Path, place: Path) -> list[str]:
    """The arguments of the command."""
    lists = ["--splits", str(place / "lists"), "--data-root", str(place / "data")]
    return ["vggsound", str(videos), "--encoders", "clip,laion_clap", "--dry-run", *lists]


def write_lists(folder: Path, dataset: Dataset, files: int) -> list[str]:
    """Write lists of made-up videos and give their ids: as many in each partition and class as are standard, or in
    proportion for fewer files."""
    folder.mkdir()
    facts, ids = dataset.facts(next(iter(dataset.splits))), count()
    share = min(1.0, files / sum(sum(facts[name].videos) for name in PARTITIONS if name != "stage2_train"))
    rows: dict[str, list[tuple[str, str]]] = {}
    for partition in PARTITIONS:
        if partition == "stage2_train":
            rows[partition] = [row for stage1 in STAGES[0] for row in rows[stage1]]
            continue
        counts = zip(facts[partition].classes, facts[partition].videos, strict=True)
        rows[partition] = [
            (video_id(next(ids)), dataset.class_names[label])
            for label, number in counts
            for _ in range(ceil(share * number))
        ]
    for partition, some in rows.items():
        write_csv(folder / f"{disk_name(partition)}.csv", ("filename", "label"), some)
    return list(dict.fromkeys(video for some in rows.values() for video, _ in some))


def video_id(number: int) -> str:
    """An id as those of VGGSound are, scattered in their order."""
    digits = hashlib.sha256(str(number).encode()).digest()
    return f"{base64.urlsafe_b64encode(digits).decode()[:11]}_{30 * (number % 20):06d}"


def write_empty(folder: Path, videos: Sequence[str]) -> Path:
    """Make an empty file for each video."""
    folder.mkdir()
    for video in videos:
        (folder / f"{video}.mp4").touch()
    return folder
