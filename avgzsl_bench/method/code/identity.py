"""The hash of a method's code, and the git checkout that it lies in."""

from __future__ import annotations

import hashlib
import sys
from functools import lru_cache
from pathlib import Path

from avgzsl_bench.errors import PluginError
from avgzsl_bench.method.base import Method
from avgzsl_bench.method.code.loaded import edited_file
from avgzsl_bench.method.code.modules import find_module, modules_of, top_of
from avgzsl_bench.method.code.places import NEVER
from avgzsl_bench.system.checkout import Checkout, checkout_of

_DIGITS = 12


@lru_cache(maxsize=256)
def code_of(method: type[Method]) -> str | None:
    """Hash the code of a method, as it is when first asked for in this process.

    Its code is its module, those of the classes that it is derived from, and what these import of their own
    top-level packages or of modules beside them, directly or not. The harness is left out: `NUMERICS` stands for
    it; so are the libraries of `NEVER`. Comments, docstrings, layout and descriptions of settings do not count
    (see `tokens`), and the hash is the same on every version of Python. A compiled module that is imported counts
    only by its name.

    Returns:
        Twelve hexadecimal digits; None where there is none, see `why_no_code`.

    Raises:
        PluginError: a file was edited after it was imported, so that it is not what would run.
    """
    if why_no_code(method) is not None:
        return None
    bases = [base.__module__ for base in method.__mro__ if top_of(base.__module__) not in NEVER]
    digest = hashlib.sha256()
    for module in modules_of(bases, {top_of(base) for base in bases}):
        if module.source is not None and (file := edited_file(module.name, module.source)) is not None:
            raise PluginError(f"{file} was edited after it was imported; start Python again")
        for text in (module.name, *module.content.tokens, ""):
            digest.update(text.encode(errors="surrogatepass") + b"\0")
    return digest.hexdigest()[:_DIGITS]


def why_no_code(method: type[Method]) -> str | None:
    """Say why there is no hash of a method's code; None if there is one."""
    own = find_module(method.__module__)
    if own is None or own.name == "__main__":
        return "it is written in a notebook or a script"
    if top_of(own.name) in NEVER:
        return f"it is part of {top_of(own.name)}"
    return None if own.source is not None else f"the source of {own.name} cannot be read"


@lru_cache(maxsize=256)
def checkout_of_code(method: type[Method]) -> Checkout | None:
    """Find the git checkout that the module of a method belongs to; None if there is none."""
    origin = getattr(getattr(sys.modules.get(method.__module__), "__spec__", None), "origin", None)
    return checkout_of(Path(origin).resolve()) if isinstance(origin, str) else None
