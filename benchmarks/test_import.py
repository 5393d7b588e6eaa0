"""Importing a tree of UCF-GZSL's size, and loading what was imported, against the plain loop over its files."""

from __future__ import annotations

import itertools
import shutil

import h5py
import numpy as np
import pytest
from official_size import write_tree

from avgzsl_bench.data.datasets.registry import registered_dataset as dataset
from avgzsl_bench.data.layouts.importing import import_tree
from avgzsl_bench.data.store.store import read_store

VIDEOS = 6816
COUNTER = itertools.count()


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The tree, and a folder to import it to."""
    folder = tmp_path_factory.mktemp("import")
    assert write_tree(folder / "tree", dataset("ucf"), "main") == VIDEOS
    yield folder / "tree", folder / "data"
    shutil.rmtree(folder)


def imported(place):
    tree, root = place
    (result,) = import_tree(tree, root / str(next(COUNTER)), force=False)
    return result.path


def loop(place):
    """As the published loaders do: file by file and video by video into lists, which become arrays in the end."""
    tree, _ = place
    read = {}
    for modality in ("audio", "video"):
        data, target, url = [], [], []
        for partition in sorted((tree / modality).iterdir()):
            for path in partition.iterdir():
                file = h5py.File(path, "r")
                urls = [str(u, "utf-8") for u in list(file["video_urls"])]
                for i, vector in enumerate(file["data"]):
                    data.append(vector)
                    target.append(path.stem)
                    url.append(urls[i])
        read[modality] = np.array(data), np.array(target), np.array(url)
    return read


@pytest.mark.benchmark(group="import")
def test_import(benchmark, place):
    benchmark.pedantic(imported, args=[place], rounds=3, warmup_rounds=1)


@pytest.mark.benchmark(group="import")
def test_second_load(benchmark, place):
    benchmark.pedantic(read_store, args=[imported(place)], rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="import")
def test_plain_loop(benchmark, place):
    benchmark.pedantic(loop, args=[place], rounds=3)


def test_ratio_of_import(paired, place):
    paired(
        lambda: loop(place),
        lambda: imported(place),
        repeats=5,
        meaning=f"plain loop over the class files / import into a store, {VIDEOS:,} videos",
    )


def test_ratio_of_second_load(paired, place):
    store = imported(place)
    assert len(read_store(store)[1]) == VIDEOS
    paired(
        lambda: loop(place),
        lambda: read_store(store),
        repeats=5,
        meaning=f"plain loop over the class files / load from the store, {VIDEOS:,} videos",
    )
