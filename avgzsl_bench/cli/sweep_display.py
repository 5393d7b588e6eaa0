"""What the console shows of a sweep that is under way: a live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from avgzsl_bench.cli.console import plain_table, print_line
from avgzsl_bench.execution.sweep.engine import Event, Failed, Finished, Lost, Started, Warned
from avgzsl_bench.execution.sweep.progress import Progress, Running, State

_ROWS_BESIDE = 6
"""Lines of the screen that are left to what is not the table of methods."""


class SweepDisplay:
    """Shows a sweep's progress for the length of a `with` block; always on standard error."""

    def __init__(self, progress: Progress, console: Console) -> None:
        self._progress = progress
        self._console = console
        self._live = Live(console=console, get_renderable=self._screen, refresh_per_second=2, transient=True)
        self._warned: set[str] = set()

    def __enter__(self) -> SweepDisplay:
        if self._console.is_terminal:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def report(self, event: Event) -> None:
        """Take in an event, and print what a log should hold."""
        self._progress.report(event)
        job = event.job
        if isinstance(event, Started):
            self._log(f"started {job}, {event.where}")
        elif isinstance(event, Finished):
            self._log(f"{self._place()} {job}: HM {100 * event.hm:.2f} %, {duration(event.seconds)}{self._left()}")
        elif isinstance(event, Failed):
            self._say(f"{self._place()} {job}: FAILED: {event.reason}")
        elif isinstance(event, Lost):
            self._say(f"{job}: {event.reason}; it is started once more")
        elif isinstance(event, Warned) and event.text not in self._warned:
            self._warned.add(event.text)
            self._say(f"warning: {job}: {event.text}")

    def _log(self, line: str) -> None:
        """Print a line that a terminal does not need, because its table shows the same."""
        if not self._console.is_terminal:
            self._say(line)

    def _say(self, line: str) -> None:
        print_line(self._console, line)

    def _place(self) -> str:
        total = str(len(self._progress.states))
        return f"[{self._progress.count(State.DONE, State.FAILED):>{len(total)}}/{total}]"

    def _left(self) -> str:
        if not self._progress.count(State.WAITING, State.RUNNING):
            return ""
        seconds = self._progress.seconds_left()
        return "" if seconds is None else f"; about {duration(seconds)} left"

    def _screen(self) -> RenderableType:
        """Draw a line for the sweep, one per worker, and the table of methods if there is room for it."""
        counts = ((state, self._progress.count(state)) for state in (State.FAILED, State.RUNNING, State.WAITING))
        others = "".join(f", {count} {state.value}" for state, count in counts if count)
        done = f"{self._progress.count(State.DONE)} of {len(self._progress.states)} runs done"
        lines = [Text(f"{done}{others}{self._left()}", style="bold")]
        lines += [Text(self._under_way(running)) for running in self._progress.running.values()]
        table = self._table()
        fits = table.row_count + len(lines) + _ROWS_BESIDE <= self._console.height
        return Group(*lines, table) if fits else Group(*lines)

    def _under_way(self, running: Running) -> str:
        epoch = running.epoch
        at = "" if epoch is None else f", stage {epoch.stage}, epoch {epoch.epoch}/{epoch.epochs}"
        hm = "" if epoch is None or epoch.hm is None else f", HM {100 * epoch.hm:.2f} %"
        return f"  {running.where}: {running.job}{at}{hm}, {duration(self._progress.elapsed(running))}"

    def _table(self) -> Table:
        """Methods down, datasets across: how many runs are done, running and failed."""
        cells = self._progress.cells()
        datasets = list(dict.fromkeys(dataset for _, dataset in cells))
        table = plain_table("method", *datasets)
        for method in dict.fromkeys(method for method, _ in cells):
            table.add_row(method, *(_cell(cells[method, d]) if (method, d) in cells else "" for d in datasets))
        return table


def _cell(states: dict[State, int]) -> str:
    others = "".join(
        f", {states[state]} {state.value}" for state in (State.RUNNING, State.FAILED) if states.get(state)
    )
    return f"{states.get(State.DONE, 0)}/{sum(states.values())}{others}"


def duration(seconds: float) -> str:
    """Seconds in the two largest units that they fill."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes_left = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes_left:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
