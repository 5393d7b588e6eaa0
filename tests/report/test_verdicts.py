from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest

from avgzsl_bench.data.data_spec import DataSpec
from avgzsl_bench.records.collect import BoardKey
from avgzsl_bench.report.reported.figures import PRINTED, ReportedFigure
from avgzsl_bench.report.reported.verdicts import ReportedMatch, Verdict, verdicts_of
from avgzsl_bench.report.stats.variance import Interval


def board(features: str = "clip_clap", *, simulated: bool = False, calibration: str = "exact") -> BoardKey:
    data = DataSpec(
        dataset="ucf",
        features=features,
        simulated=simulated,
        split="cls",
        text_order="by-name",
        fingerprint="f" * 64,
        split_hash="a" * 64,
    )
    return BoardKey(data, calibration)


HERE = board()
ENDS = {"seen": (0.70, 0.75), "unseen": (0.40, 0.45), "hm": (0.50, 0.55), "zsl": (0.46, 0.50)}


ONE_SEED = "one seed: the interval is that of the test videos alone"
NO_INTERVAL = (float("nan"), float("nan"))
FIGURE = {"method": "M", "source": "S", "citation": "C", "kind": "readme", "features": "clip_clap"}
FIGURE |= {"split": "cls", "dataset": "ucf"}


def reported(**changes: Any) -> ReportedFigure:
    printed = {"seen": 76.0, "unseen": 39.0, "hm": 51.55, "zsl": 48.0}
    return ReportedFigure.model_validate(FIGURE | printed | changes)


def located(
    key: BoardKey = HERE,
    seeds: int = 3,
    options: Mapping[str, str] = MappingProxyType({}),
    standard: bool = True,
    ends: Mapping[str, tuple[float, float]] = MappingProxyType({}),
    **changes: Any,
) -> dict[str, Verdict]:
    interval = {name: Interval(*both, "") for name, both in {**ENDS, **ends}.items()}
    row: Any = SimpleNamespace(interval=interval, seeds=range(seeds), options=options, runs=())
    return verdicts_of(reported(**changes), row, key, standard=standard)


def test_each_cell_lies_inside_above_or_below_our_interval() -> None:
    words = {"seen": "above", "unseen": "below", "hm": "inside", "zsl": "inside"}
    assert located() == {name: Verdict(word, "") for name, word in words.items()}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("printed", "low", "word"),
    [
        *((45.99, 0.46, "below"), (46.0, 0.46, "inside"), (50.0, 0.46, "inside"), (50.01, 0.46, "above")),
        *((0.0, 0.46, "below"), (100.0, 0.46, "above")),
        # The rounding of print counts for the printed figure.
        *((48.0, 0.48004, "inside"), (48.0, 0.48006, "below")),
    ],
)
def test_the_ends_belong_to_the_interval(printed: float, low: float, word: str) -> None:
    assert located(zsl=printed, ends={"zsl": (low, 0.5)})["zsl"].word == word


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"key": board(simulated=True)}, "simulated features"),
        ({"features": "c3d_vggish"}, "other features: c3d_vggish"),
        ({"split": "main"}, "other split: main"),
        ({"features": "selavi", "split": "main"}, "other features and split: selavi, main"),
        ({"options": {"precision": "bf16"}}, "precision bf16"),
        ({"standard": False}, "other settings"),
        ({"key": board(calibration="fixed:0")}, "the bias was not validated"),
    ],
)
def test_unlike_is_not_compared(facts: dict[str, Any], reason: str) -> None:
    assert located(**facts) == {name: Verdict("not comparable", reason) for name in PRINTED}


def test_steps_and_their_means_are_the_same_features() -> None:
    assert located(board("c3d_vggish_seq"), features="c3d_vggish")["hm"].word == "inside"


def test_what_is_not_printed_is_not_compared_and_the_rest_is() -> None:
    found = located(seen=None, zsl=None)
    assert found["seen"] == found["zsl"] == Verdict("not comparable", "not printed")
    assert (found["unseen"].word, found["hm"].word) == ("below", "inside")


def test_one_seed_and_a_contradicted_hm_are_compared_and_named() -> None:
    found, many = located(seeds=1, zsl=None), located(zsl=None)
    assert [verdict.word for verdict in found.values()] == [verdict.word for verdict in many.values()]
    assert (found["hm"].reason, found["zsl"].reason) == (ONE_SEED, "not printed")
    contradicted = located(seeds=1, hm=54.0)
    assert contradicted["hm"] == Verdict("inside", f"{ONE_SEED}; the printed S and U give HM 51.55")
    assert contradicted["seen"].reason == ONE_SEED


def test_without_an_interval_of_hm_no_figure_shows_a_verdict() -> None:
    for hm, text in ((ENDS["hm"], "76.00 (above)"), (NO_INTERVAL, "76.00")):
        found = located(seeds=1, zsl=None, ends={"hm": hm})
        match = ReportedMatch(reported(zsl=None), found)
        assert (match.text("seen"), match.text("zsl")) == (text, "–")
        remark = f"not comparable: {ONE_SEED}; no interval; not printed"
        assert match.remark == (ONE_SEED if match.comparable else remark)
    assert found["hm"] == Verdict("not comparable", "no interval")
    assert found["unseen"].word == "below"
