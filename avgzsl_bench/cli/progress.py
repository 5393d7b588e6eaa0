"""What commands that run say beside the progress of a run, on standard error: warnings, of data above all."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

import click
from rich.console import Console
from rich.panel import Panel

from avgzsl_bench.data.choose import ResolvedData, difference_warning
from avgzsl_bench.execution.plan import Plan


def warn_simulated_features(console: Console, plan: Plan, *, requested: bool) -> None:
    """Print a prominent warning; `requested`: simulated features were requested by name."""
    data = plan.data
    why = f"No real features of {data.dataset.title} that this method can use are installed in {data.root}. "
    text = (
        f"{'' if requested else why}These are SIMULATED features: the figures show that the program works and say "
        "nothing about real videos. Install real ones with: avbench data import DIR"
    )
    console.print(Panel(text, title="SIMULATED FEATURES", border_style="yellow"))


def warn_of_differences(data: Iterable[ResolvedData]) -> None:
    """Warn in one line of each data whose videos differ from the standard ones."""
    texts = dict.fromkeys(text for found in data if (text := difference_warning(found)) is not None)
    for text in texts:
        click.echo(f"warning: {text}", err=True)


def warnings_on_one_line() -> None:
    """From now on, each warning is one line on standard error."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        click.echo(f"warning: {' '.join(str(message).split())}", err=True)

    warnings.showwarning = show
