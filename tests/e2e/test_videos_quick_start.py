"""The quick start of docs/videos.md, typed in a fresh environment; it needs the package index."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from own_videos import write_own_videos

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "videos.md").read_text(encoding="utf-8")
PROJECT = ("avgzsl_bench", "baselines", "methods", "examples")


def quick_start() -> list[str]:
    """The commands of the quick start."""
    section = re.search(r"<!-- quick start -->\n(.*?)<!-- end of quick start -->", PAGE, re.S)
    assert section, "docs/videos.md has lost its quick start"
    return re.findall(r"^    (\S.*)$", section[1], re.M)


def checkout(place: Path) -> Path:
    """Copy what is installed of the project."""
    place.mkdir()
    for name in PROJECT:
        shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    for path in (*ROOT.glob("*.toml"), *ROOT.glob("README.md"), *ROOT.glob("LICENSE*")):
        shutil.copy(path, place)
    return place


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="runs a shell")
def test_the_quick_start_works(tmp_path: Path) -> None:
    folder = checkout(tmp_path / "checkout")
    (folder / "videos").mkdir()
    write_own_videos(folder / "videos", tables=folder, split="cls")
    programs = tmp_path / "environment" / "bin"
    subprocess.run([sys.executable, "-m", "venv", programs.parent], check=True)
    plain = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "AVBENCH"))}
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-ec", "\n".join(quick_start())],
        cwd=folder,
        env={**plain, "PATH": path, "AVBENCH_DATA": str(tmp_path / "data")},
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "20 of 20 standard videos are there" in done.stdout
    assert "extracted from videos" in done.stdout
    (record,) = (folder / "results" / "mine" / "lite0_conse_logmel").rglob("*.json")
    assert record.stat().st_size
    assert list((folder / "leaderboards").rglob("mine-lite0_conse_logmel-cls*"))
