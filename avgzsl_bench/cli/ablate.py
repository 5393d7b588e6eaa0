"""`avbench ablate`: run a method's ablation and make its tables."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avgzsl_bench.cli.options import chosen_seeds, run_options, seed_option, seeds_option
from avgzsl_bench.cli.paths import UserPath
from avgzsl_bench.errors import ConfigError, RecordError

if TYPE_CHECKING:
    from avgzsl_bench.execution.ablation import Variant
    from avgzsl_bench.execution.options import RunOptions
    from avgzsl_bench.execution.plan import Plan
    from avgzsl_bench.records.collect import RecordTable
    from avgzsl_bench.records.record import Record
    from avgzsl_bench.report.boards.ablation import AblationBoard, AblationRequest


@click.command(short_help="Run a method's ablation, and make its tables.")
@click.option("--method", required=True, help="Method that declares an ablation, e.g. mft.")
@click.option("--dataset", required=True, help="Dataset; 'avbench datasets' lists them.")
@run_options(
    features="auto takes the best installed real one, else the simulated one. With --no-run, auto takes each that "
    "there are records of.",
    folder="--results",
    folder_help="Folder of the records: those that are there are used, new ones go there.",
)
@seed_option
@seeds_option
@click.option(
    "--out",
    "tables",
    type=UserPath(path_type=Path),
    default=Path("ablations"),
    show_default=True,
    help="Folder of the tables: Markdown, CSV and LaTeX.",
)
@click.option(
    "--run/--no-run",
    "train",
    default=True,
    help="Run what has no record yet, or only make tables of the records that are there. [default: --run]",
)
def ablate(
    method: str, dataset: str, seed: int | None, seeds: int | None, options: RunOptions, tables: Path, train: bool
) -> None:
    """Run the variants that a method's ablation compares, and make its tables.

    Each variant is an ordinary run; one that has a record in RESULTS is not run again, so that an interrupted
    command goes on where it was. The tables hold every seed that has a record, and what a paper reported
    beside it. A setting given with --set holds in every variant that does not set it itself, and whose method has
    it: a variant may be another method.
    """
    from avgzsl_bench.cli.console import plain_console
    from avgzsl_bench.cli.show import list_files, show_heading, show_notes, show_table
    from avgzsl_bench.data.choose import dataset_named
    from avgzsl_bench.execution.ablation import ablation_of
    from avgzsl_bench.method.registry import method_spec
    from avgzsl_bench.report.boards.ablation import AblationRequest
    from avgzsl_bench.report.folder import write_documents
    from avgzsl_bench.report.tables.ablation import ablation_documents
    from avgzsl_bench.system.files import require_writable

    numbers = chosen_seeds(seed, seeds)
    if not train and (seed is not None or seeds is not None):
        raise ConfigError("--no-run makes tables of every seed that has a record; leave out --seed and --seeds")
    ablation = ablation_of(method)
    facts = dataset_named(dataset, options.data_root)
    place = (facts.name, options.features, facts.chosen_split(options.split))
    request = AblationRequest(method_spec(method), ablation, *place, options.settings, options.precision)
    for variant in ablation.variants:
        request.config_of(variant, options.features)  # before simulated features may be made: settings that work
    require_writable(tables)
    results = options.results
    boards = _run_and_read(request, numbers, options) if train else _read(request, results)
    documents = ablation_documents(boards)
    written = write_documents(documents, tables, ("md", "csv", "tex"), "ablation")
    console = plain_console()
    for document in documents:
        show_heading(console, document.heading, document.warning)
        for table in document.terminal:
            console.print()
            show_heading(console, table.title)
            show_table(console, table)
        console.print()
        show_notes(console, document.notes)
    list_files(written)


@dataclass(frozen=True)
class _Part:
    """One run of the ablation: a plan, and the variants that it is."""

    plan: Plan
    variants: tuple[Variant, ...]

    def __str__(self) -> str:
        from avgzsl_bench.report.tables.ablation_notes import changes

        labels = " = ".join(dict.fromkeys(variant.label for variant in self.variants))
        first = self.variants[0]
        changed = f" ({changes(first)})" if first.method or first.settings else ""
        return f"{labels}{changed}, seed {self.plan.spec.seed}"


def _run_and_read(request: AblationRequest, seeds: list[int], options: RunOptions) -> list[AblationBoard]:
    """Run what has no record, then make the board that these runs belong to."""
    from rich.console import Console

    from avgzsl_bench.cli.console import print_line
    from avgzsl_bench.cli.progress import warn_of_differences, warn_simulated_features, warnings_on_one_line
    from avgzsl_bench.execution.earlier import earlier_code
    from avgzsl_bench.execution.progress import execute_seeds_shown
    from avgzsl_bench.execution.unnoticed import unnoticed_edits
    from avgzsl_bench.report.boards.ablation import ablation_boards

    results = options.results
    warnings_on_one_line()
    console = Console(stderr=True)
    with console.status("preparing data and method"):
        parts = _parts(request, seeds, options)
        # Looked at before any training: a damaged record is reported now, not after the last run.
        _collect(results)
        finished = [part.plan.finished() for part in parts]
    first = parts[0].plan
    if first.spec.data.simulated:
        warn_simulated_features(console, first, requested=request.features != "auto")
    warn_of_differences([first.data])
    for text in unnoticed_edits([first]):
        print_line(console, text)
    records: list[Record] = [record for record in finished if record]
    print_line(console, f"{len(parts)} runs, of which {len(records)} are finished")
    to_do = [part.plan for part, record in zip(parts, finished, strict=True) if record is None]
    if (earlier := earlier_code(to_do)) is not None:
        print_line(console, earlier)
    for number, (part, record) in enumerate(zip(parts, finished, strict=True), start=1):
        if record is None:
            print_line(console, f"run {number} of {len(parts)}: {part}")
            records += execute_seeds_shown([part.plan], console)
    boards = ablation_boards(replace(request, features=first.spec.data.features), _collect(results))
    runs = [sum(board.has_run(record.run_id) for record in records) for board in boards]
    return [board for board, count in zip(boards, runs, strict=True) if count == max(runs)]


def _parts(request: AblationRequest, seeds: list[int], options: RunOptions) -> list[_Part]:
    """Plan the runs of an ablation, each once, all variants of the first seed first."""
    from avgzsl_bench.execution.plan import plan_run

    parts: dict[Path, _Part] = {}
    for variant in request.ablation.variants:
        own = replace(options, settings=request.settings_of(variant))
        plan = plan_run(request.spec_of(variant).name, request.dataset, seeds[0], own)
        known = parts.get(plan.path)
        parts[plan.path] = _Part(plan, (*(known.variants if known else ()), variant))
    return [replace(part, plan=part.plan.with_seed(seed)) for seed in seeds for part in parts.values()]


def _read(request: AblationRequest, results: Path) -> list[AblationBoard]:
    from avgzsl_bench.report.boards.ablation import ablation_boards

    boards = ablation_boards(request, _collect(results))
    if not boards:
        raise RecordError(
            f"no record in {results} of the ablation of {request.spec.name!r} on {request.dataset}, "
            f"{request.features} features, split {request.split}; leave out --no-run to make them"
        )
    return boards


def _collect(results: Path) -> list[RecordTable]:
    from avgzsl_bench.records.collect import collect, json_files
    from avgzsl_bench.system.files import NO_FOLDER, folder_fault

    fault = folder_fault(results)
    if fault == NO_FOLDER:
        return []
    if fault is not None:
        raise RecordError(f"{results}: {fault}; name the folder of the records with --results")
    return collect(results) if any(json_files(results)) else []
