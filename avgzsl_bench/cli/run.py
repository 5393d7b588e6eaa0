"""`avbench run`: train and score a method."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from avgzsl_bench.cli.options import chosen_seeds, run_options, seed_option, seeds_option

if TYPE_CHECKING:
    from rich.console import Console

    from avgzsl_bench.execution.options import RunOptions
    from avgzsl_bench.execution.plan import Plan
    from avgzsl_bench.records.record import Record


@click.command(short_help="Train a method and score it: S, U, HM, ZSL.")
@click.option("--method", required=True, help="Method to run; 'avbench methods' lists them.")
@click.option("--dataset", required=True, help="Dataset; 'avbench datasets' lists them.")
@run_options(shorthands=("epochs", "calibration"))
@seed_option
@seeds_option
@click.option("--epochs", type=int, metavar="N", help="Epochs of stage 1; short for --set epochs=N.")
@click.option(
    "--preset",
    metavar="NAME",
    help="A named set of settings, e.g. official: what the published code does. --set comes after it.",
)
@click.option(
    "--calibration",
    metavar="RULE",
    help="Where the bias comes from: exact, avca, clipclap, grid:START:STOP:STEPS or fixed:VALUE; short for "
    "--set calibration=RULE. [default: exact]",
)
@click.option("--json", "as_json", is_flag=True, help="Print the record as JSON on standard output.")
@click.option("--force", is_flag=True, help="Run again even if the record is there.")
def run(
    method: str, dataset: str, seed: int | None, seeds: int | None, options: RunOptions, as_json: bool
) -> None:
    """Train a method on a dataset and score it: S, U, HM and ZSL.

    Stage 1 chooses the epoch and the bias on validation videos; stage 2 trains afresh and scores the test
    videos once. The record goes to OUT/<dataset>/<features>/<split>/<method>/. A run that is finished is not
    run again unless --force is given, or --save and its models are not saved yet.

    On the CPU several seeds run one after another; elsewhere they train together where the method allows it and a
    short trial finds it faster. Each has a record.
    """
    from rich.console import Console

    from avgzsl_bench.cli.progress import warn_of_differences, warn_simulated_features, warnings_on_one_line
    from avgzsl_bench.execution.plan import plan_run

    numbers = chosen_seeds(seed, seeds)
    warnings_on_one_line()
    console = Console(stderr=True)
    with console.status("preparing data and method"):
        plan = plan_run(method, dataset, numbers[0], options)
        plans = [plan.with_seed(number) for number in numbers]
        # Looked up before any training: a damaged record is reported now, not after the first seed.
        finished = [None if options.force else plan.finished() for plan in plans]
    if plan.spec.data.simulated:
        warn_simulated_features(console, plan, requested=options.features != "auto")
    warn_of_differences([plan.data])
    records = _find_or_run(plans, finished, console)
    if not as_json:
        _print_table(records)
    elif seeds is None:
        click.echo(records[0].to_json(), nl=False)
    else:
        click.echo("[" + ",\n".join(record.to_json().rstrip("\n") for record in records) + "]")


def _find_or_run(plans: list[Plan], finished: list[Record | None], console: Console) -> list[Record]:
    """Return the records of all plans, in their order; make the missing ones."""
    from avgzsl_bench.cli.console import print_line
    from avgzsl_bench.execution.earlier import earlier_code, run_again
    from avgzsl_bench.execution.progress import execute_seeds_shown
    from avgzsl_bench.execution.unnoticed import unnoticed_edits

    for text in unnoticed_edits(plans):
        print_line(console, text)
    records: dict[int, Record] = {}
    for plan, record in zip(plans, finished, strict=True):
        if record is None:
            continue
        records[plan.spec.seed] = record
        print_line(console, f"already finished on {record.device}: {plan.path} (--force runs it again)")
    missing = [plan for plan in plans if plan.spec.seed not in records]
    for line in (run_again(missing), earlier_code(missing)):
        if line is not None:
            print_line(console, line)
    if missing:
        records |= {record.seed: record for record in execute_seeds_shown(missing, console)}
    return [records[plan.spec.seed] for plan in plans]


def _print_table(records: list[Record]) -> None:
    from avgzsl_bench.cli.console import plain_console, plain_table

    first, console = records[0], plain_console()
    marks = "".join(f", {name} {value}" for name, value in first.options.items())
    marks += ", SIMULATED" if first.data.simulated else ""
    console.print(
        f"{first.method.title} on {first.data.dataset} ({first.data.features}, {first.data.split}{marks}), "
        "percent",
        style="bold",
    )
    columns = ("seed", "S", "U", "HM", "ZSL", "AUSUC", "best epoch")
    table = plain_table(*columns, right=columns)
    for record in records:
        m = record.metrics
        figures = [f"{100 * value:.2f}" for value in (m.seen, m.unseen, m.hm, m.zsl, m.ausuc)]
        table.add_row(str(record.seed), *figures, str(record.best_epoch))
    console.print(table)
