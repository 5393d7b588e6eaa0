"""Tensors in pickles, as `pickle.dump` writes them, read as NumPy arrays: without torch, nothing is run.

The published caches hold them. A tensor is a call of `_rebuild_tensor_v2` on a storage, offset, shape and
strides; a storage is a call of `_load_from_bytes` on what `torch.save` wrote in its old form: four pickles (a
magic number, a version, facts of the machine, and the storage, whose class gives the element type), one more
with its key, then its length and its numbers. The pickles are only parsed: no name is looked up.
"""

from __future__ import annotations

import io
import math
import pickletools
import struct
from pickle import UnpicklingError
from typing import Any

import numpy as np
from numpy.typing import NDArray

_MAGIC = 0x1950A86A20F9469CFC6C
_TYPES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "|b1",
}
_LONGEST = 4096
"""Bytes of the pickles before the numbers: some 250 as torch writes them."""


def storage(raw: bytes) -> NDArray[Any]:
    """Read the numbers of a storage: one dimension.

    Raises:
        UnpicklingError: not in the form that torch writes, or with another number of elements than declared.
    """
    head = io.BytesIO(raw[:_LONGEST])
    magic, _, _, body, _ = (_instructions(head) for _ in range(5))
    if not any(argument == _MAGIC for _, argument in magic):
        raise UnpicklingError("refused: a storage that torch did not write")
    names = [str(argument).split() for opcode, argument in body if opcode == "GLOBAL"]
    if len(names) != 1 or len(names[0]) != 2 or names[0][0] != "torch" or names[0][1] not in _TYPES:
        raise UnpicklingError("refused: a storage of an unknown type")
    dtype = np.dtype(_TYPES[names[0][1]])
    start = head.tell() + 8
    (count,) = struct.unpack("<q", raw[head.tell() : start])
    if count < 0 or count * dtype.itemsize != len(raw) - start:
        raise UnpicklingError(f"refused: a storage of {count} elements with {len(raw) - start} bytes of content")
    return np.frombuffer(raw, dtype, offset=start)


def tensor(numbers: Any, offset: Any, shape: Any, strides: Any) -> NDArray[Any]:
    """Make the array of a tensor, whose rows are contiguous in its storage.

    Raises:
        UnpicklingError: it reaches beyond the storage, or its elements are in another order.
    """
    whole = (offset, *shape, *strides)
    if not isinstance(numbers, np.ndarray) or not all(type(n) is int and n >= 0 for n in whole) or len(shape) > 32:
        raise UnpicklingError("refused: a tensor that torch did not write")
    size = math.prod(shape)
    follow = [math.prod(shape[i + 1 :]) for i in range(len(shape))]
    straight = all(have == want or n == 1 for n, have, want in zip(shape, strides, follow, strict=False))
    if len(strides) != len(shape) or (size and not straight):
        raise UnpicklingError(f"refused: a tensor of shape {shape} with strides {strides}")
    if numbers.ndim != 1 or offset + size > len(numbers):
        raise UnpicklingError(f"refused: a tensor of shape {shape} in a storage of {numbers.size}")
    return numbers[offset : offset + size].reshape(shape)


def _instructions(stream: io.BytesIO) -> list[tuple[str, Any]]:
    return [(opcode.name, argument) for opcode, argument, _ in pickletools.genops(stream)]
