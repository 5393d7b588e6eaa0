"""NumPy numbers in files of torch, as trainers leave them beside weights: read, and nothing of NumPy is called.

`torch.load` with `weights_only` calls functions and types that it is told to. It is told of these, which stand for
those that NumPy's pickles name and do what `pickled_numpy` does for well-formed arguments.
"""

from __future__ import annotations

from collections.abc import Callable
from pickle import UnpicklingError
from typing import Any

from avgzsl_bench.data.untrusted.pickled_numpy import ADMITTED, ElementType, call, set_state

_DTYPE, _SCALAR = ADMITTED["numpy", "dtype"], ADMITTED["numpy._core.multiarray", "scalar"]


class _NumberType:
    """Stands for `numpy.dtype`, of numbers only."""

    def __init__(self, *arguments: Any) -> None:
        self.element: ElementType = call(_DTYPE, arguments)
        if self.element.code[0] not in "biuf":
            raise UnpicklingError("refused: a NumPy value that is no number")

    def __setstate__(self, state: Any) -> None:
        set_state(self.element, state)


def _number(kind: Any, raw: Any) -> bool | int | float:
    """Stand for `numpy.core.multiarray.scalar`; gives a number of Python."""
    if not isinstance(kind, _NumberType):
        raise UnpicklingError("refused: a NumPy value that is no number")
    number: bool | int | float = call(_SCALAR, (kind.element, raw)).item()
    return number


NUMPY_NUMBERS: list[Callable[..., Any] | tuple[Callable[..., Any], str]] = [
    (_NumberType, "numpy.dtype"),
    (_number, "numpy.core.multiarray.scalar"),
    (_number, "numpy._core.multiarray.scalar"),
]
"""What to give to `torch.serialization.safe_globals`: functions and types, with the names that they stand for."""
