"""Text in Markdown."""

from __future__ import annotations

import re

from avgzsl_bench.report.tables.board import one_line

# An underscore within a word means nothing; what would begin a heading or a list does so before a space only.
_MEANING = re.compile(r"[\\`*$\[\]|~]|(?<![^\W_])_|_(?![^\W_])|^[#+-](?=[#+-]*(?:\s|$))|^\d+(?=[.)](?:\s|$))")


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line, in a table cell too."""
    escaped = re.sub(_MEANING, _escaped, one_line(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _escaped(found: re.Match[str]) -> str:
    """A character behind a backslash; a number that would begin a list, with its point behind one."""
    return f"{found[0]}\\" if found[0][0].isdigit() else f"\\{found[0]}"
