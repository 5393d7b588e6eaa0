"""`avbench sweep`: a grid of methods, datasets and seeds."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from avgzsl_bench.cli.options import run_options, sweep_seeds_option
from avgzsl_bench.errors import ConfigError
from avgzsl_bench.method.precision import require_kind

if TYPE_CHECKING:
    from avgzsl_bench.execution.options import RunOptions
    from avgzsl_bench.execution.sweep.engine import Engine


@click.command(short_help="Run many methods on many datasets, with many seeds.")
@click.option("--methods", required=True, metavar="NAMES", help="Comma-separated methods, or all.")
@click.option("--datasets", required=True, metavar="NAMES", help="Comma-separated datasets, or all.")
@run_options(
    features="auto takes the best installed real one for each method, else the simulated one.",
    device="auto, cpu or cuda (every one); on this machine also cuda:N or mps.",
)
@sweep_seeds_option
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    show_default=True,
    help="What carries out the runs: worker processes on this machine, or the Ray cluster that this machine is a "
    "node of, or that RAY_ADDRESS names. A run takes one of its CPUs, with one thread; with --threads, N.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 1024),
    metavar="N",
    help="Runs at once; if there are several, a run has at most its share of the CPU's cores as threads, unless "
    "--threads says how many, and each record has their number. "
    "[default: 1 on the CPU, else 1 a device; on a Ray cluster 1 a CPU or GPU]",
)
@click.option("--shard", metavar="I/N", help="Only the I-th of N parts of the grid, for a job array.")
@click.option("--dry-run", is_flag=True, help="Show the grid, what of it is finished and what cannot be run.")
@click.pass_context
def sweep(
    context: click.Context,
    methods: str,
    datasets: str,
    seeds: int,
    options: RunOptions,
    engine: str,
    workers: int | None,
    shard: str | None,
    dry_run: bool,
) -> None:
    """Run many methods on many datasets, with many seeds.

    Each run is the one that 'avbench run' makes, and a run that has a record in OUT is not made again: an
    interrupted sweep goes on where it was. A run that fails is kept with its reason, beside the place of its
    record, and does not stop the rest; the exit code is then 1, and the next sweep tries it again. A method that
    cannot be run, because a text embedding or a setting is missing, is reported and left out.
    """
    from rich.console import Console

    from avgzsl_bench.cli.console import print_line
    from avgzsl_bench.cli.progress import warn_of_differences, warn_simulated_features, warnings_on_one_line
    from avgzsl_bench.cli.sweep_report import print_runs, print_summary, report_refused
    from avgzsl_bench.execution.earlier import earlier_code, run_again
    from avgzsl_bench.execution.sweep.grid import dataset_names, make_grid, method_names, parse_shard
    from avgzsl_bench.execution.sweep.planned_run import look_up
    from avgzsl_bench.execution.unnoticed import unnoticed_edits

    warnings_on_one_line()
    console = Console(stderr=True)
    part = None if shard is None else parse_shard(shard)
    chosen_methods, chosen_datasets = method_names(methods), dataset_names(datasets, options.data_root)
    device = options.device or "auto"
    if engine == "ray":
        from avgzsl_bench.execution.sweep.ray_cluster import require_shareable

        require_shareable(device)
        if options.checkpoint_every is not None:
            raise ConfigError(
                "--checkpoint-every keeps the training beside the record, and runs of --engine ray have a folder "
                "of their own until they are finished; leave it out, or use --engine local"
            )
        if device != "auto":
            require_kind(options.precision, device)
    chosen = None if dry_run else _engine(engine, device, options, workers)
    with console.status("preparing data and methods"):
        where = replace(options, device=None) if engine == "ray" else options
        grid = make_grid(chosen_methods, chosen_datasets, range(seeds), where, part)
        before = look_up(grid.runs)
    simulated = {plan.spec.data.dataset: plan for plan in grid.runs if plan.spec.data.simulated}
    for plan in simulated.values():
        warn_simulated_features(console, plan, requested=options.features != "auto")
    warn_of_differences(plan.data for plan in grid.runs)
    report_refused(grid)
    for text in unnoticed_edits(grid.runs):
        print_line(console, text)
    to_do = [run.plan for run in before if run.to_do]
    for line in (run_again(to_do), earlier_code(to_do)):
        if line is not None:
            print_line(console, line)
    if chosen is None:
        print_runs(before)
        print_summary(grid, before)
        return
    from avgzsl_bench.cli.sweep_display import SweepDisplay
    from avgzsl_bench.execution.sweep.progress import Progress
    from avgzsl_bench.execution.sweep.sweep import sweep as carry_out

    with SweepDisplay(Progress(before, chosen.workers), console) as display:
        failures = carry_out(before, chosen, display.report)
    print_summary(grid, before, failures)
    if failures or any(run.damage for run in before):
        context.exit(1)


def _engine(name: str, device: str, options: RunOptions, workers: int | None) -> Engine:
    if name == "local":
        from avgzsl_bench.execution.sweep.local import LocalEngine, device_slots

        return LocalEngine(device_slots(device, workers))
    from avgzsl_bench.execution.sweep.ray_cluster import cluster_nodes, connect, share_out

    connect()
    share = share_out([resources for _, resources in cluster_nodes().values()], device, workers, options.threads)
    require_kind(options.precision, share.device)
    from avgzsl_bench.execution.sweep.ray_engine import RayEngine

    return RayEngine(share)
