"""Prediction on real clips by an encoder whose frames and words share a space: nothing is trained."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from avgzsl_bench.data.datasets.registry import registered_datasets

Call = Callable[..., Result]


@pytest.fixture
def predict(require: Callable[[str], object], avbench: Call, shared: Path) -> Call:
    require("lite0_conse")
    folder = shared / "data" / "clips" / "ucf"
    return lambda *options: avbench("predict", folder, "--encoders", "lite0_conse", "--json", *options)


def ranks(done: Result) -> list[int]:
    """The rank of the right class for each clip, from 0."""
    found = []
    for line in done.stdout.splitlines():
        prediction = json.loads(line)
        right = Path(prediction["video"]).stem.split("_")[1]
        found.append([c["name"].replace(" ", "") for c in prediction["classes"]].index(right))
    assert len(found) == 18
    return found


@pytest.mark.parametrize("spelling", ["name", "clip"])
def test_the_101_names_of_ucf101(predict: Call, tmp_path: Path, spelling: str) -> None:
    names = [getattr(names, spelling) for names in registered_datasets()["ucf"].classes]
    (tmp_path / "names.txt").write_text("\n".join(names))
    done = predict("--classes", f"@{tmp_path / 'names.txt'}", "--top", 101)
    assert done.exit_code == 0, done.output
    found = ranks(done)
    assert sum(rank == 0 for rank in found) == 5
    assert sum(rank < 5 for rank in found) == 8


def test_the_names_of_their_seven_classes(predict: Call) -> None:
    names = "ApplyEyeMakeup,Archery,BasketballDunk,Haircut,HeadMassage,LongJump,Surfing"
    assert sum(rank == 0 for rank in ranks(predict("--classes", names, "--top", 7))) == 8
