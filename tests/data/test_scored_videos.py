"""Ids of the videos that an older record was scored on, from the data that it belongs to, and from no other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import pytest
from named_stores import install, named_table

import avgzsl_bench as ab
from avgzsl_bench.data.scored_videos import scored_ids
from avgzsl_bench.errors import AvbenchError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    install(folder, named_table())
    return folder


@pytest.fixture(scope="module")
def run(root: Path) -> tuple[ab.DataSpec, list[str], list[str]]:
    """What a run on the data says of it, the class of each of its videos, and their ids."""
    with pytest.warns(UserWarning, match="does not hold the standard videos"):
        benchmark = ab.load_benchmark("ucf", "clip_clap", data_root=root)
    truth, names = benchmark.final.truth, benchmark.final.classes.names
    order = np.argsort(truth.row)
    assert truth.video_id is not None
    return (
        benchmark.spec,
        [names[label] for label in truth.label[order]],
        [truth.video_id[row] for row in order],
    )


def test_they_are_those_of_the_run_in_the_order_of_the_store(root: Path, run: Any) -> None:
    spec, classes, ids = run
    found = scored_ids(spec, classes, root)
    assert found == ids == sorted(ids)
    assert len(found) == 1400


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"fingerprint": "0" * 64}, "its fingerprint or its split differs"),
        ({"split_hash": "0" * 64}, "its fingerprint or its split differs"),
        ({"split": "main"}, "its fingerprint or its split differs"),
        ({"split": "other"}, "unknown split of ucf 'other'"),
        ({"features": "selavi"}, "no 'selavi' features of ucf in "),
        ({"dataset": "nothing"}, "no 'clip_clap' features of nothing in "),
    ],
)
def test_other_data_is_not_trusted(root: Path, run: Any, change: dict[str, str], message: str) -> None:
    spec, classes, _ = run
    with pytest.raises(AvbenchError, match=message):
        scored_ids(spec.model_copy(update=change), classes, root)


def test_other_classes_are_not_trusted(root: Path, run: Any) -> None:
    spec, classes, _ = run
    for other in (classes[::-1], classes[:-1]):
        with pytest.raises(AvbenchError, match="other classes than those of the run"):
            scored_ids(spec, other, root)


def test_a_data_folder_that_is_not_there_is_named(tmp_path: Path, run: Any) -> None:
    spec, classes, _ = run
    with pytest.raises(AvbenchError, match=f"data folder {tmp_path}/none: no such folder"):
        scored_ids(spec, classes, tmp_path / "none")


def test_damaged_data_is_named(tmp_path: Path, run: Any) -> None:
    spec, classes, _ = run
    path = install(tmp_path, named_table())
    with h5py.File(path, "r+") as file:
        del file["video_id"]
    with pytest.raises(AvbenchError, match=str(path)):
        scored_ids(spec, classes, tmp_path)
