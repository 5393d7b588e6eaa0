"""The tokens of a source that compute something, equal on every version of Python."""

from __future__ import annotations

import io
import keyword
import re
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

_NEWLINE, _INDENT, _DEDENT = "\n", "\x0e", "\x0f"
"""The end of a logical line, and of indentation only that there is more or less of it."""
_STRUCTURE = {tokenize.NEWLINE: _NEWLINE, tokenize.INDENT: _INDENT, tokenize.DEDENT: _DEDENT}
_LAYOUT = (tokenize.COMMENT, tokenize.NL, tokenize.ENCODING, tokenize.ENDMARKER)
_OPENING, _CLOSING = {"(": ")", "[": "]", "{": "}"}, (")", "]", "}")


class _Piece(NamedTuple):
    """A token: whether it is a string that nothing is filled into, as a docstring is, and whether it is a word."""

    text: str
    could_be_docstring: bool = False
    is_name: bool = False


_PLAIN = re.compile("[rRuU]?[\"']")
"""How a string begins that is neither of bytes nor formatted."""
_NOTHING = _Piece("")


def code_tokens(source: str) -> list[str]:
    """List the tokens of a source that compute something.

    Left out are comments, docstrings (of attributes too), the width of indentation, empty and broken lines, commas
    before a closing bracket that mean nothing, and `description=...` of `Field(...)`. Blocks and the ends of
    logical lines are tokens. An f-string is one token, as it was before Python 3.12.

    Args:
        source: of a module that can be parsed, with line feeds only.

    Examples:
        >>> code_tokens('def f(a,\\n      b,):  # sum\\n    "Add."\\n    return a + b')
        ['def', 'f', '(', 'a', ',', 'b', ')', ':', '\\n', '\\x0e', 'return', 'a', '+', 'b', '\\n', '\\x0f']
    """
    pieces = list(_without_docstrings(_pieces(source.rstrip() + "\n")))
    pieces = list(_without_descriptions(pieces))
    return [piece.text for piece in _without_last_commas(pieces)]


def _pieces(text: str) -> Iterator[_Piece]:
    """Yield the tokens, with f-strings, which Python cuts up from 3.12 on, in one piece."""
    lines = text.split("\n")
    start, depth = (1, 0), 0
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        kind = tokenize.tok_name[token.type]
        if kind.endswith("STRING_START"):
            start, depth = start if depth else token.start, depth + 1
        elif kind.endswith("STRING_END"):
            depth -= 1
            if not depth:
                yield _Piece(_slice(lines, start, token.end))
        elif depth or token.type in _LAYOUT:
            continue
        elif token.type in _STRUCTURE:
            yield _Piece(_STRUCTURE[token.type])
        else:
            plain = (
                token.type == tokenize.STRING and token.string[0] in "rRuU\"'" and token.string[1] not in "bBfF"
            )
            yield _Piece(token.string, plain, token.type == tokenize.NAME)


def _slice(lines: Sequence[str], start: tuple[int, int], end: tuple[int, int]) -> str:
    """Cut a text out of lines, from (line, column) to (line, column), lines counted from 1."""
    (first, left), (last, right) = start, end
    if first == last:
        return lines[first - 1][left:right]
    return "\n".join([lines[first - 1][left:], *lines[first : last - 1], lines[last - 1][:right]])


def _without_docstrings(pieces: Iterable[_Piece]) -> Iterator[_Piece]:
    """Leave out statements that are nothing but a string: docstrings, those of attributes too."""
    statement: list[_Piece] = []
    for piece in pieces:
        statement.append(piece)
        if piece.text in (_NEWLINE, _INDENT, _DEDENT) or (piece.text == ";" and statement[0].could_be_docstring):
            *body, _ = statement
            if not body or not all(part.could_be_docstring for part in body):
                yield from statement
            statement = []
    yield from statement


def _without_descriptions(pieces: Sequence[_Piece]) -> Iterator[_Piece]:
    """Leave out `description=...` in each call of a `Field`, with the comma after it."""
    calls: list[bool] = []  # for each open bracket, whether it is that of such a call
    skipping = 0  # number of open brackets around the description that is being skipped
    for i, piece in enumerate(pieces):
        if skipping:
            if piece.text in _OPENING:
                calls.append(False)
            ends = len(calls) == skipping and piece.text in (",", *_CLOSING)
            if ends:
                skipping = 0
            elif piece.text in _CLOSING:
                calls.pop()
            if not ends or piece.text == ",":
                continue
        before = pieces[i - 1].text if i else ""
        after = pieces[i + 1].text if i + 1 < len(pieces) else ""
        if calls and calls[-1] and piece.text == "description" and before in ("(", ",") and after == "=":
            skipping = len(calls)
            continue
        if piece.text in _OPENING:
            calls.append(piece.text == "(" and before == "Field")
        elif piece.text in _CLOSING:
            calls.pop()
        yield piece


class _Bracket(NamedTuple):
    """An open bracket: whether the comma before its end may make a tuple, and what stands directly in it."""

    may_be_tuple: bool
    inside: list[str]


def _without_last_commas(pieces: Sequence[_Piece]) -> Iterator[_Piece]:
    """Leave out a comma before a closing bracket, unless it is what makes a tuple of one element."""
    open_brackets: list[_Bracket] = []
    for i, piece in enumerate(pieces):
        after = pieces[i + 1].text if i + 1 < len(pieces) else ""
        if piece.text == "," and after in _CLOSING and open_brackets:
            may_be_tuple, inside = open_brackets[-1]
            if not may_be_tuple or ("," in inside and "lambda" not in inside):
                continue
        if open_brackets:
            open_brackets[-1].inside.append(piece.text)
        if piece.text in _OPENING:
            open_brackets.append(_Bracket(_may_be_tuple(piece.text, pieces[i - 1] if i else _NOTHING), []))
        elif piece.text in _CLOSING:
            open_brackets.pop()
        yield piece


def _may_be_tuple(opening: str, before: _Piece) -> bool:
    """Check whether a comma can make a tuple in a bracket: in `(a,)` and `x[a,]`, not in `f(a,)` or `[a,]`."""
    statement = before.is_name and (keyword.iskeyword(before.text) or before.text in ("match", "case"))
    follows_value = before.text in _CLOSING or (before.is_name and not statement)
    return {"(": not follows_value, "[": follows_value, "{": False}[opening]
