"""Text in Markdown."""

from __future__ import annotations

import re

from avgzsl_bench.leaderboard.board import one_line


def escape(text: str) -> str:
    """Text that Markdown shows as it is, on one line, in a table cell too."""
    escaped = re.sub(r"([\\`*\[\]|~])", r"\\\1", one_line(text))
    return escaped.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
