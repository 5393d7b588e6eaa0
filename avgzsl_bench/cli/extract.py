"""`avbench extract`: a feature set from a folder of videos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avgzsl_bench.cli.console import plain_console
from avgzsl_bench.cli.options import data_root_option
from avgzsl_bench.cli.paths import UserPath

if TYPE_CHECKING:
    from avgzsl_bench.encoders.clips.coverage import Coverage
    from avgzsl_bench.encoders.extraction.batches import Progress

_path = UserPath(path_type=Path)


@click.command(short_help="Extract features from a folder of videos.")
@click.argument("dataset", metavar="DATASET")
@click.argument("folder", metavar="DIR", type=_path)
@click.option(
    "--encoders",
    required=True,
    metavar="A,B",
    help="An encoder of frames and one of sound, such as clip,laion_clap; 'avbench encoders' lists them.",
)
@click.option("--features", metavar="NAME", help="What to call the set. [default: by the encoders]")
@click.option(
    "--recipe",
    type=click.Choice(("default", "published")),
    default="default",
    show_default=True,
    help="published repeats ClipClap-GZSL's extraction with its quirks; for clip and wavcaps.",
)
@click.option("--frames", metavar="RULE", help="middle or uniform:N. [default: as the encoder has it]")
@click.option("--sequences", is_flag=True, help="A vector for each second; '_seq' is added to the name.")
@click.option(
    "--text",
    multiple=True,
    metavar="ENCODER",
    help="Encoder of class names, or NAME=FILE with vectors by class name. [default: the encoders' own text side]",
)
@click.option(
    "--prompts", metavar="FILE", type=_path, help='Templates for class names, JSON {"clip": ["... {}."]}.'
)
@click.option(
    "--weights", "weights", multiple=True, metavar="ENCODER=DIR", help="Folder with the weights of an encoder."
)
@click.option(
    "--fetch", is_flag=True, help="Download weights that are not here; nothing is downloaded without it."
)
@click.option(
    "--table",
    metavar="FILE",
    type=_path,
    help="Which file is which video: .csv or .parquet with columns video, class, path, partition, and start and "
    "end in seconds where a clip is a stretch of its file.",
)
@click.option(
    "--classes", metavar="FILE", type=_path, help="For a new dataset, table of classes as in 'avbench data add'."
)
@click.option("--splits", metavar="DIR", type=_path, help="Folder of the published lists (stage_1_train.csv ...).")
@click.option("--annotations", metavar="FILE", type=_path, help="ActivityNet's JSON, to cut whole videos by.")
@click.option(
    "--workers", type=click.IntRange(1, 256), metavar="N", help="Processes that decode. [default: cores - 1]"
)
@click.option(
    "--batch",
    type=click.IntRange(1, 4096),
    default=64,
    show_default=True,
    help="Clips per batch; a finished batch is kept when the extraction is interrupted.",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
@click.option("--limit", type=click.IntRange(1), metavar="N", help="Only the first N clips.")
@click.option("--accept-damaged", is_flag=True, help="Take clips of which less than 90 % decodes.")
@click.option(
    "--min-clips",
    type=click.FloatRange(0, 1),
    default=0.5,
    show_default=True,
    metavar="SHARE",
    help="Share of the standard videos that has to be there.",
)
@click.option(
    "--longest",
    type=click.FloatRange(0, min_open=True),
    default=3600.0,
    show_default=True,
    metavar="SECONDS",
    help="Leave out longer clips.",
)
@click.option(
    "--clip-timeout",
    type=click.FloatRange(0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="Leave out a clip that takes longer to decode.",
)
@click.option("--dry-run", is_flag=True, help="Show which clips are there; nothing is decoded or written.")
@click.option("--force", is_flag=True, help="Replace a set of this name.")
@data_root_option
def extract(
    weights: tuple[str, ...], dry_run: bool, data_root: Path | None, workers: int | None, **given: Any
) -> None:
    """Extract features of the videos in DIR for DATASET, to be used by name in every command.

    The folder is searched with all below it, and names of files lead to the videos of the dataset's lists; a
    dataset of your own comes with --table and --classes. A clip that cannot be used is left out, and left_out.csv
    beside the set says why. An interrupted extraction goes on where it stopped when the same command is given
    again.
    """
    from avgzsl_bench.data.store.installed import data_root as locate
    from avgzsl_bench.encoders.extraction.found import found_clips, require_libraries
    from avgzsl_bench.encoders.extraction.options import ExtractOptions
    from avgzsl_bench.encoders.weights.places import parse_weights

    if workers is not None:
        given["workers"] = workers
    options = ExtractOptions(root=locate(data_root), weights=parse_weights(weights), **given)
    if dry_run:
        from avgzsl_bench.encoders.clips.coverage import coverage

        found = found_clips(options)
        click.echo(f"lists of videos: {found.source}")
        _show(coverage(found.dataset, found.clips, found.left_out))
        return
    require_libraries()
    from avgzsl_bench.encoders.extraction.extract import extract as run

    with _Display() as display:
        done = run(options, report=display.show, notify=display.notify)
    _show(done.coverage)
    for finding in done.findings:
        click.echo(f"{finding.severity.value}: {finding.name}: {finding.text}", err=True)
    click.echo(f"{options.dataset} {done.features} -> {done.path}")


def _show(coverage: Coverage) -> None:
    from avgzsl_bench.cli.partition_counts import print_counts

    print_counts(coverage.counts)
    for line in coverage.lines():
        click.echo(line)


class _Display:
    """Shows progress: a bar on a terminal, else a line a batch."""

    def __init__(self) -> None:
        self._console = plain_console(stderr=True)
        self._status = self._console.status("looking for videos")

    def __enter__(self) -> _Display:
        if self._console.is_terminal:
            self._status.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._status.stop()

    def show(self, progress: Progress) -> None:
        line = _line(progress)
        if self._console.is_terminal:
            self._status.update(line)
        else:
            click.echo(line, err=True)

    def notify(self, line: str) -> None:
        click.echo(line, err=True)


def _line(progress: Progress) -> str:
    from avgzsl_bench.cli.sweep_display import duration

    parts = [f"{progress.done:,}/{progress.total:,}"]
    if progress.rate:
        parts.append(f"{progress.rate:.1f} clips/s")
    if progress.left_out:
        parts.append(f"{progress.left_out:,} left out")
    if progress.seconds_left:
        parts.append(f"time left {duration(progress.seconds_left)}")
    if progress.rate:
        share = round(100 * progress.decoding)
        waiting = f"decoding {share} %" if share >= 50 else f"encoding {100 - share} %"
        parts.append(f"waiting for: {waiting}")
    return "  ".join(parts)
