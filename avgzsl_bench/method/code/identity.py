"""The hash of a method's code, and the git checkout that it lies in."""

from __future__ import annotations

import hashlib
import sys
from functools import lru_cache
from pathlib import Path

from avgzsl_bench.method.base import Method
from avgzsl_bench.method.code.modules import find_module, modules_of
from avgzsl_bench.system.checkout import Checkout, checkout_of

_DIGITS = 12
_HARNESS = "avgzsl_bench"


@lru_cache(maxsize=256)
def code_of(method: type[Method]) -> str | None:
    """Hash the code of a method, as it is when first asked for in this process.

    Its code is its module, those of the methods that it is derived from, and what these import of their own
    top-level packages, directly or not. The harness is left out: `NUMERICS` stands for it. Comments, docstrings,
    layout and descriptions of settings do not count (see `tokens`), and the hash is the same on every version of
    Python. A compiled module that is imported counts only by its name.

    Returns:
        Twelve hexadecimal digits; None where there is no source: compiled, or written in a notebook or a script.
    """
    bases = [base for base in method.__mro__ if issubclass(base, Method) and _top(base) != _HARNESS]
    own = find_module(method.__module__)
    if own is None or own.source is None or own.name == "__main__" or method not in bases:
        return None
    digest = hashlib.sha256()
    for module in modules_of((base.__module__ for base in bases), {_top(base) for base in bases}):
        for text in (module.name, *module.content.tokens, ""):
            digest.update(text.encode(errors="surrogatepass") + b"\0")
    return digest.hexdigest()[:_DIGITS]


@lru_cache(maxsize=256)
def checkout_of_code(method: type[Method]) -> Checkout | None:
    """Find the git checkout that the module of a method belongs to; None if there is none."""
    origin = getattr(getattr(sys.modules.get(method.__module__), "__spec__", None), "origin", None)
    return checkout_of(Path(origin).resolve()) if isinstance(origin, str) else None


def _top(target: type) -> str:
    return target.__module__.partition(".")[0]
