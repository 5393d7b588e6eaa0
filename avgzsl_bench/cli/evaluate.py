"""`avbench evaluate`: score a checkpoint."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from avgzsl_bench.cli.options import data_root_option, split_option, threads_option
from avgzsl_bench.cli.paths import UserPath

if TYPE_CHECKING:
    from avgzsl_bench.execution.evaluate import Evaluation


@click.command(short_help="Score a checkpoint: S, U, HM, ZSL.")
@click.option(
    "--checkpoint", type=UserPath(path_type=Path), required=True, metavar="FILE", help="Checkpoint to score."
)
@click.option(
    "--dataset",
    help="Dataset; 'avbench datasets' lists them. [default: that of the run that trained the checkpoint, with its "
    "features and split]",
)
@click.option(
    "--features",
    default="auto",
    show_default=True,
    help="Feature set; auto takes the best installed one that the checkpoint fits, else the simulated one.",
)
@split_option
@click.option(
    "--text-order",
    type=click.Choice(["by-name", "official"]),
    help="Class embeddings: each class its own, or as the published loaders place them. "
    "[default: the checkpoint's setting]",
)
@click.option(
    "--bias",
    type=float,
    metavar="VALUE",
    help="What to subtract from the scores of seen classes. [default: the bias of the run that trained the "
    "checkpoint]",
)
@click.option(
    "--selection-checkpoint",
    type=UserPath(path_type=Path),
    metavar="FILE",
    help="In place of --bias: a checkpoint of stage 1, scored on the validation videos to choose the bias.",
)
@click.option(
    "--calibration",
    metavar="RULE",
    help="How it is chosen: exact, avca, clipclap, grid:START:STOP:STEPS or fixed:VALUE. "
    "[default: the checkpoint's setting]",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:N or mps.")
@threads_option
@data_root_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output.")
def evaluate(checkpoint: Path, as_json: bool, **options: Any) -> None:
    """Score a checkpoint on the test videos of a dataset: S, U, HM, ZSL and AUSUC.

    The bias must not come from the test. A checkpoint that 'avbench run --save' wrote has that of its run; for
    others give it, or give a checkpoint of stage 1 to choose it with on the validation videos. Figures are printed
    only; a record describes a run with its two stages, and this is none.
    """
    from avgzsl_bench.cli.progress import warn_of_differences, warnings_on_one_line
    from avgzsl_bench.data.store.installed import data_root
    from avgzsl_bench.execution.evaluate import evaluate_checkpoint

    warnings_on_one_line()
    evaluation = evaluate_checkpoint(checkpoint, **options)
    if evaluation.benchmark.spec.simulated:
        where = f" (no real ones that fit are in {data_root(options['data_root'])})"
        found = where if options["dataset"] and options["features"] == "auto" else ""
        click.echo(f"SIMULATED FEATURES: these figures say nothing about real videos{found}", err=True)
    warn_of_differences([evaluation.data])
    if as_json:
        values = {
            "checkpoint": evaluation.checkpoint.header.model_dump(mode="json"),
            "data": evaluation.benchmark.spec.model_dump(mode="json"),
            "differences": {name: found.model_dump() for name, found in evaluation.data.differences.items()},
            "bias_from": evaluation.bias_from,
            "calibration": evaluation.calibration,
            "validation": asdict(evaluation.validation) if evaluation.validation else None,
            "metrics": asdict(evaluation.metrics),
        }
        click.echo(json.dumps(values, indent=1))
    else:
        _print_table(evaluation)


def _print_table(evaluation: Evaluation) -> None:
    from avgzsl_bench.cli.console import plain_console, plain_table, print_table
    from avgzsl_bench.method.registry import method_spec

    data, console = evaluation.benchmark.spec, plain_console()
    where = [data.features, data.split, f"text {data.text_order}"]
    where += ["sequences"] if data.sequences else []
    where += [f"{name} {mark[:12]}" for name, mark in data.added_text.items()]
    if data.simulated:
        where.append("SIMULATED")
    title = method_spec(evaluation.checkpoint.header.method).title
    console.print(f"{title} on {data.dataset} ({', '.join(where)}), percent", style="bold")
    figures = ("S", "U", "HM", "ZSL", "AUSUC", "bias")
    table = plain_table(*figures, "bias from", right=figures)
    m = evaluation.metrics
    values = [f"{100 * value:.2f}" for value in (m.seen, m.unseen, m.hm, m.zsl, m.ausuc)]
    run, part = evaluation.checkpoint.header.run, evaluation.checkpoint.header.prediction
    if part is not None and part.stage == 1:
        console.print("a checkpoint of stage 1: the record of its run has the figures of stage 2")
    if run is not None and run.data != data:
        console.print(
            f"trained on {run.data.dataset} ({run.data.features}, {run.data.split}), other data than these"
        )
    sources = {"given": "given", "run": "its run", "validation": f"validation videos, {evaluation.calibration}"}
    table.add_row(*values, f"{m.bias:.4g}", sources[evaluation.bias_from])
    print_table(console, table)
