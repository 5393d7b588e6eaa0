"""Reading variable-length text of an HDF5 file from its bytes.

The HDF5 library (2.0) hangs, or claims gigabytes, where a single byte of such text's book-keeping is damaged.
Here each length and position is checked against the file before it is used.

On disk a text is a reference: length (4 bytes), address of a heap (8), number of an entry in it (4). A heap is
`GCOL`, version 1, three bytes, its size (8); then entries of number (2), count (2), padding (4), size (8) and
content, aligned to 8 bytes, up to entry number 0, the free space of the heap.
"""

from __future__ import annotations

import struct
from pathlib import Path

import h5py

from avgzsl_bench.errors import DataError

_REFERENCE = struct.Struct("<IQI")
_ENTRY = struct.Struct("<HHIQ")
_HEAP = struct.Struct("<4sB3xQ")

Heap = dict[int, tuple[int, int]]
"""Entry number to offset and length of its content."""


def read_texts(dataset: h5py.Dataset, longest: int) -> list[bytes]:
    """Read a one-dimensional dataset of variable-length text.

    Args:
        dataset: the dataset, stored in one piece or in chunks without filters.
        longest: texts of more bytes are refused.

    Raises:
        DataError: the references or heaps are damaged, a text is too long, or the storage is of another form.
    """
    name = dataset.file.filename
    plist = dataset.file.id.get_create_plist()
    if plist.get_sizes() != (8, 8) or plist.get_userblock() or dataset.id.get_create_plist().get_nfilters():
        raise DataError(f"{name}: refused: variable-length text in an unusual form of storage")
    content = Path(name).read_bytes()
    heaps: dict[int, Heap] = {}
    texts = []
    try:
        for at in _references(dataset):
            length, address, number = _REFERENCE.unpack_from(content, at)
            if length > longest:
                raise DataError(f"{name}: a text is longer than {longest} bytes")
            if length and address not in heaps:
                heaps[address] = _heap(content, address)
            start, size = heaps[address][number] if length else (0, 0)
            if length > size:
                raise ValueError("a text beyond its entry")
            texts.append(content[start : start + length])
    except (struct.error, ValueError, KeyError, OverflowError) as error:
        raise DataError(f"{name}: damaged: variable-length text") from error
    return texts


def _references(dataset: h5py.Dataset) -> list[int]:
    """Give the offset of each text's reference in the file."""
    count = len(dataset)
    if dataset.chunks is None:
        first = dataset.id.get_offset()
        if first is None:
            raise ValueError("no place in the file")
        return [first + i * _REFERENCE.size for i in range(count)]
    places: dict[int, int] = {}
    for k in range(dataset.id.get_num_chunks()):
        chunk = dataset.id.get_chunk_info(k)
        start = chunk.chunk_offset[0]
        for i in range(start, min(start + dataset.chunks[0], count)):
            places[i] = chunk.byte_offset + (i - start) * _REFERENCE.size
    return [places[i] for i in range(count)]


def _heap(content: bytes, address: int) -> Heap:
    signature, version, size = _HEAP.unpack_from(content, address)
    end = address + size
    if (signature, version) != (b"GCOL", 1) or end > len(content):
        raise ValueError("no heap")
    entries: Heap = {}
    at = address + _HEAP.size
    while at + _ENTRY.size <= end:
        number, _, _, length = _ENTRY.unpack_from(content, at)
        if number == 0:
            break
        at += _ENTRY.size
        if at + length > end:
            raise ValueError("an entry beyond its heap")
        entries[number] = (at, length)
        at += (length + 7) // 8 * 8
    return entries
