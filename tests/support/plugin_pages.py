"""The files that docs/plugins.md and docs/datasets.md show: `path` before a fenced block says what it is."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).resolve().parents[2] / "docs"
PLUGINS, DATASETS = (DOCS / f"{name}.md" for name in ("plugins", "datasets"))


def shown_files(page: Path) -> dict[str, str]:
    """Content by path of the files that a page shows."""
    text = page.read_text(encoding="utf-8")
    return dict(re.findall(r"^`([^`\n]+\.\w+)`:[^\n]*(?:\n[^\n]+)*\n\n```\w+\n(.*?)^```$", text, re.M | re.S))


def shown_commands(page: Path) -> list[list[str]]:
    """The `avbench` commands that a page shows, without the program's name."""
    lines = page.read_text(encoding="utf-8").splitlines()
    return [line.split()[1:] for line in lines if line.startswith("    avbench ")]
