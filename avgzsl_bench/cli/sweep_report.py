"""What a sweep prints before and after its runs: what is done, what cannot be run, what failed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import click

from avgzsl_bench.cli.console import plain_console, plain_table, print_table
from avgzsl_bench.execution.sweep.engine import Failed
from avgzsl_bench.execution.sweep.failures import failure_path
from avgzsl_bench.execution.sweep.grid import Grid
from avgzsl_bench.execution.sweep.planned_run import PlannedRun


def report_refused(grid: Grid) -> None:
    """Print a line on standard error for each method and dataset that cannot be run."""
    for refused in grid.refused:
        runs = "run" if refused.runs == 1 else "runs"
        click.echo(
            f"cannot run {refused.method} on {refused.dataset} ({refused.runs} {runs}): {refused.reason}", err=True
        )


def print_runs(runs: Sequence[PlannedRun]) -> None:
    """Print a line per method and dataset: its runs, those done, those to do, those that failed before."""
    groups: dict[tuple[str, str, str], list[PlannedRun]] = defaultdict(list)
    for run in runs:
        spec = run.plan.spec
        groups[spec.method.name, spec.data.dataset, spec.data.features].append(run)
    numbers = ("runs", "done", "to do", "failed before", "damaged")
    table = plain_table("method", "dataset", "features", *numbers, right=numbers)
    for names, group in groups.items():
        counts = (
            len(group),
            sum(run.record is not None for run in group),
            sum(run.to_do for run in group),
            sum(run.failed_before is not None for run in group),
            sum(run.damage is not None for run in group),
        )
        table.add_row(*names, *map(str, counts))
    print_table(plain_console(), table)
    for run in runs:
        if run.failed_before is not None:
            click.echo(f"failed before: {run.job}: {run.failed_before}")


def print_summary(grid: Grid, before: Sequence[PlannedRun], failures: Sequence[Failed] | None = None) -> None:
    """Print what is damaged, what failed and why, and the numbers of runs; `failures`: None in a dry run."""
    damaged = [run for run in before if run.damage is not None]
    for run in damaged:
        click.echo(f"damaged: {run.job}: {run.damage}")
    paths = {run.job.key: run.plan.path for run in before}
    for failed in failures or ():
        kept = failure_path(paths[failed.job.key])
        click.echo(f"failed: {failed.job}: {failed.reason} (kept in {kept})")
    done = sum(run.record is not None for run in before)
    to_do = sum(run.to_do for run in before)
    refused = sum(refused.runs for refused in grid.refused)
    parts = [f"{done} done"] if failures is None else [f"{done + to_do - len(failures)} done ({done} before)"]
    parts += [f"{to_do} to do"] if failures is None else [f"{len(failures)} failed"] if failures else []
    parts += [f"{len(damaged)} damaged"] if damaged else []
    parts += [f"{refused} cannot be run"] if refused else []
    click.echo(f"{len(grid)} {'run' if len(grid) == 1 else 'runs'}: {', '.join(parts)}")
