"""Cosines with class texts: the visual row of the worked example, and what holds for all rows without training."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from joint_space_example import CLASSES, SHAPE, TRAIN, VIDEOS, figures, made
from reference_values import PRINTED_8
from torch.nn.functional import normalize

from avgzsl_baselines.clap_zeroshot import ClapZeroShot
from avgzsl_baselines.clip_zeroshot import ClipZeroShot, ClipZeroShotConfig
from avgzsl_baselines.clipclap_zeroshot import ClipClapZeroShot
from avgzsl_baselines.families import zero_shot
from avgzsl_baselines.families.zero_shot import ZeroShot, space_statistics
from avgzsl_bench import Classes, ConfigError, FeatureDims, Samples, Videos

ROWS = (ClipZeroShot, ClapZeroShot, ClipClapZeroShot)


def test_cosines_of_the_worked_example() -> None:
    scores = made(ClipZeroShot).score(VIDEOS, CLASSES)
    expected = [-0.09676521, 0.17424894, -0.10338527, -0.88740324, -0.57807182]
    assert scores[0].tolist() == pytest.approx(expected, abs=PRINTED_8)


def test_figures_of_the_worked_example() -> None:
    scores = made(ClipZeroShot).score(VIDEOS, CLASSES)
    plain, best = figures(scores, 0.0), figures(scores)
    assert (plain.seen, plain.unseen, plain.hm, plain.zsl) == pytest.approx((2 / 3, 1, 0.8, 1))
    assert plain.ausuc == pytest.approx(0.833333, abs=5e-7)
    assert best.bias == pytest.approx(-0.16936043, abs=PRINTED_8)
    assert best.hm == pytest.approx(0.909091, abs=5e-7)


def test_it_logs_whether_the_encoders_belong_together() -> None:
    method = made(ClipZeroShot, epochs=0)
    assert method.train_epoch(TRAIN) == {"visual_own_minus_other": pytest.approx(0.64350170, abs=PRINTED_8)}
    assert method.state_dict() == {}
    assert method.parameter_count() == 0


@pytest.mark.parametrize("row", ROWS)
def test_the_length_of_features_and_texts_does_not_count(row: type[ZeroShot]) -> None:
    longer = Videos(3 * VIDEOS.audio, 0.1 * VIDEOS.visual)
    texts = Classes(CLASSES.names, {name: 7 * text for name, text in CLASSES.text.items()}, CLASSES.seen)
    expected = made(row).score(VIDEOS, CLASSES)
    torch.testing.assert_close(made(row).score(longer, CLASSES), expected)
    torch.testing.assert_close(made(row, classes=texts).score(VIDEOS, texts), expected)


@pytest.mark.parametrize("row", ROWS)
def test_order_of_classes_and_videos_does_not_count(row: type[ZeroShot]) -> None:
    order = torch.tensor([4, 2, 0, 3, 1])
    permuted = CLASSES.take(order)
    place = {name: i for i, name in enumerate(permuted.seen_classes().names)}
    label = torch.tensor([place[CLASSES.seen_classes().names[c]] for c in TRAIN.label.tolist()])
    shuffled = torch.tensor([3, 5, 0, 1, 4, 2])
    method = made(row, epochs=0, classes=permuted)
    method.train_epoch(Samples(TRAIN.videos.take(shuffled), label[shuffled]))
    expected = made(row).score(VIDEOS, CLASSES)[:, order]
    torch.testing.assert_close(method.score(VIDEOS, permuted), expected)


@pytest.mark.parametrize("row", ROWS)
def test_seeds_change_nothing(row: type[ZeroShot]) -> None:
    other = row(row.Config(), SHAPE, CLASSES, seed=5, device=torch.device("cpu"))
    other.train_epoch(TRAIN)
    assert torch.equal(other.score(VIDEOS, CLASSES), made(row).score(VIDEOS, CLASSES))


def test_other_texts_than_clips() -> None:
    shape = FeatureDims(audio=6, visual=5, text={"minilm": 5})
    classes = Classes(CLASSES.names, {"minilm": CLASSES.text["clip"]}, CLASSES.seen)
    config = ClipZeroShotConfig(visual_text="minilm")
    ClipZeroShot.check(config, shape)
    method = ClipZeroShot(config, shape, classes, seed=0, device=torch.device("cpu"))
    assert torch.equal(method.score(VIDEOS, classes), made(ClipZeroShot).score(VIDEOS, CLASSES))


@pytest.mark.parametrize(
    ("shape", "reason"),
    [
        (
            FeatureDims(128, 4096, {"word2vec": 300}),
            r"no text encoder 'clip' of the visual width 4096 .*word2vec 300",
        ),
        (
            FeatureDims(6, 5, {"clip": 6, "clap": 5}),
            "no text encoder 'clip' of the visual width 5 .have: clip 6, clap",
        ),
    ],
)
def test_features_and_texts_that_share_no_space_are_refused(shape: FeatureDims, reason: str) -> None:
    for row in (ClipZeroShot, ClipClapZeroShot):
        with pytest.raises(ConfigError, match=reason):
            row.check(row.Config(), shape)


def test_statistics_are_gathered_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    joint = {"visual": "clip", "audio": "clap"}
    whole = space_statistics(TRAIN, CLASSES.seen_classes(), joint)
    monkeypatch.setattr(zero_shot, "BLOCK", 4)
    blocked = space_statistics(TRAIN, CLASSES.seen_classes(), joint)
    for modality, found in whole.items():
        assert blocked[modality].spread == pytest.approx(found.spread, abs=1e-14)
        assert blocked[modality].own_minus_other == pytest.approx(found.own_minus_other, abs=1e-14)


def test_classes_that_are_all_alike_have_no_spread_to_divide_by() -> None:
    same = normalize(torch.ones(3, 5, dtype=torch.float64), dim=1)
    alike = replace(CLASSES.seen_classes(), text={"clip": same})
    found = space_statistics(TRAIN, alike, {"visual": "clip"})["visual"]
    assert found.spread == 1
    assert found.own_minus_other == pytest.approx(0, abs=1e-12)
    one = alike.take(torch.tensor([0]))
    only = Samples(TRAIN.videos, torch.zeros_like(TRAIN.label))
    assert space_statistics(only, one, {"visual": "clip"})["visual"].spread == 1
