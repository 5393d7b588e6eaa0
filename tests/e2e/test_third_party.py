"""A third-party distribution: installed with pip into an environment of its own, run, and found in the table."""

from __future__ import annotations

import json
import os
import site
import subprocess
import sys
import venv
from functools import partial
from pathlib import Path

import pytest
from process_control import python

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "third_party_method"


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    """A fresh environment with the plugin; it sees this one's packages, as torch is too large to install again."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    program = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    purelib = python("import sysconfig; print(sysconfig.get_path('purelib'))", program=program).stdout.strip()
    lines = [f"import site; site.addsitedir({path!r})" for path in [*site.getsitepackages()]]
    Path(purelib, "parent_environment.pth").write_text("\n".join(lines) + "\n")
    installed = subprocess.run(
        [program, "-m", "pip", "install", "--quiet", str(EXAMPLE)], capture_output=True, text=True, check=False
    )
    assert installed.returncode == 0, installed.stderr
    assert sys.prefix != str(folder)
    return partial(python, program=program, PYTHONWARNINGS="ignore")


def _avbench(environment, *arguments, cwd):
    done = environment("from avgzsl_bench.cli import main; main()", *arguments, cwd=cwd)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_third_party_method_joins_by_being_installed(environment, tmp_path, data_root):
    methods = json.loads(_avbench(environment, "methods", "--json", cwd=tmp_path))
    assert next(m for m in methods if m["name"] == "prototypes")["distribution"] == "avbench-prototypes"
    run = ("run", "--method", "prototypes", "--dataset", "ucf", "--features", "simulated", "--json")
    record = json.loads(_avbench(environment, *run, "--data-root", data_root, cwd=tmp_path))
    assert record["method"]["distribution"] == "avbench-prototypes"
    assert record["metrics"]["zsl"] > 2 / 6, "twice chance on six unseen classes"
    _avbench(environment, "leaderboard", cwd=tmp_path)
    table = (tmp_path / "leaderboards" / "ucf-simulated-cls.md").read_text()
    assert f"{100 * record['metrics']['hm']:.2f}" in next(r for r in table.splitlines() if "Prototypes" in r)


def test_it_passes_the_conformance_kit(environment, tmp_path):
    done = environment("from avgzsl_bench.testing import check_method; check_method('prototypes')", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
