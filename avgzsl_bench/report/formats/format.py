"""The interface of a format."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from avgzsl_bench.report.tables.document import Document

Files = Mapping[str, bytes]
"""Contents by the names of files."""


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
