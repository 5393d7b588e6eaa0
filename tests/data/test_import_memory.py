"""How much memory an import takes: what it holds at a time is a class, however many there are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

PROGRAM = """
import resource, sys
from pathlib import Path
from official_size import write_tree
from avgzsl_bench.data.importing import import_tree
from avgzsl_bench.plugins import dataset

def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

folder, name = Path(sys.argv[1]), sys.argv[2]
if len(sys.argv) > 3:
    videos = write_tree(folder / "tree", dataset(name), "main")
    print(videos)
else:
    before = peak()
    (result,) = import_tree(folder / "tree", folder / "data", force=False)
    print(result.videos, peak(), peak() - before)
"""


def program(*arguments: str) -> list[int]:
    search = os.pathsep.join([str(BENCHMARKS), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": search},
    )
    return [int(word) for word in done.stdout.split()]


@pytest.mark.parametrize(
    ("dataset", "videos", "peak_mib", "growth_mib"),
    [
        # The stores are of 110 MiB and 1.5 GiB; 64 MiB of what waits on disk may be in memory.
        ("ucf", 6816, 1024, 100),
        pytest.param("vggsound", 93752, 2048, 400, marks=pytest.mark.slow),
    ],
)
def test_imports_stream(tmp_path: Path, dataset: str, videos: int, peak_mib: int, growth_mib: int) -> None:
    assert program(str(tmp_path), dataset, "write") == [videos]
    imported, peak, growth = program(str(tmp_path), dataset)
    assert imported == videos
    assert peak < peak_mib << 10
    assert growth < growth_mib << 10
