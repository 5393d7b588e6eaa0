"""What a console or a notebook shows of a run: a live bar where there can be one, and a line an epoch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from avgzsl_bench.execution.events import RunStatus
from avgzsl_bench.execution.plan import Plan
from avgzsl_bench.execution.seeds.runs import execute_seeds
from avgzsl_bench.execution.seeds.summary import SeedsSummary
from avgzsl_bench.plugins.hookspecs import hookimpl
from avgzsl_bench.plugins.manager import load_plugins
from avgzsl_bench.records.epoch_result import EpochResult
from avgzsl_bench.records.record import STAGES, Record, weights_path

_STAGE = {1: "stage 1, selection", 2: "stage 2, final"}


class RunProgress:
    """A plugin for the length of a `with` block: reports the epochs of whatever runs inside."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = can_be_live(console)
        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console,
            disable=not self._live,
        )
        self._task: TaskID | None = None
        self._seconds: dict[int, float] = {}
        self._summary: SeedsSummary | None = None

    def __enter__(self) -> RunProgress:
        load_plugins().manager.register(self, name="console-progress")
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()
        load_plugins().manager.unregister(name="console-progress")

    def print_line(self, line: str, style: str | None = None) -> None:
        """Print a line as it is, above the bar."""
        self._console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)

    @hookimpl
    def avbench_run_started(self, run: RunStatus) -> None:
        """Say what runs, and that features are simulated if they are."""
        spec = run.spec
        if run.together and spec.seed != run.together[0]:
            return
        self._summary = SeedsSummary(run.together) if run.together else None
        seeds = f"{len(run.together)} seeds together" if run.together else f"seed {spec.seed}"
        marks = "".join(f", {name} {value}" for name, value in spec.options.items())
        marks += "  SIMULATED" if spec.data.simulated else ""
        self.print_line(
            f"{spec.method.name} on {spec.data.dataset}, {spec.data.features} features, split {spec.data.split}, "
            f"{seeds}, {run.device}{marks}",
            style="bold",
        )
        self._seconds = {1: 0.0, 2: 0.0}
        self._show_stage(1, run.epochs)

    @hookimpl
    def avbench_epoch_finished(self, run: RunStatus, epoch: EpochResult) -> None:
        """One line an epoch: losses, validation HM, time, and time left in the stage."""
        if self._summary is None:
            self._show_epoch(epoch)
            return
        for summed in self._summary.add(run.spec.seed, epoch):
            self._show_epoch(summed.mean, summed.spread)

    def _show_epoch(self, epoch: EpochResult, spread: str = "") -> None:
        self._seconds[epoch.stage] += epoch.seconds
        remaining = self._seconds[epoch.stage] / epoch.epoch * (epoch.epochs - epoch.epoch)
        left = f"about {_duration(remaining)} left in this stage" if epoch.epoch < epoch.epochs else ""
        losses = "  ".join(f"{name} {value:.4f}" for name, value in epoch.losses.items())
        hm = "" if epoch.hm is None else f"  HM {100 * epoch.hm:5.2f} %{spread}"
        tail = f"  {left}" if left and not self._live else ""
        line = f"  stage {epoch.stage}  epoch {epoch.epoch:>3}/{epoch.epochs}{hm}  {losses}  {epoch.seconds:.1f} s"
        self.print_line(line + tail)
        if self._task is not None:
            self._bar.update(self._task, total=epoch.epochs, completed=epoch.epoch, left=left)
        if epoch.stage == 1 and epoch.epoch == epoch.epochs:
            self._show_stage(2, total=None)

    @hookimpl
    def avbench_run_finished(self, run: RunStatus) -> None:
        """Take the bar away, unless other seeds go on; the figures follow."""
        if self._summary is None or self._summary.finished(run.spec.seed):
            self._hide()

    def _show_stage(self, stage: int, total: int | None) -> None:
        """Show a bar per stage, so that its clock starts at 0."""
        self._hide()
        self._task = self._bar.add_task(_STAGE[stage], total=total, left="")

    def _hide(self) -> None:
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def can_be_live(console: Console) -> bool:
    """Check whether a console can show a bar that moves: a terminal, or a notebook with `ipywidgets`."""
    return console.is_terminal or (console.is_jupyter and find_spec("ipywidgets") is not None)


def execute_seeds_shown(plans: Sequence[Plan], console: Console) -> list[Record]:
    """Run plans that differ by seed only, show their progress, and say where the records are."""
    with RunProgress(console) as progress:
        report = progress.print_line
        return execute_seeds(plans, report=report, done=partial(_report_files, report))


def _report_files(report: Callable[[str], None], plan: Plan) -> None:
    report(f"  record: {plan.path}")
    if plan.options.save:
        report("  models: " + ", ".join(str(weights_path(plan.path, stage)) for stage in STAGES))
