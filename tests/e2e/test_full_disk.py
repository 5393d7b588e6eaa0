"""Disks that fill up, by the limit that the system sets to a file: all is written, or nothing and in one line."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest
from process_control import python, search_path
from published_tree import write_tree

from avgzsl_bench.data.layouts.avca import read_class_file
from avgzsl_bench.data.layouts.export_files import write_hdf5
from avgzsl_bench.data.store.added_text import AddedText, read_added_text, write_added_text
from avgzsl_bench.data.store.store import read_store
from avgzsl_bench.data.store.table import FeatureTable
from avgzsl_bench.data.store.writing import write_store
from avgzsl_bench.errors import AvbenchError

SEVERAL = 24
"""Limits to try, from next to nothing to a little less than is needed."""

WITHIN = """
import resource, signal, sys
from pathlib import Path
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
"""


def store(path: Path, seed: int) -> None:
    random = np.random.RandomState(seed)
    table = FeatureTable(
        dataset="ucf",
        features="selavi",
        simulated=False,
        audio=random.rand(240, 8).astype(np.float32),
        visual=random.rand(240, 12).astype(np.float32),
        label=np.arange(240) // 30,
        video_id=[f"v_{i:03d}" for i in range(240)],
        partition=np.ones(240, np.uint8),
        text={"w2v": random.rand(101, 20).astype(np.float32)},
        source="test",
    )
    write_store(path, table)


def added_text(path: Path, seed: int) -> None:
    vectors = np.random.RandomState(seed).rand(101, 20).astype(np.float32)
    write_added_text(path.parents[1], AddedText("ucf", "knowledge", vectors, "some.csv"))


def class_file(path: Path, seed: int) -> None:
    vectors = np.random.RandomState(seed).rand(30, 8).astype(np.float32)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write_hdf5(path, [f"v_{i}" for i in range(30)], vectors)
    except OSError as error:
        raise AvbenchError(str(error)) from error


WRITERS: dict[str, tuple[Callable[[Path, int], None], Callable[[Path], object], str]] = {
    "store": (store, read_store, "ucf/features.h5"),
    "added_text": (added_text, read_added_text, "ucf/text-knowledge.h5"),
    "class_file": (class_file, lambda p: read_class_file(p, 8), "ucf/Typing.h5"),
}


def try_limits(kind: str, folder: str) -> None:
    """In a process of its own: write over a good file within each limit, and say what came of it."""
    import resource

    write, read, name = WRITERS[kind]
    path = Path(folder) / name
    write(path, 1)
    new = path.read_bytes()
    for limit in np.linspace(1, len(new) - 1, SEVERAL).astype(int).tolist():
        write(path, 0)
        old = path.read_bytes()
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
        try:
            write(path, 1)
        except AvbenchError:
            # An export goes into a new folder, which is removed as a whole.
            outcome = "refused" if path.read_bytes() == old or kind == "class_file" else "refused and harmed"
        else:
            outcome = "written" if path.read_bytes() == new else "half-written"
            read(path)
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print(outcome)


def limited(program: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    here = Path(__file__).parent
    return python(WITHIN + program, *arguments, PYTHONPATH=search_path(here, here.with_name("support")))


@pytest.mark.parametrize("kind", WRITERS)
def test_a_file_that_does_not_fit_is_refused_and_nothing_is_lost(tmp_path: Path, kind: str) -> None:
    done = limited("from test_full_disk import try_limits\ntry_limits(*sys.argv[1:])", kind, tmp_path)
    assert done.stderr == ""
    assert done.returncode == 0  # HDF5 may bring a process down at its end
    assert done.stdout.split() == ["refused"] * SEVERAL


COMMAND = """
root, tree, limit = sys.argv[1:]
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
sys.argv = ["avbench", "data", "import", tree, "--force", "--data-root", root]
from avgzsl_bench.cli import main
main()
"""


@pytest.mark.parametrize("share", [0.3, 0.99])
def test_the_command_ends_with_one_line(tmp_path: Path, share: float) -> None:
    tree, root = tmp_path / "tree", tmp_path / "data"
    write_tree(tree, "selavi")
    assert limited(COMMAND, root, tree, 1 << 30).returncode == 0
    (path,) = root.rglob("features.h5")
    old = path.read_bytes()
    refused = limited(COMMAND, root, tree, int(len(old) * share))
    assert refused.returncode == 2
    assert "File too large; choose another folder" in refused.stderr
    assert [line for line in refused.stderr.splitlines() if "cannot write" not in line] == []
    assert path.read_bytes() == old


def test_a_store_takes_no_more_space_than_it_needs(tmp_path: Path) -> None:
    store(tmp_path / "features.h5", 0)
    with h5py.File(tmp_path / "features.h5") as file:
        inside = sum(file[name].id.get_storage_size() for name in file)
    assert (tmp_path / "features.h5").stat().st_size < inside + 20_000
