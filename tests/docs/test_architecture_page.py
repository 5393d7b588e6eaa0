"""docs/architecture.md names what is there, and all of it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
FOLDERS = set(re.findall(r"^\| `([a-z_/]+/)`", PAGE, flags=re.MULTILINE))


def test_every_package_has_a_line():
    packages = {
        f"{path.parent.relative_to(ROOT).as_posix()}/" for path in ROOT.glob("avgzsl_bench/**/__init__.py")
    }
    parents = {"avgzsl_bench/", "avgzsl_bench/report/"}
    assert packages - parents <= FOLDERS


def test_what_it_names_exists():
    folders = {name for name in FOLDERS if not (ROOT / name).is_dir()}
    named = set(re.findall(r"`([a-z_]+(?:/[a-z_]+)*\.(?:py|toml|md))`", PAGE))
    files = [path.as_posix() for part in ("avgzsl_bench", "docs", "tests") for path in (ROOT / part).rglob("*.*")]
    missing = {name for name in named if not any(path.endswith(f"/{name}") for path in files)}
    assert (folders, missing) == (set(), set())
