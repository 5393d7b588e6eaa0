"""What a sweep says before and after its runs: how they stand, what cannot be run, what failed; and the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import click

from avgzsl_bench.cli.console import plain_console, plain_table, print_table
from avgzsl_bench.execution.sweep.engine import Failed
from avgzsl_bench.execution.sweep.failures import failure_path
from avgzsl_bench.execution.sweep.grid import Grid
from avgzsl_bench.execution.sweep.standing import Standing


def say_refused(grid: Grid) -> None:
    """A line on standard error for each method and dataset that cannot be run."""
    for refused in grid.refused:
        runs = "run" if refused.runs == 1 else "runs"
        click.echo(
            f"cannot run {refused.method} on {refused.dataset} ({refused.runs} {runs}): {refused.reason}", err=True
        )


def print_standings(standings: Sequence[Standing]) -> None:
    """A line for each method on each dataset: its runs, those done, those to do, those that failed before."""
    groups: dict[tuple[str, str, str], list[Standing]] = defaultdict(list)
    for standing in standings:
        job = standing.run.job
        groups[job.method, job.dataset, job.features].append(standing)
    numbers = ("runs", "done", "to do", "failed before", "damaged")
    table = plain_table("method", "dataset", "features", *numbers, right=numbers)
    for names, group in groups.items():
        counts = (
            len(group),
            sum(standing.record is not None for standing in group),
            sum(standing.to_do for standing in group),
            sum(standing.failed_before is not None for standing in group),
            sum(standing.damage is not None for standing in group),
        )
        table.add_row(*names, *map(str, counts))
    print_table(plain_console(), table)
    for standing in standings:
        if standing.failed_before is not None:
            click.echo(f"failed before: {standing.run.job}: {standing.failed_before}")


def print_summary(grid: Grid, before: Sequence[Standing], failures: Sequence[Failed] | None = None) -> None:
    """What is damaged, what failed and why, and all of it in numbers.

    Args:
        grid: of the sweep.
        before: its runs as they stood before.
        failures: of the sweep; None if nothing was carried out.
    """
    damaged = [standing for standing in before if standing.damage is not None]
    for standing in damaged:
        click.echo(f"damaged: {standing.run.job}: {standing.damage}")
    paths = {standing.run.job.key: standing.run.plan.path for standing in before}
    for failed in failures or ():
        kept = failure_path(paths[failed.job.key])
        click.echo(f"failed: {failed.job}: {failed.reason} (kept in {kept})")
    done = sum(standing.record is not None for standing in before)
    to_do = sum(standing.to_do for standing in before)
    refused = sum(refused.runs for refused in grid.refused)
    parts = [f"{done} done"] if failures is None else [f"{done + to_do - len(failures)} done ({done} before)"]
    parts += [f"{to_do} to do"] if failures is None else [f"{len(failures)} failed"] if failures else []
    parts += [f"{len(damaged)} damaged"] if damaged else []
    parts += [f"{refused} cannot be run"] if refused else []
    click.echo(f"{len(grid)} {'run' if len(grid) == 1 else 'runs'}: {', '.join(parts)}")
