"""The few names a pickle may mention, and what each stands for: NumPy arrays and scalars, tensors, and bytes.

A name found in a pickle is looked up in `ADMITTED` and becomes an inert `Name`. Nothing is imported and none
of the named functions runs: `call` and `set_state` do by hand what they would do for well-formed arguments,
and refuse all others. An array is only made once as many bytes are at hand as its shape and type ask for, so
a declared shape cannot claim memory.
"""

from __future__ import annotations

import math
import re
import sys
from dataclasses import dataclass
from pickle import UnpicklingError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.untrusted import pickled_torch

_DTYPE = re.compile(r"b1|[iu][1248]|f[248]|[SU][1-9][0-9]{0,5}|O8?")


@dataclass(frozen=True, slots=True)
class Name:
    """An admitted name; `what` tells which."""

    what: str


ADMITTED = {
    **{
        (f"numpy.{core}.{module}", name): Name(what)
        for core in ("core", "_core")
        for module, name, what in (
            ("multiarray", "_reconstruct", "array"),
            ("multiarray", "scalar", "scalar"),
            ("numeric", "_frombuffer", "buffer"),
        )
    },
    ("numpy", "ndarray"): Name("ndarray"),
    ("numpy", "dtype"): Name("dtype"),
    ("_codecs", "encode"): Name("encode"),
    ("builtins", "bytes"): Name("bytes"),
    ("__builtin__", "bytes"): Name("bytes"),
    ("collections", "OrderedDict"): Name("dict"),
    ("torch.storage", "_load_from_bytes"): Name("storage"),
    ("torch._utils", "_rebuild_tensor_v2"): Name("tensor"),
}


@dataclass(slots=True)
class ElementType:
    """An array's element type while its pickle is read: the byte order comes after the rest."""

    code: str
    order: str = "="

    def finished(self) -> np.dtype[Any]:
        """Give the NumPy type."""
        return np.dtype(self.order + self.code if self.code[0] in "iufU" else self.code)


def call(name: Any, arguments: Any) -> Any:
    """Give the result of an admitted name for the arguments in the pickle.

    Raises:
        UnpicklingError: it is not a name, or the arguments are not those that NumPy writes.
    """
    match name, arguments:
        case Name("array"), (Name("ndarray"), (0,), b"b"):
            return np.empty(0, np.int8)
        case Name("dtype"), (str(code), _, _) if _DTYPE.fullmatch(code):
            return ElementType(code)
        case Name("scalar"), (ElementType() as element, bytes(raw)):
            return _array((), element, "C", raw)[()]
        case Name("buffer"), (
            bytes() | bytearray() as raw,
            ElementType() as element,
            tuple(shape),
            "C" | "F" as o,
        ):
            return _array(shape, element, o, raw)
        case Name("encode"), (str(text), "latin1" | "latin-1"):
            return text.encode("latin-1")
        case Name("bytes"), ():
            return b""
        case Name("dict"), ():
            return {}
        case Name("storage"), (bytes(raw),):
            return pickled_torch.storage(raw)
        case Name("tensor"), (numbers, offset, tuple(shape), tuple(strides), bool(), {}, *_):
            return pickled_torch.tensor(numbers, offset, shape, strides)
    what = name.what if isinstance(name, Name) else type(name).__name__
    raise UnpicklingError(f"refused: a call of {what!r} with arguments that NumPy does not write")


def set_state(target: Any, state: Any) -> Any:
    """Set the state of a target: an array's shape, type and content, or an element type's byte order.

    Raises:
        UnpicklingError: the target takes no state, or the state is not one that NumPy writes.
    """
    match target, state:
        case ElementType() as element, (3 | 4, "<" | ">" | "|" | "=" as order, None, None, None, *_):
            element.order = "=" if order == "|" else order
            return element
        case np.ndarray(), (1, tuple(shape), ElementType() as element, bool(fortran), bytes() | list() as content):
            return _fill(target, shape, element, fortran, content)
    raise UnpicklingError(f"refused: a state for {type(target).__name__!r} that NumPy does not write")


def _array(shape: tuple[Any, ...], element: ElementType, order: Any, raw: bytes | bytearray) -> NDArray[Any]:
    dtype = element.finished()
    _check_size(shape, dtype, len(raw))
    _check_text(dtype, raw)
    return np.frombuffer(raw, dtype).reshape(shape, order=order)


def _fill(
    blank: NDArray[Any], shape: tuple[Any, ...], element: ElementType, fortran: bool, content: bytes | list[Any]
) -> NDArray[Any]:
    """Fill the blank array in place, as other parts of the pickle may refer to it already."""
    if blank.shape != (0,) or blank.dtype != np.int8:
        raise UnpicklingError("refused: an array whose state is set twice")
    dtype = element.finished()
    if isinstance(content, list) != dtype.hasobject:
        raise UnpicklingError("refused: an array whose content does not fit its type")
    _check_size(shape, dtype, len(content) * (dtype.itemsize if dtype.hasobject else 1))
    if isinstance(content, bytes):
        _check_text(dtype, content)
    state: Any = (1, shape, dtype, fortran, content)
    blank.__setstate__(state)
    return blank


def _check_text(dtype: np.dtype[Any], raw: bytes | bytearray) -> None:
    """NumPy keeps text as code points, unchecked; Python breaks on those beyond the last."""
    if dtype.kind == "U" and len(raw) and np.frombuffer(raw, dtype.byteorder + "u4").max() > sys.maxunicode:
        raise UnpicklingError("refused: text with a character that does not exist")


def _check_size(shape: tuple[Any, ...], dtype: np.dtype[Any], size: int) -> None:
    if not all(type(n) is int and n >= 0 for n in shape) or len(shape) > 32:
        raise UnpicklingError("refused: an array shape that is none")
    if math.prod(shape) * dtype.itemsize != size:
        raise UnpicklingError(f"refused: an array of shape {shape} and type {dtype} with {size} bytes of content")
