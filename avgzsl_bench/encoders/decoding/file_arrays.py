"""Large arrays in a file: one process writes them as they come, another reads them one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.system.files import explain_write_errors

LARGE = 8 << 20
"""Bytes of a clip's frames, or of its sound, above which they are kept in a file."""

Number = TypeVar("Number", bound=np.generic)


@dataclass(frozen=True)
class FileArrays(Generic[Number]):
    """Arrays that lie one after another in a file. Another process is sent the name of the file alone.

    Attributes:
        path: of the file.
        kind: of the numbers.
        shapes: of the arrays.
    """

    path: Path
    kind: type[Number]
    shapes: tuple[tuple[int, ...], ...]

    def __len__(self) -> int:
        return len(self.shapes)

    def __iter__(self) -> Iterator[NDArray[Number]]:
        with self.path.open("rb") as stream:
            for shape in self.shapes:
                yield np.fromfile(stream, self.kind, prod(shape)).reshape(shape)

    @classmethod
    def write(cls, path: Path, arrays: Sequence[NDArray[Number]]) -> FileArrays[Number]:
        """Write arrays, at least one.

        Raises:
            AvbenchError: the folder cannot be written to, or the disk is full.
        """
        writer = ArrayWriter(path, arrays[0].dtype.type, [array.shape for array in arrays])
        for index, array in enumerate(arrays):
            writer.put(index, 0, array)
        return writer.finished()


class ArrayWriter(Generic[Number]):
    """Writes the parts of arrays in any order. What is not written is zeros.

    Args:
        path: of the file.
        kind: of the numbers.
        shapes: of the arrays.

    Raises:
        AvbenchError: the folder cannot be written to, or the disk is full.
    """

    def __init__(self, path: Path, kind: type[Number], shapes: Iterable[tuple[int, ...]]) -> None:
        self._arrays = FileArrays(path, kind, tuple(shapes))
        self._size = np.dtype(kind).itemsize
        sizes = [self._size * prod(shape) for shape in self._arrays.shapes]
        self._starts = np.cumsum([0, *sizes]).tolist()
        with explain_write_errors(path):
            self._stream = path.open("wb")
            self._stream.truncate(self._starts[-1])

    def put(self, index: int, first: int, part: NDArray[Number]) -> None:
        """Write part of an array, from its number `first` on.

        Raises:
            AvbenchError: the disk is full.
        """
        with explain_write_errors(self._arrays.path):
            self._stream.seek(self._starts[index] + self._size * first)
            self._stream.write(np.ascontiguousarray(part).data)

    def finished(self) -> FileArrays[Number]:
        """Give the arrays; nothing can be written any more.

        Raises:
            AvbenchError: the disk is full.
        """
        with explain_write_errors(self._arrays.path):
            self._stream.close()
        return self._arrays
