"""Reading pickles without trusting them: only plain containers and NumPy arrays.

A pickle is a program that may call anything it names. Here its instructions are interpreted one by one against a
short list; no name in the file is imported, no function called. Any other instruction or name ends the reading.
Memory stays in proportion to the file: every length is checked against the remaining bytes.

Admitted: dict (keys are text or bytes), list, tuple, str, bytes, int, float, bool, None, NumPy arrays and
scalars of plain types and of objects among these, and tensors (as arrays), as protocols 2 to 5 write them.
"""

from __future__ import annotations

import ast
import io
import pickletools
import struct
from collections.abc import Callable
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, BinaryIO

import numpy as np

from avgzsl_bench.data.untrusted import pickled_numpy
from avgzsl_bench.errors import DataError, one_line

_PROTOCOLS = range(2, 6)
_DAMAGED = (
    *(UnpicklingError, EOFError, ValueError, TypeError, LookupError, OverflowError),
    *(RecursionError, MemoryError, SyntaxError, struct.error),
)
"""Errors for a damaged file, raised here and by the parsers of the standard library and NumPy."""


def load_pickle(path: Path) -> object:
    """Read the content of a pickle.

    Raises:
        DataError: the file cannot be read, is damaged, or asks for anything but arrays and containers.
    """
    return _read(path, "pickle", _interpret)


def load_object_array(path: Path) -> object:
    """Read the object of a `.npy` file that holds a single one, such as a dict.

    Raises:
        DataError: the file cannot be read, is damaged or no such array, or asks for anything but arrays
            and containers.
    """
    return _read(path, ".npy file", _object_in_npy)


def _read(path: Path, kind: str, parse: Callable[[BinaryIO], object]) -> object:
    try:
        return parse(io.BytesIO(path.read_bytes()))
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}") from error
    except _DAMAGED as error:
        reason = one_line(str(error), 300) or type(error).__name__
        raise DataError(f"{path}: damaged or unsafe {kind}: {reason}") from error


def _object_in_npy(stream: BinaryIO) -> object:
    version = np.lib.format.read_magic(stream)
    if version not in ((1, 0), (2, 0)):
        raise UnpicklingError(f"format version {version} is not known")
    length_format = "<H" if version == (1, 0) else "<I"
    (length,) = struct.unpack(length_format, stream.read(struct.calcsize(length_format)))
    if length > 10_000:
        raise UnpicklingError(f"a header of {length} bytes")
    header = ast.literal_eval(stream.read(length).decode("latin-1").strip())
    if not isinstance(header, dict) or header.get("descr") != "|O" or header.get("shape") != ():
        raise UnpicklingError("it does not hold a single object")
    array = _interpret(stream)
    if not isinstance(array, np.ndarray) or array.shape != () or array.dtype != object:
        raise UnpicklingError("it does not hold a single object")
    return array.item()


def _interpret(stream: BinaryIO) -> object:
    machine = _Machine()
    for opcode, argument, _ in pickletools.genops(stream):
        machine.step(opcode.name, argument)
    return machine.result()


class _Mark:
    """The beginning of a group of values on the stack."""


class _Machine:
    """A stack and a memo. Instructions of `_VALUES` push their argument; `_STEPS` are the others."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}

    def step(self, opcode: str, argument: Any) -> None:
        """Carry out one instruction."""
        if opcode in _VALUES:
            self.stack.append(argument)
        elif opcode in _CONSTANTS:
            self.stack.append(_CONSTANTS[opcode]())
        elif opcode in _STEPS:
            _STEPS[opcode](self, argument)
        else:
            named = "" if argument is None else f" ({str(argument)[:80]})"
            raise UnpicklingError(f"refused: instruction {opcode}{named}")

    def result(self) -> object:
        """Give the object of a pickle that has ended."""
        if len(self.stack) != 1:
            raise UnpicklingError("it ends with values left over")
        return self.pop()

    def pop(self) -> Any:
        """Take the last value, which must not be a mark."""
        value = self.stack.pop()
        if isinstance(value, _Mark):
            raise UnpicklingError("a value is missing")
        return value

    def last(self, count: int) -> list[Any]:
        """Take the last values, none of which may be a mark, in the order in which they were pushed."""
        return [self.pop() for _ in range(count)][::-1]

    def group(self) -> list[Any]:
        """Take all values down to the last mark, and the mark."""
        at = len(self.stack) - 1
        while at >= 0 and not isinstance(self.stack[at], _Mark):
            at -= 1
        if at < 0:
            raise UnpicklingError("a group has no beginning")
        values = self.stack[at + 1 :]
        del self.stack[at:]
        return values

    def protocol(self, number: int) -> None:
        if number not in _PROTOCOLS:
            raise UnpicklingError(f"protocol {number} is not known")

    def name(self, module: Any, attribute: Any) -> None:
        if not (isinstance(module, str) and isinstance(attribute, str)):
            raise UnpicklingError("refused: a name that is not text")
        if (module, attribute) not in pickled_numpy.ADMITTED:
            raise UnpicklingError(f"refused: it asks for {f'{module}.{attribute}'[:120]}")
        self.stack.append(pickled_numpy.ADMITTED[module, attribute])

    def remember(self, index: int) -> None:
        value = self.pop()
        self.memo[index] = value
        self.stack.append(value)

    def extend(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, list):
            raise UnpicklingError("it appends to what is not a list")
        target.extend(values)

    def update(self, values: list[Any]) -> None:
        target = self.stack[-1]
        if not isinstance(target, dict) or len(values) % 2:
            raise UnpicklingError("it sets items of what is not a dict")
        for key, value in zip(values[::2], values[1::2], strict=True):
            # Hashing nested tuples can exhaust the C stack, and integers of equal hash can be made to order.
            if not isinstance(key, str | bytes):
                raise UnpicklingError(f"refused: a dict key of type {type(key).__name__!r}")
            target[key] = value


_VALUES = {
    *("BININT", "BININT1", "BININT2", "LONG1", "LONG4", "BINFLOAT"),
    *("BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"),
    *("BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8"),
}
_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None,
    "NEWTRUE": lambda: True,
    "NEWFALSE": lambda: False,
    "EMPTY_DICT": dict,
    "EMPTY_LIST": list,
    "EMPTY_TUPLE": tuple,
    "MARK": _Mark,
}
_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "PROTO": lambda m, number: m.protocol(number),
    "FRAME": lambda m, _: None,
    "STOP": lambda m, _: None,
    "GLOBAL": lambda m, names: m.name(*names.split(" ", 1)),
    "STACK_GLOBAL": lambda m, _: m.name(*m.last(2)),
    "BINPUT": lambda m, index: m.remember(index),
    "LONG_BINPUT": lambda m, index: m.remember(index),
    "MEMOIZE": lambda m, _: m.remember(len(m.memo)),
    "BINGET": lambda m, index: m.stack.append(m.memo[index]),
    "LONG_BINGET": lambda m, index: m.stack.append(m.memo[index]),
    "REDUCE": lambda m, _: m.stack.append(pickled_numpy.call(*m.last(2))),
    "BUILD": lambda m, _: m.stack.append(pickled_numpy.set_state(*m.last(2))),
    "TUPLE": lambda m, _: m.stack.append(tuple(m.group())),
    "TUPLE1": lambda m, _: m.stack.append(tuple(m.last(1))),
    "TUPLE2": lambda m, _: m.stack.append(tuple(m.last(2))),
    "TUPLE3": lambda m, _: m.stack.append(tuple(m.last(3))),
    "APPEND": lambda m, _: m.extend(m.last(1)),
    "APPENDS": lambda m, _: m.extend(m.group()),
    "SETITEM": lambda m, _: m.update(m.last(2)),
    "SETITEMS": lambda m, _: m.update(m.group()),
}
