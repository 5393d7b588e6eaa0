"""One plot as a file, in the format that its ending names."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from avgzsl_bench.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    from avgzsl_bench.report.plots.plot import Plot

ENDINGS = ("svg", "pdf", "png")
"""Each has a module of its name beside this one, with a function `<ending>_of`."""


def require_plot_ending(path: Path) -> None:
    """Refuse a file for a plot whose ending names no format.

    Raises:
        ConfigError: it does not.
    """
    if _ending(path) not in ENDINGS:
        known = ", ".join(f".{ending}" for ending in ENDINGS)
        raise ConfigError(f"{path}: unknown kind of plot; end the name in one of {known}")


def plot_bytes(plot: Plot, path: Path) -> bytes:
    """Write a plot in the format of a path.

    Raises:
        ConfigError: its ending names none.
    """
    require_plot_ending(path)
    ending = _ending(path)
    content: bytes = getattr(import_module(f"avgzsl_bench.report.formats.{ending}"), f"{ending}_of")(plot)
    return content


def _ending(path: Path) -> str:
    return path.suffix[1:].lower()
