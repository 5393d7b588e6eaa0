"""`avbench predict`: which classes videos are of."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avgzsl_bench.cli.console import plain_console, plain_table, print_line, print_table
from avgzsl_bench.cli.options import data_root_option
from avgzsl_bench.cli.paths import UserPath
from avgzsl_bench.errors import DataError, one_line

if TYPE_CHECKING:
    from rich.console import Console

    from avgzsl_bench.execution.prediction.prediction import Prediction

_path = UserPath(path_type=Path)

_LONGEST = 1_000
"""Characters of a name that are shown."""

_MANY = 10
"""Videos after which it is said how far the work is."""


@click.command(short_help="Say which classes videos are of.")
@click.argument("videos", nargs=-1, metavar="VIDEO...")
@click.option("--checkpoint", type=_path, metavar="FILE", help="A model that 'avbench run --save' kept.")
@click.option(
    "--encoders",
    metavar="NAMES",
    help="Encoders alone, nothing trained: one of frames, one of sound, or both with a comma between them.",
)
@click.option(
    "--classes",
    metavar="NAMES",
    help="Names with commas between them, or @FILE with one per line. With --checkpoint they are added to the "
    "classes of the model.",
)
@click.option(
    "--class-vectors",
    type=_path,
    metavar="FILE",
    help="New classes with vectors of your own, by name: .json, .csv or .npz.",
)
@click.option("--only", is_flag=True, help="Rank only the classes given here, not the others of the checkpoint.")
@click.option(
    "--dataset", metavar="NAME", help="Take each VIDEO as the id of a video in an installed set of this dataset."
)
@click.option(
    "--features", metavar="NAME", help="Which set. [default: the one that the checkpoint was trained on]"
)
@click.option(
    "--arrays",
    type=_path,
    metavar="FILE",
    help="In place of videos: .npz with vectors, audio [N, Da] and visual [N, Dv], and perhaps video, N names.",
)
@click.option(
    "--recipe",
    type=click.Choice(["published"]),
    help="For a checkpoint trained on the published clip_clap: encode videos by --encoders clip,wavcaps as "
    "ClipClap-GZSL did.",
)
@click.option(
    "--top", type=click.IntRange(1), default=5, show_default=True, metavar="N", help="Classes per video."
)
@click.option("--weights", multiple=True, metavar="ENCODER=DIR", help="Folder with the weights of an encoder.")
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
@click.option(
    "--workers", type=click.IntRange(1, 256), metavar="N", help="Processes that decode. [default: cores - 1]"
)
@data_root_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object per video and line.")
def predict(weights: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Rank classes for each VIDEO: a file, or a folder with all videos below it.

    With --checkpoint, videos are encoded as those that the model was trained on, and the bias of its run is
    subtracted from the scores of seen classes. Of each class the role is given: seen, unseen, or new where the
    model was trained without it.

    With --encoders, classes are ranked by the cosine of a video and a class name: nothing is trained, and any
    words can be classes. Scores order classes and are no probabilities. A video that cannot be used is reported,
    and the next is taken.
    """
    from avgzsl_bench.encoders.weights.places import parse_weights
    from avgzsl_bench.execution.predict import PredictOptions
    from avgzsl_bench.execution.predict import predict as run

    def notify(line: str) -> None:
        click.echo(line, err=True)

    total, predictions = run(PredictOptions(weights=parse_weights(weights), **given), notify)
    with closing(predictions):
        unusable = _show(predictions, total, as_json)
    if unusable == total:
        raise DataError("none of the videos can be used" if total > 1 else "the video cannot be used")


def _show(predictions: Iterable[Prediction], total: int, as_json: bool) -> int:
    """Print predictions as they come; give the number of videos that cannot be used."""
    console, unusable = plain_console(), 0
    for number, prediction in enumerate(predictions, start=1):
        if prediction.error is not None and total == 1 and not as_json:
            raise DataError(f"{_shown(prediction.video)}: {prediction.error}")
        unusable += prediction.error is not None
        if as_json:
            click.echo(json.dumps(_json(prediction)))
        elif prediction.error is not None:
            click.echo(f"{_shown(prediction.video)}: {prediction.error}", err=True)
        else:
            _print(console, prediction)
        if number % _MANY == 0 and number < total:
            click.echo(f"{number:,}/{total:,} videos  {unusable:,} not usable", err=True)
    return unusable


def _shown(name: str) -> str:
    """Bring a name from a file, or of one, to a line without control characters."""
    return one_line(name, _LONGEST)


def _json(prediction: Prediction) -> dict[str, Any]:
    if prediction.error is not None:
        return {"video": prediction.video, "error": prediction.error}
    return {name: value for name, value in asdict(prediction).items() if name != "error"}


def _print(console: Console, prediction: Prediction) -> None:
    length = "" if prediction.seconds is None else f"  {prediction.seconds:.1f} s"
    print_line(console, f"{_shown(prediction.video)}{length}", style="bold")
    for note in prediction.notes:
        print_line(console, f"note: {note}")
    trained = any(found.role for found in prediction.classes)
    table = plain_table("rank", "class", "score", *(("role",) if trained else ()), right=("rank", "score"))
    for rank, found in enumerate(prediction.classes, start=1):
        table.add_row(str(rank), _shown(found.name), f"{found.score:#.4g}", *((found.role,) if trained else ()))
    print_table(console, table)
