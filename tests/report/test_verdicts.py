from __future__ import annotations

from typing import Any

import pytest

from avgzsl_bench.data.data_spec import DataSpec
from avgzsl_bench.records.collect import BoardKey
from avgzsl_bench.report.reported.figures import PRINTED, ReportedFigure
from avgzsl_bench.report.reported.verdicts import ReportedMatch, Verdict, verdicts


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
INTERVALS = {"seen": (0.70, 0.75), "unseen": (0.40, 0.45), "hm": (0.50, 0.55), "zsl": (0.46, 0.50)}


def reported(**changes: Any) -> ReportedFigure:
    figure: dict[str, Any] = {
        "method": "M",
        "source": "S",
        "citation": "C",
        "kind": "readme",
        "features": "clip_clap",
    }
    figure |= {"split": "cls", "dataset": "ucf", "seen": 76.0, "unseen": 39.0, "hm": 51.55, "zsl": 48.0}
    return ReportedFigure.model_validate(figure | changes)


def words(found: dict[str, Verdict]) -> dict[str, str]:
    return {name: verdict.word for name, verdict in found.items()}


def test_each_cell_lies_inside_above_or_below_our_interval() -> None:
    found = verdicts(reported(), INTERVALS, HERE, seeds=3, standard=True)
    assert words(found) == {"seen": "above", "unseen": "below", "hm": "inside", "zsl": "inside"}
    assert {verdict.reason for verdict in found.values()} == {""}


@pytest.mark.parametrize(
    ("printed", "word"),
    [(45.99, "below"), (46.0, "inside"), (50.0, "inside"), (50.01, "above"), (0.0, "below"), (100.0, "above")],
)
def test_the_ends_belong_to_the_interval(printed: float, word: str) -> None:
    assert verdicts(reported(zsl=printed), INTERVALS, HERE, seeds=3, standard=True)["zsl"].word == word


@pytest.mark.parametrize(("ends", "word"), [((0.48004, 0.5), "inside"), ((0.48006, 0.5), "below")])
def test_the_rounding_of_print_counts_for_the_printed_figure(ends: tuple[float, float], word: str) -> None:
    assert (
        verdicts(reported(zsl=48.0), INTERVALS | {"zsl": ends}, HERE, seeds=3, standard=True)["zsl"].word == word
    )


@pytest.mark.parametrize(
    ("figure", "key", "reason"),
    [
        (reported(), board(simulated=True), "simulated features"),
        (reported(features="c3d_vggish"), HERE, "other features: c3d_vggish"),
        (reported(split="main"), HERE, "other split: main"),
        (reported(features="selavi", split="main"), HERE, "other features and split: selavi, main"),
    ],
)
def test_unlike_is_not_compared(figure: ReportedFigure, key: BoardKey, reason: str) -> None:
    found = verdicts(figure, INTERVALS, key, seeds=3, standard=True)
    assert found == {name: Verdict("not comparable", reason) for name in PRINTED}


def test_steps_and_their_means_are_the_same_features() -> None:
    steps = board("c3d_vggish_seq")
    found = verdicts(reported(features="c3d_vggish"), INTERVALS, steps, seeds=3, standard=True)
    assert found["hm"].word == "inside"


def test_what_is_not_printed_is_not_compared_and_the_rest_is() -> None:
    found = verdicts(reported(seen=None, zsl=None), INTERVALS, HERE, seeds=3, standard=True)
    assert found["seen"] == found["zsl"] == Verdict("not comparable", "not printed")
    assert (found["unseen"].word, found["hm"].word) == ("below", "inside")


def test_one_seed_is_compared_and_told() -> None:
    found = verdicts(reported(zsl=None), INTERVALS, HERE, seeds=1, standard=True)
    assert words(found) == words(verdicts(reported(zsl=None), INTERVALS, HERE, seeds=3, standard=True))
    assert found["hm"].reason == "one seed: the interval is that of the test videos alone"
    assert found["zsl"].reason == "not printed"


def test_a_contradicted_hm_is_compared_and_told() -> None:
    found = verdicts(reported(hm=54.0), INTERVALS, HERE, seeds=1, standard=True)
    assert found["hm"] == Verdict(
        "inside", "one seed: the interval is that of the test videos alone; the printed S and U give HM 51.55"
    )
    assert "printed" not in found["seen"].reason


def test_without_an_interval_nothing_is_compared() -> None:
    nan = float("nan")
    found = verdicts(reported(), INTERVALS | {"hm": (nan, nan)}, HERE, seeds=3, standard=True)
    assert found["hm"] == Verdict("not comparable", "no interval")
    assert found["zsl"].word == "inside"


def test_another_precision_is_not_compared() -> None:
    found = verdicts(reported(), INTERVALS, HERE, seeds=3, standard=True, options={"precision": "bf16"})
    assert set(found.values()) == {Verdict("not comparable", "precision bf16")}


def test_other_settings_and_a_bias_that_was_not_validated_are_not_compared() -> None:
    found = verdicts(reported(), INTERVALS, HERE, seeds=3, standard=False)
    assert set(found.values()) == {Verdict("not comparable", "other settings")}
    fixed = board(calibration="fixed:0")
    found = verdicts(reported(), INTERVALS, fixed, seeds=3, standard=True)
    assert set(found.values()) == {Verdict("not comparable", "the bias was not validated")}


def test_without_a_verdict_on_hm_no_figure_shows_one() -> None:
    nan = float("nan")
    for hm, text in (((0.5, 0.55), "76.00 (above)"), ((nan, nan), "76.00")):
        found = verdicts(reported(zsl=None), INTERVALS | {"hm": hm}, HERE, seeds=1, standard=True)
        match = ReportedMatch(reported(zsl=None), found)
        assert match.text("seen") == text
        assert match.text("zsl") == "–"
        one_seed = "one seed: the interval is that of the test videos alone"
        assert match.remark == (
            one_seed if match.comparable else f"not comparable: {one_seed}; no interval; not printed"
        )
