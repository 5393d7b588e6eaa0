"""Formats that boards are written in: each is one module here and one line in `FORMATS`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from avgzsl_bench.report.formats.format import Format

_ABOUT = {"tables": "a file a table each", "page": "one page, index.html", "plots": "figures of each table"}


class FormatEntry(NamedTuple):
    """Where a format is defined, and what it shows."""

    module: str
    kind: Literal["tables", "page", "plots"]


FORMATS: Mapping[str, FormatEntry] = MappingProxyType(
    {
        "md": FormatEntry("markdown", "tables"),
        "csv": FormatEntry("csv_table", "tables"),
        "tex": FormatEntry("latex", "tables"),
        "html": FormatEntry("page", "page"),
        "svg": FormatEntry("svg", "plots"),
        "pdf": FormatEntry("pdf", "plots"),
    }
)
"""By the name of the format, which is the ending of its files."""
DEFAULT_FORMATS = ("md", "csv")


def load_format(name: str) -> Format:
    """Load a format with the libraries it needs; its module names it `FORMAT`."""
    found: Format = import_module(f"{__name__}.{FORMATS[name].module}").FORMAT
    return found


def formats_help() -> str:
    """List the formats with what they write.

    Examples:
        >>> formats_help()[:34]
        'md, csv, tex (a file a table each)'
    """
    groups = groupby(FORMATS, key=lambda name: FORMATS[name].kind)
    return ", ".join(f"{', '.join(names)} ({_ABOUT[kind]})" for kind, names in groups)
