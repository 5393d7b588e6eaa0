from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from scipy.stats import t

from avgzsl_bench.data.data_spec import DataSpec
from avgzsl_bench.records.collect import BoardKey
from avgzsl_bench.report.reported.figures import PRINTED, ReportedFigure
from avgzsl_bench.report.reported.one_more_seed import one_more_seed
from avgzsl_bench.report.reported.verdicts import ReportedMatch, Verdict, verdicts_of, widths_text
from avgzsl_bench.report.stats.rows import Spread, spread


def board(features: str = "clip_clap", *, simulated: bool = False, calibration: str = "clipclap") -> BoardKey:
    data = DataSpec(
        dataset="ucf",
        features=features,
        simulated=simulated,
        split="cls",
        text_order="official",
        fingerprint="f" * 64,
        split_hash="a" * 64,
    )
    return BoardKey(data, calibration)


HERE = board()
PROTOCOL = {"calibration": "clipclap", "text_order": "official", "stage2_schedule": "official"}
PROTOCOL |= {"bn_refresh": "official"}
CONFIG = {"stage2_schedule": "official", "bn_refresh": "official"}
SD = 1 / (t.ppf(0.975, 2) * np.sqrt(4 / 3)) / 100
"""With three seeds, one more lies within a point of the mean."""
OURS = {"seen": (0.72, SD), "unseen": (0.42, SD), "hm": (0.52, SD), "zsl": (0.48, SD)}
FIGURE = {"method": "M", "source": "S", "citation": "C", "kind": "readme", "features": "clip_clap"}
FIGURE |= {"split": "cls", "dataset": "ucf"}


def reported(**changes: Any) -> ReportedFigure:
    printed = {"seen": 76.0, "unseen": 39.0, "hm": 51.55, "zsl": 48.0, "protocol": PROTOCOL}
    return ReportedFigure.model_validate(FIGURE | printed | changes)


def located(
    key: BoardKey = HERE,
    seeds: int = 3,
    options: Mapping[str, str] = MappingProxyType({}),
    standard: bool = True,
    config: Mapping[str, str] = MappingProxyType(CONFIG),
    ours: Mapping[str, tuple[float, float]] = MappingProxyType({}),
    **changes: Any,
) -> dict[str, Verdict]:
    figures = {name: Spread(mean, sd if seeds > 1 else None) for name, (mean, sd) in {**OURS, **ours}.items()}
    method = SimpleNamespace(config=config)
    row: Any = SimpleNamespace(spread=figures, seeds=range(seeds), options=options, method=method)
    return verdicts_of(reported(**changes), row, key, standard=standard)


def words(found: Mapping[str, Verdict]) -> list[str]:
    return [found[name].word for name in PRINTED]


def test_each_cell_lies_inside_above_or_below_the_interval_for_one_more_seed() -> None:
    found = located()
    assert words(found) == ["above", "below", "inside", "inside"]
    assert {verdict.text for verdict in found.values()} == {""}
    assert [verdict.width for verdict in found.values()] == [pytest.approx(2.0)] * 4


@pytest.mark.parametrize(("seeds", "factor"), [(2, 31.124), (3, 9.937), (5, 6.083), (10, 4.745)])
def test_the_interval_is_that_of_one_more_draw(seeds: int, factor: float) -> None:
    """Twice t(R - 1) * sqrt(1 + 1/R), from a table of Student's t (12.706, 4.303, 2.776, 2.262)."""
    interval = one_more_seed(Spread(0.5, 0.01), seeds)
    assert interval is not None
    assert interval.width == pytest.approx(factor, abs=0.002)
    assert interval.low + interval.high == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("printed", "word"),
    [
        *((46.99, "below"), (47.0, "inside"), (48.0, "inside"), (49.0, "inside"), (49.01, "above")),
        *((0.0, "below"), (100.0, "above")),
    ],
)
def test_the_ends_belong_to_the_interval(printed: float, word: str) -> None:
    assert located(zsl=printed)["zsl"].word == word


@pytest.mark.parametrize(("mean", "word"), [(0.49004, "inside"), (0.49006, "below")])
def test_the_rounding_of_print_counts_for_the_printed_figure(mean: float, word: str) -> None:
    assert located(zsl=48.0, ours={"zsl": (mean, SD)})["zsl"].word == word


@pytest.mark.parametrize("seeds", [1, 2])
def test_one_or_two_seeds_cannot_tell(seeds: int) -> None:
    equal = {"hm": (0.5155, 0.0), "seen": (0.1, 0.0)}
    found = located(seeds=seeds, ours=equal)
    assert set(found.values()) == {Verdict("cannot tell", "fewer than 3 seeds")}
    assert located(seeds=3, ours=equal)["hm"].word == "inside"


def test_each_figure_has_its_own_width_and_a_wide_one_cannot_tell() -> None:
    found = located(ours={"hm": (0.10, 5.001 * SD), "unseen": (0.10, 4.999 * SD)})
    assert words(found) == ["above", "above", "cannot tell", "inside"]
    assert found["hm"] == Verdict(
        "cannot tell", "an interval wider than 10 points", width=pytest.approx(10.002, abs=1e-3)
    )
    assert widths_text(found) == "2.00, 10.00, 10.00, 2.00"
    assert located(seeds=4, ours={"hm": (0.10, 5.001 * SD)})["hm"].word == "above", (
        "more seeds, a narrower interval"
    )


def test_a_method_without_spread_has_an_interval_of_no_width() -> None:
    exact = {"hm": (0.5155, 0.0), "zsl": (0.4799, 0.0)}
    found = located(ours=exact)
    assert (found["hm"].word, found["zsl"].word) == ("inside", "above")
    assert found["hm"].width == found["zsl"].width == 0.0
    assert located(ours={"hm": (0.51554, 0.0)})["hm"].word == "inside", "51.55 may be 51.554, rounded"


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


def test_another_protocol_is_named_in_place_of_a_verdict() -> None:
    reason = "protocol differs: calibration avca, published clipclap; batch-norm passes none, published official"
    config = {"stage2_schedule": "official", "bn_refresh": "none"}
    found = located(board(calibration="avca"), config=config)
    assert found == dict.fromkeys(PRINTED, Verdict("protocol differs", reason))
    match = ReportedMatch(reported(), found)
    assert match.comparable
    assert (match.text("hm"), match.remark, match.widths) == ("51.55", reason, "")
    unknown = {"protocol": {"calibration": "clipclap", "text_order": "official"}}
    reason = "protocol unknown: stage-2 schedule, batch-norm passes"
    assert located(**unknown) == dict.fromkeys(PRINTED, Verdict("protocol unknown", reason))
    both = located(board(calibration="exact"), **unknown)["hm"]
    assert both.word == "protocol differs"
    assert both.reason == f"protocol differs: calibration exact, published clipclap; {reason}"


def test_steps_and_their_means_are_the_same_features() -> None:
    assert located(board("c3d_vggish_seq"), features="c3d_vggish")["hm"].word == "inside"


def test_what_is_not_printed_is_not_compared_and_the_rest_is() -> None:
    found = located(seen=None, zsl=None)
    assert found["seen"] == found["zsl"] == Verdict("not comparable", "not printed")
    assert (found["unseen"].word, found["hm"].word) == ("below", "inside")
    match = ReportedMatch(reported(seen=None, zsl=None), found)
    assert (match.text("seen"), match.text("hm"), match.remark) == ("–", "51.55 (inside)", "")
    assert match.widths == "–, 2.00, 2.00, –"


@pytest.mark.parametrize(
    ("facts", "word"),
    [({}, "above"), ({"seeds": 1}, "cannot tell"), ({"protocol": {}}, "protocol unknown")],
)
def test_a_contradicted_hm_and_an_impossible_u_are_named_whatever_the_verdict(
    facts: dict[str, Any], word: str
) -> None:
    hm, u = "the printed S and U give HM 51.55", "the printed U is above the printed ZSL"
    found = located(hm=54.0, zsl=38.9, **facts)
    assert [verdict.remark for verdict in found.values()] == ["", u, hm, u]
    assert (found["hm"].word, found["hm"].text.endswith(hm)) == (word, True)
    remark = ReportedMatch(reported(hm=54.0, zsl=38.9), found).remark
    assert remark.endswith(f"{u}; {hm}")


@pytest.mark.parametrize("seeds", [3, 5, 10])
def test_one_more_run_of_our_own_seldom_lies_outside(seeds: int) -> None:
    """Called above or below are at most 8 percent of runs from our own distribution, at any scatter of seeds."""
    draws = np.random.default_rng(17).normal(size=(2000, seeds + 1))
    for sd in (0.3, 1.0, 3.0):
        found = [
            located(seeds=seeds, hm=hm, seen=None, ours={"hm": (mean, deviation)})["hm"].word
            for *own, other in (0.4 + sd * draws / 100).tolist()
            for mean, deviation, hm in [(*_mean_and_deviation(own), round(100 * other, 2))]
        ]
        wrong = sum(word in ("above", "below") for word in found) / len(found)
        assert wrong <= 0.06, "5 percent, and two standard errors of this estimate"


def _mean_and_deviation(values: list[float]) -> tuple[float, float]:
    found = spread(values)
    assert found.std is not None
    return found.mean, found.std
