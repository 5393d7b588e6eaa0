"""Formats that documents are written in: each is one module here and one line in `FORMATS`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from itertools import groupby
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple

if TYPE_CHECKING:
    from avgzsl_bench.report.tables.document import Document

Files = Mapping[str, bytes]
"""Contents by the names of files."""
_ABOUT = {"tables": "a file a table each", "page": "one page, index.html", "plots": "figures of each table"}


@dataclass(frozen=True)
class Format:
    """Writes documents; knows nothing of where their tables come from.

    Attributes:
        mark: that every file of the format holds; a file without it was written by somebody else.
        files_of: writes the files of one document.
        files_of_all: writes the files that hold all documents.
        begins: files begin with the mark.
    """

    mark: str
    files_of: Callable[[Document], Files] = lambda document: {}
    files_of_all: Callable[[Sequence[Document]], Files] = lambda documents: {}
    begins: bool = True

    def is_ours(self, content: bytes) -> bool:
        """Check whether a file was written in this format, and may be replaced or removed."""
        mark = self.mark.encode()
        return content.startswith(mark) if self.begins else mark in content


class FormatEntry(NamedTuple):
    """The module that defines a format as `FORMAT`, and what its files show."""

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
    """Load a format with the libraries it needs."""
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
