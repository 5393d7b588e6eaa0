"""What is installed: every data file is in the wheel and opens from there."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from process_control import python

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = {"avgzsl_bench": "avgzsl_bench", "avgzsl_baselines": "baselines", "avgzsl_mft": "methods/mft"}

OPEN_ALL = """
import sys
sys.path.insert(0, {wheel!r})
import avgzsl_bench as ab, avgzsl_baselines, avgzsl_mft
from avgzsl_bench.method.settings import default_settings
from avgzsl_bench.data.audit.finding import checks
from avgzsl_bench.data.datasets.facts import read_dataset
from avgzsl_bench.data.datasets.video_list import packaged_videos
from avgzsl_bench.encoders.texts.templates import templates_for
from avgzsl_bench.report.reported.figures import read_reported
from avgzsl_bench.plugins import builtin as standard
assert all(m.__file__.startswith({wheel!r}) for m in (ab, avgzsl_baselines, avgzsl_mft))
assert checks()
assert templates_for("ucf", "visual")
for spec in standard.avbench_datasets():
    assert read_dataset(spec).classes
assert [s.name for s in standard.avbench_datasets() if packaged_videos(read_dataset(s))] == ["activitynet", "ucf"]
for spec in standard.avbench_reported():
    assert read_reported(spec)
for plugin in (avgzsl_baselines, avgzsl_mft):
    for spec in plugin.avbench_methods():
        if spec.defaults:
            assert default_settings(spec, "ucf", "clip_clap")
print("opened")
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return next(out.glob("*.whl"))


def test_every_file_of_the_packages_is_in_the_wheel(wheel):
    packed = set(zipfile.ZipFile(wheel).namelist())
    for package, folder in PACKAGES.items():
        base = ROOT if folder == package else ROOT / folder
        files = [p for p in (base / package).rglob("*") if p.is_file() and "__pycache__" not in p.parts]
        assert files
        missing = {p.relative_to(base).as_posix() for p in files} - packed
        assert not missing


def test_every_data_file_opens_from_the_wheel(wheel, tmp_path):
    unpacked = tmp_path / "installed"
    zipfile.ZipFile(wheel).extractall(unpacked)
    done = python(OPEN_ALL.format(wheel=str(unpacked)), cwd=tmp_path)
    assert done.stdout.strip() == "opened", done.stderr


def test_the_wheel_holds_nothing_else(wheel):
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert tops - {t for t in tops if t.endswith(".dist-info")} == set(PACKAGES)
