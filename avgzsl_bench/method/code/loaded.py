"""Whether the functions of an imported module are those of its source, which may have been edited since."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib.abc import InspectLoader
from types import CodeType, FunctionType, ModuleType
from typing import Any


def edited_file(name: str, source: str) -> str | None:
    """Give the file of a module if it was edited after it was imported.

    Its functions, those of its classes too, are compared with its source as it would be compiled now, wherever in
    the file they stand. What is not imported yet or has no functions is passed over.
    """
    module = sys.modules.get(name)
    spec = getattr(module, "__spec__", None)
    if module is None or spec is None or not isinstance(spec.origin, str):
        return None
    loaded = {_anywhere(code) for code in _code_of_functions(module, spec.origin)}
    if not loaded:
        return None
    # Of the loader, because some change what they load, e.g. to check types.
    compiled: Callable[..., CodeType] = getattr(spec.loader, "source_to_code", InspectLoader.source_to_code)
    try:
        present = set(_all_inside(_anywhere(compiled(source, spec.origin))))
    except (SyntaxError, ValueError):
        return spec.origin  # it could be compiled when it was imported
    return None if loaded <= present else spec.origin


def _code_of_functions(module: ModuleType, file: str) -> Iterator[CodeType]:
    """Yield the code of the functions of a module that its file defines, and of those of its classes."""
    todo: list[Any] = list(vars(module).values())
    known: set[int] = set()
    while todo:
        value = todo.pop()
        if id(value) in known:
            continue
        known.add(id(value))
        if isinstance(value, type):
            if value.__module__ == module.__name__:
                todo += vars(value).values()
        elif isinstance(value, property):
            todo += [value.fget, value.fset, value.fdel]
        elif isinstance(value, staticmethod | classmethod):
            todo.append(value.__func__)
        else:
            if isinstance(value, FunctionType) and value.__code__.co_filename == file:
                yield value.__code__
            if isinstance(wrapped := getattr(value, "__dict__", {}).get("__wrapped__"), FunctionType):
                todo.append(wrapped)


def _anywhere(code: CodeType) -> CodeType:
    """Give code as it would be in any place of any file."""
    line = code.co_firstlineno if "__firstlineno__" in code.co_names else None  # a class from Python 3.13 on
    constants = (0 if type(value) is int and value == line else value for value in code.co_consts)
    inside = tuple(_anywhere(value) if isinstance(value, CodeType) else value for value in constants)
    return code.replace(co_firstlineno=1, co_linetable=b"", co_filename="", co_consts=inside)


def _all_inside(code: CodeType) -> Iterator[CodeType]:
    yield code
    for value in code.co_consts:
        if isinstance(value, CodeType):
            yield from _all_inside(value)
