"""Rows on their way into a store, in an unnamed file: the largest feature sets do not fit into memory."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.system.files import explain_write_errors

_FOLDER: ContextVar[Path | None] = ContextVar("_FOLDER", default=None)


@contextmanager
def spill_folder(folder: Path) -> Iterator[None]:
    """Keep rows in a folder inside the block; outside, they are kept with the system's temporary files."""
    token = _FOLDER.set(folder)
    try:
        yield
    finally:
        _FOLDER.reset(token)


class SpilledArray:
    """Rows of `width` numbers that are appended, then read back; no trace of them outlives the process."""

    def __init__(self, width: int) -> None:
        self._width = width
        self._folder = _FOLDER.get() or Path(tempfile.gettempdir())
        self._rows = 0
        with explain_write_errors(f"to {self._folder}"):
            self._stream = tempfile.TemporaryFile(dir=self._folder, prefix=".avbench.")  # noqa: SIM115 (closed by `finished`)

    def __len__(self) -> int:
        return self._rows

    def append(self, rows: NDArray[np.float32]) -> None:
        """Append rows, float32 `[N, width]`.

        Raises:
            AvbenchError: the disk is full, or the folder cannot be written to.
        """
        with explain_write_errors(f"to {self._folder}"):
            self._stream.write(np.ascontiguousarray(rows, np.float32).data)
        self._rows += len(rows)

    def finished(self) -> NDArray[np.float32]:
        """Give all rows, float32 `[N, width]`, `N >= 1`, as a memory map. Nothing can be appended any more.

        Raises:
            AvbenchError: as `append`.
        """
        with explain_write_errors(f"to {self._folder}"), self._stream:
            self._stream.flush()
            return np.memmap(self._stream, np.float32, "r", shape=(self._rows, self._width))
