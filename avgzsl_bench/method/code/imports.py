"""What a source imports, found without running it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

EVERYTHING = "*"
_DYNAMIC = ("import_module", "__import__")
"""Functions that import what a string names."""
_BINDING = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Pass)
"""Statements of a module that only bind names; assignments to names do, too."""
_TARGET = (ast.Name, ast.Tuple, ast.List, ast.Starred, ast.expr_context)
"""What an assignment to names consists of, on its left."""


class Reference(NamedTuple):
    """A module that a source refers to, or something in it: a name, or a module of that package."""

    module: str
    name: str | None = None


@dataclass(frozen=True)
class Names:
    """What a source refers to and what it binds.

    Attributes:
        references: of every import, those inside functions included, and of attributes of what was imported.
        bound: every name that it binds, anywhere.
        strings: every string in it, where imports made when a name is asked for may stand.
        acts: whether importing it does more than to bind names.
        computed: whether it imports modules whose names it computes.
    """

    references: frozenset[Reference] = frozenset()
    bound: frozenset[str] = frozenset()
    strings: frozenset[str] = frozenset()
    acts: bool = False
    computed: bool = False


def names_of(tree: ast.Module, module: str, *, is_package: bool) -> Names:
    """Find what a module refers to and binds, from its parsed source and its full name."""
    nodes = list(ast.walk(tree))
    package = module if is_package else module.rpartition(".")[0]
    aliases: dict[str, str] = {}
    references: set[Reference] = set()
    computed = False
    for node in nodes:
        if isinstance(node, ast.Import):
            for alias in node.names:
                references.add(Reference(alias.name))
                top = alias.name.partition(".")[0]
                aliases[alias.asname or top] = alias.name if alias.asname else top
        elif isinstance(node, ast.ImportFrom):
            origin = _absolute(node.module or "", node.level, package)
            for alias in node.names:
                references.add(Reference(origin, alias.name))
                aliases[alias.asname or alias.name] = f"{origin}.{alias.name}"
        elif isinstance(node, ast.Call) and _called(node) in _DYNAMIC:
            text = _literal(node)
            computed |= text is None
            name = (text or "").lstrip(".")
            if text and name:
                references.add(Reference(_absolute(name, len(text) - len(name), package)))
    for node in nodes:
        if isinstance(node, ast.Attribute) and (chain := _dotted(node.value, aliases)) is not None:
            references.add(Reference(chain, node.attr))
    return Names(
        references=frozenset(references),
        bound=frozenset([*aliases, *(name for node in nodes for name in _bound_by(node))]),
        strings=frozenset(n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)),
        acts=any(_acts(statement) for statement in tree.body),
        computed=computed,
    )


def _absolute(name: str, level: int, package: str) -> str:
    """Give the full name of a module that is named from `level` - 1 packages above a package; 0: from the top."""
    if not level:
        return name
    parts = package.split(".")
    return ".".join(part for part in [*parts[: len(parts) - level + 1], name] if part)


def _called(node: ast.Call) -> str | None:
    """Give the last part of the name of the function that is called."""
    function = node.func
    return function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", None)


def _literal(node: ast.Call) -> str | None:
    """Give the first argument of a call, or the one that is called `name`, if it is a literal string."""
    given = [*node.args[:1], *(keyword.value for keyword in node.keywords if keyword.arg == "name")]
    match given:
        case [ast.Constant(value=str(text)), *_]:
            return text
    return None


def _acts(statement: ast.stmt) -> bool:
    """Check whether a statement of a module does more than to bind names."""
    match statement:
        case ast.Assign(targets=targets):
            return not all(isinstance(node, _TARGET) for target in targets for node in ast.walk(target))
        case ast.AnnAssign(target=target) | ast.AugAssign(target=target):
            return not isinstance(target, ast.Name)
        case ast.Expr(value=ast.Constant()):
            return False
        case ast.If(test=ast.Name(id="TYPE_CHECKING") | ast.Attribute(attr="TYPE_CHECKING"), orelse=orelse):
            return any(_acts(other) for other in orelse)
    return not isinstance(statement, _BINDING)


def _dotted(node: ast.expr, aliases: dict[str, str]) -> str | None:
    """Give the full name of `alias.attribute.attribute`; None for any other expression."""
    if isinstance(node, ast.Name):
        return aliases.get(node.id)
    if isinstance(node, ast.Attribute) and (inner := _dotted(node.value, aliases)) is not None:
        return f"{inner}.{node.attr}"
    return None


def _bound_by(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
        yield node.id
    elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
