"""How much memory an import takes: what it holds at a time is a class, however many there are."""

from __future__ import annotations

from pathlib import Path

import pytest
from process_control import python, search_path

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc here")

PEAK = """
import sys
from pathlib import Path

def peak():
    # Since the program began; ru_maxrss would begin with the memory of whoever started it.
    return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0])
"""

PROGRAM = """
from official_size import write_tree
from avgzsl_bench.data.layouts.importing import import_tree
from avgzsl_bench.data.datasets.registry import registered_dataset as dataset

folder, name = Path(sys.argv[1]), sys.argv[2]
if len(sys.argv) > 3:
    videos = write_tree(folder / "tree", dataset(name), "main")
    print(videos)
else:
    before = peak()
    (result,) = import_tree(folder / "tree", folder / "data", force=False)
    print(result.videos, peak(), peak() - before)
"""


def program(*arguments: object, code: str = PROGRAM) -> list[int]:
    done = python(PEAK + code, *arguments, PYTHONPATH=search_path(BENCHMARKS))
    assert done.returncode == 0, done.stderr
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
    assert program(tmp_path, dataset, "write") == [videos]
    imported, peak, growth = program(tmp_path, dataset)
    assert imported == videos
    assert peak < peak_mib << 10
    assert growth < growth_mib << 10


ADDING = """
import numpy as np
from growth import brought_from, write_sources
from avgzsl_bench.data.own.adding import add_features

folder, videos, width = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
if sys.argv[4:] == ["write"]:
    write_sources(folder, videos, 20)
    random = np.random.default_rng(0)
    np.save(folder / "visual.npy", random.random((videos, width), np.float32))
else:
    before = peak()
    print(add_features(folder, brought_from(folder), force=False).videos)
    print(peak() - before)
"""


def test_features_of_ones_own_stream(tmp_path: Path) -> None:
    videos, width = 40_000, 1000  # 153 MiB
    assert program(tmp_path, videos, width, "write", code=ADDING) == []
    added, growth = program(tmp_path, videos, width, code=ADDING)
    assert added == videos
    assert growth < 110 << 10  # 64 MiB of what waits on disk may be in memory; the rest is the table's text
