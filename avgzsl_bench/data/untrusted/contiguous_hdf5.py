"""Reading the simplest HDF5 files from their bytes: datasets in one piece, in the root of a first-format file.

The published class files are of this form, and there are hundreds of them: asking the HDF5 library takes several
times as long as reading their bytes. Each place and length is checked against the file before it is used; whatever
is of another form is left to the library (`plain_hdf5`). The format: HDF5 File Format Specification, version 1.1.

In short: the superblock says where the root group's B-tree and heap of names are; a leaf of the tree lists
symbol nodes, those list names and object headers; a header is a list of messages, of which three say type, shape
and place.
"""

from __future__ import annotations

import math
import stat
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_SUPERBLOCK = struct.Struct("<8sB4x2B9xQ8xQ24xI4x2Q")
_TREE = struct.Struct("<4s2BH16x")
_KEY_AND_CHILD = struct.Struct("<8xQ")
_HEAP = struct.Struct("<4sB19xQ")
_SYMBOLS = struct.Struct("<4sBxH")
_SYMBOL = struct.Struct("<2QI20x")
_HEADER = struct.Struct("<BxH4xI4x")
_MESSAGE = struct.Struct("<2HB3x")
_SPACE = struct.Struct("<3B5x")
_LAYOUT = struct.Struct("<2B2Q")
_TEXT = struct.Struct("<2B2xI")

_NUMBERS = {
    h5py.h5t.py_create(np.dtype(code)).encode()[2:]: np.dtype(code)
    for code in ("<f2", "<f4", "<f8", "<i4", "<i8", "<u1")
}
"""Element types by their messages, as the library writes them."""

_MANY = 64
"""Messages of a header, at most: some ten are usual."""

_LARGEST_FILE = 1 << 28
"""Bytes of a file that is read whole: many times those of the largest published class file."""


class _AnotherForm(Exception):
    """The file is of another form, or damaged: a matter for the library."""


def read_contiguous(path: Path, names: Sequence[str]) -> list[NDArray[Any]] | None:
    """Datasets of numbers, or of text of fixed length, by their names; None if the library has to see to it.

    The arrays share the memory of the file's bytes and cannot be written to.
    """
    try:
        content = _content(path)
        headers = dict(_symbols(content))
        return [_array(content, headers[name.encode()]) for name in names]
    except (_AnotherForm, OSError, struct.error, KeyError, ValueError, TypeError, OverflowError, MemoryError):
        return None


def _content(path: Path) -> bytes:
    state = path.stat()
    if not stat.S_ISREG(state.st_mode) or state.st_size > _LARGEST_FILE:
        raise _AnotherForm
    with path.open("rb", buffering=0) as stream:
        if stream.read(len(_SIGNATURE)) != _SIGNATURE:
            raise _AnotherForm
        stream.seek(0)
        return stream.readall()


def _symbols(content: bytes) -> Iterator[tuple[bytes, int]]:
    """The names in the root group, and where their object headers are."""
    *form, end, cached, tree, heap = _SUPERBLOCK.unpack_from(content)
    if (*form, cached) != (_SIGNATURE, 0, 8, 8, 0, 1) or end > len(content):
        raise _AnotherForm
    signature, kind, level, count = _TREE.unpack_from(content, tree)
    heap_signature, version, names = _HEAP.unpack_from(content, heap)
    if (signature, kind, level, heap_signature, version) != (b"TREE", 0, 0, b"HEAP", 0):
        raise _AnotherForm
    for k in range(count):
        (node,) = _KEY_AND_CHILD.unpack_from(content, tree + _TREE.size + k * _KEY_AND_CHILD.size)
        signature, version, symbols = _SYMBOLS.unpack_from(content, node)
        if (signature, version) != (b"SNOD", 1):
            raise _AnotherForm
        for i in range(symbols):
            name, header, kind = _SYMBOL.unpack_from(content, node + _SYMBOLS.size + i * _SYMBOL.size)
            if kind == 0:  # neither a group nor a link
                yield content[names + name : content.index(b"\0", names + name)], header


def _array(content: bytes, header: int) -> NDArray[Any]:
    shape: tuple[int, ...] | None = None
    dtype: np.dtype[Any] | None = None
    place: tuple[int, int] | None = None
    for kind, at, size in _messages(content, header):
        if kind == 0x1:
            shape = _shape(content, at)
        elif kind == 0x3:
            dtype = _type(content[at : at + size])
        elif kind == 0x8:
            version, layout, *where = _LAYOUT.unpack_from(content, at)
            if (version, layout) != (3, 1):
                raise _AnotherForm
            place = where[0], where[1]
        elif kind in (0x7, 0xB):  # stored in other files; compressed
            raise _AnotherForm
    if shape is None or dtype is None or place is None:
        raise _AnotherForm
    start, length = place
    if length != math.prod(shape) * dtype.itemsize or start + length > len(content):
        raise _AnotherForm
    return np.frombuffer(content, dtype, math.prod(shape), start).reshape(shape)


def _messages(content: bytes, header: int) -> Iterator[tuple[int, int, int]]:
    """Type, place and size of the messages of an object header."""
    version, count, size = _HEADER.unpack_from(content, header)
    if version != 1 or count > _MANY:
        raise _AnotherForm
    pieces = [(header + _HEADER.size, size)]
    while pieces:
        at, size = pieces.pop(0)
        end = at + size
        while at + _MESSAGE.size <= end and count:
            kind, length, flags = _MESSAGE.unpack_from(content, at)
            at += _MESSAGE.size
            if at + length > min(end, len(content)) or flags & 2:  # 2: the message is elsewhere
                raise _AnotherForm
            if kind == 0x10:
                pieces.append(struct.unpack_from("<2Q", content, at))
            yield kind, at, length
            at += length
            count -= 1


def _shape(content: bytes, at: int) -> tuple[int, ...]:
    version, rank, _ = _SPACE.unpack_from(content, at)
    if version != 1 or not 1 <= rank <= 2:
        raise _AnotherForm
    return struct.unpack_from(f"<{rank}Q", content, at + _SPACE.size)


def _type(message: bytes) -> np.dtype[Any]:
    for encoded, dtype in _NUMBERS.items():
        if message.startswith(encoded):
            return dtype
    kind, bits, size = _TEXT.unpack_from(message)
    if kind != 0x13 or bits not in (0x1, 0x11) or not size:  # text that is filled up by zeros, ASCII or UTF-8
        raise _AnotherForm
    return np.dtype(f"S{size}")
