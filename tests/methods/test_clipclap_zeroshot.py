"""Both modalities' cosines, weighted: the worked example, and what the weights are."""

from __future__ import annotations

import pytest
import torch
from joint_space_example import CLASSES, SCORED, SHAPE, TRAIN, VIDEOS, figures, made
from pydantic import ValidationError
from reference_values import PRINTED_8
from torch.nn.functional import normalize

from avgzsl_baselines.clap_zeroshot import ClapZeroShot
from avgzsl_baselines.clip_zeroshot import ClipZeroShot
from avgzsl_baselines.clipclap_zeroshot import WEIGHTS, ClipClapZeroShot, ClipClapZeroShotConfig
from avgzsl_baselines.families.joint_spaces import raw_classes, raw_videos
from avgzsl_bench import Classes, Samples, Task, Videos
from avgzsl_bench.execution.stages import run_stage1
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.gzsl.task import Truth


def at(weight: float, scale: str = "spread") -> ClipClapZeroShot:
    return made(ClipClapZeroShot, epochs=WEIGHTS.index(weight) + 1, scale=scale)


def test_an_epoch_is_a_weight() -> None:
    method = made(ClipClapZeroShot, epochs=0)
    logged = [method.train_epoch(TRAIN) for _ in range(11)]
    assert [epoch["weight"] for epoch in logged] == [0.5, 0.4, 0.6, 0.3, 0.7, 0.2, 0.8, 0.1, 0.9, 0.0, 1.0]
    expected = {
        "visual_spread": 0.50305382,
        "audio_spread": 0.18504911,
        "visual_own_minus_other": 0.64350170,
        "audio_own_minus_other": -0.03838932,
    }
    for epoch in logged:
        assert {name: epoch[name] for name in expected} == pytest.approx(expected, abs=PRINTED_8)
    for epochs in (0, 12):
        with pytest.raises(ValidationError, match="epochs"):
            ClipClapZeroShotConfig(epochs=epochs)


def test_scores_of_the_worked_example() -> None:
    scores = at(0.5).score(VIDEOS, CLASSES)
    expected = [1.57964183, 0.28744444, 1.18431414, 0.40945705, 0.77774608]
    assert scores[0].tolist() == pytest.approx(expected, abs=PRINTED_8)
    assert (scores[0, 0] - scores[0, 2]).item() == pytest.approx(0.39532770, abs=PRINTED_8)


@pytest.mark.parametrize(
    ("weight", "scale", "plain", "ausuc", "bias", "best"),
    [
        (0.5, "spread", (1, 0.75, 0.857143, 0.75), 0.75, 0.08456709, 0.857143),
        (0.2, "spread", (0.833333, 0.75, 0.789474, 1), 0.958333, 0.12850717, 0.909091),
        (0.8, "spread", (1, 0.5, 0.666667, 0.75), 0.666667, 0.57237508, 0.705882),
        (0.5, "none", (1, 0.75, 0.857143, 0.75), 0.75, -0.08209019, 0.857143),
    ],
)
def test_figures_of_the_worked_example(
    weight: float, scale: str, plain: tuple[float, ...], ausuc: float, bias: float, best: float
) -> None:
    scores = at(weight, scale).score(VIDEOS, CLASSES)
    found = figures(scores, 0.0)
    assert (found.seen, found.unseen, found.hm, found.zsl) == pytest.approx(plain, abs=5e-7)
    assert found.ausuc == pytest.approx(ausuc, abs=5e-7)
    chosen = figures(scores)
    assert (chosen.bias, chosen.hm) == (pytest.approx(bias, abs=PRINTED_8), pytest.approx(best, abs=5e-7))


def test_without_scale_it_ranks_as_the_raw_concatenation() -> None:
    x = normalize(raw_videos(VIDEOS.audio, VIDEOS.visual), dim=1)
    w = normalize(raw_classes(CLASSES, "clap", "clip"), dim=1)
    distance = torch.cdist(x, w)
    scores = at(0.5, "none").score(VIDEOS, CLASSES)
    torch.testing.assert_close(distance.square(), 2 - 2 * scores)
    found = figures(-distance)
    assert found.bias == pytest.approx(-0.08057369, abs=PRINTED_8)
    assert (found.hm, found.ausuc) == pytest.approx((0.857143, 0.75), abs=5e-7)


def test_the_protocol_chooses_the_weight() -> None:
    task = Task(CLASSES, TRAIN, VIDEOS, Truth(SCORED.numpy(), SCORED.numpy()))
    chosen = run_stage1(
        lambda _: made(ClipClapZeroShot, epochs=0),
        task,
        epochs=11,
        calibration=parse_calibration("exact"),
        seed=0,
        report=lambda _: None,
    )
    hm = [0.857143] * 4 + [0.789474, 0.909091, 0.705882, 0.909091, 0.666667, 0.909091, 0.625]
    assert [epoch.validation.hm for epoch in chosen.epochs] == pytest.approx(hm, abs=5e-7)
    assert chosen.best_epoch == 6


@pytest.mark.parametrize(("weight", "single"), [(0.0, ClipZeroShot), (1.0, ClapZeroShot)])
def test_a_weight_of_all_or_nothing_is_the_row_of_one_modality(weight: float, single: type) -> None:
    method = at(weight)
    spread = method.state_dict()["visual_spread" if weight == 0 else "audio_spread"]
    expected = made(single).score(VIDEOS, CLASSES) / spread
    torch.testing.assert_close(method.score(VIDEOS, CLASSES), expected)


def test_texts_of_unseen_classes_do_not_enter_the_spreads() -> None:
    text = {name: torch.where(CLASSES.seen.unsqueeze(1), v, 9.0) for name, v in CLASSES.text.items()}
    other = made(ClipClapZeroShot, classes=Classes(CLASSES.names, text, CLASSES.seen))
    assert other.state_dict() == at(0.5).state_dict()


def test_the_state_is_weight_and_spreads() -> None:
    method, other = at(0.3), made(ClipClapZeroShot, epochs=0)
    state = method.state_dict()
    assert {name: round(value.item(), 8) for name, value in state.items()} == {
        "weight": 0.3,
        "visual_spread": 0.50305382,
        "audio_spread": 0.18504911,
    }
    other.load_state_dict(state)
    assert torch.equal(other.score(VIDEOS, CLASSES), method.score(VIDEOS, CLASSES))


def test_stage_2_measures_its_own_spreads_and_keeps_the_weight() -> None:
    more = Videos(torch.cat([TRAIN.videos.audio, -TRAIN.videos.audio]), TRAIN.videos.visual.repeat(2, 1))
    method = made(ClipClapZeroShot, epochs=0)
    for _ in range(6):
        method.train_epoch(Samples(more, TRAIN.label.repeat(2)))
    state = method.state_dict()
    assert state["weight"] == 0.2
    assert state["visual_spread"].item() == pytest.approx(0.50305382, abs=PRINTED_8)


def test_one_text_encoder_may_serve_both_modalities() -> None:
    config = ClipClapZeroShotConfig(visual_text="one", audio_text="one")
    assert ClipClapZeroShot.joint_text(config, {"visual": "clip", "audio": "clap"}) == {
        "visual": "one",
        "audio": "one",
    }
    assert SHAPE.joint_fault(config.joint) is not None
