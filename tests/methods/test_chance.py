"""Chance: uniform, reproducible, and blind to everything but seed, video and class."""

from __future__ import annotations

import pytest
import torch

from avgzsl_baselines.chance import Chance, mix, random_integers
from avgzsl_bench import Classes, FeatureDims, MethodConfig, Samples, Videos

CPU = torch.device("cpu")
SHAPE = FeatureDims(audio=5, visual=7, text={"clip": 4, "clap": 6})


def make_chance(seed: int = 0) -> Chance:
    return Chance(MethodConfig(), SHAPE, make_classes(), seed=seed, device=CPU)


def make_classes(count: int = 50) -> Classes:
    generator = torch.Generator().manual_seed(2)
    text = {name: torch.randn(count, width, generator=generator) for name, width in SHAPE.text.items()}
    seen = torch.arange(count) % 3 > 0
    return Classes(tuple(f"class{i}" for i in range(count)), text, seen)


def make_videos(count: int = 2000) -> Videos:
    generator = torch.Generator().manual_seed(3)
    return Videos(torch.randn(count, 5, generator=generator), torch.randn(count, 7, generator=generator))


def test_mixer_is_splitmix64() -> None:
    # The first outputs of SplitMix64 from state 1234567, as published with its reference program.
    expected = [
        6457827717110365317,
        3203168211198807973,
        9817491932198370423,
        4593380528125082431,
        16408922859458223821,
    ]
    values = random_integers(1234567, 5, CPU).tolist()
    assert [value % 2**64 for value in values] == expected
    assert mix(torch.zeros(1, dtype=torch.long)).item() == 0


def test_scores_are_uniform() -> None:
    scores = make_chance().score(make_videos(), make_classes())
    assert scores.shape == (2000, 50)
    assert scores.dtype == torch.float32
    assert 0 <= scores.min() < 1e-3
    assert 1 - 1e-3 < scores.max() < 1
    count = torch.histc(scores, bins=20, min=0, max=1)
    chi_square = ((count - 5000).square() / 5000).sum()
    assert 4 < chi_square < 50  # 19 degrees of freedom; 50 is beyond the 99.99th percentile


def test_predictions_are_uniform_over_classes() -> None:
    predicted = make_chance().score(make_videos(), make_classes()).argmax(dim=1)
    count = torch.bincount(predicted, minlength=50).float()
    chi_square = ((count - 40).square() / 40).sum()
    assert 20 < chi_square < 105  # 49 degrees of freedom


def test_scores_of_videos_and_of_classes_are_uncorrelated() -> None:
    scores = make_chance().score(make_videos(), make_classes())
    between_classes = torch.corrcoef(scores.T).fill_diagonal_(0)
    between_videos = torch.corrcoef(scores[:100]).fill_diagonal_(0)
    assert between_classes.abs().max() < 5 / 2000**0.5
    assert between_videos.abs().max() < 5 / 50**0.5


def test_same_seed_same_scores() -> None:
    videos, classes = make_videos(), make_classes()
    assert torch.equal(make_chance(7).score(videos, classes), make_chance(7).score(videos, classes))


@pytest.mark.parametrize("seed", [1, 2**31, 2**63 + 5])
def test_another_seed_gives_unrelated_scores(seed: int) -> None:
    videos, classes = make_videos(), make_classes()
    pair = torch.stack([make_chance(s).score(videos, classes).flatten() for s in (0, seed)])
    assert torch.corrcoef(pair)[0, 1].abs() < 5 / 100_000**0.5


def test_order_and_company_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    videos, classes, chance = make_videos(), make_classes(), make_chance()
    scores = chance.score(videos, classes)
    generator = torch.Generator().manual_seed(4)
    rows = torch.randperm(2000, generator=generator)[:77]
    columns = torch.randperm(50, generator=generator)[:13]
    some = chance.score(videos.take(rows), classes.take(columns))
    assert torch.equal(some, scores[rows][:, columns])
    monkeypatch.setattr("avgzsl_baselines.chance.BLOCK", 300)
    assert torch.equal(chance.score(videos, classes), scores)


def test_the_least_bit_of_a_video_or_class_matters() -> None:
    videos, classes, chance = make_videos(200), make_classes(), make_chance()
    scores = chance.score(videos, classes)
    audio = videos.audio.clone()
    audio[:, 2] = torch.nextafter(audio[:, 2], torch.tensor(9.0))
    other = chance.score(Videos(audio, videos.visual), classes)
    assert torch.corrcoef(torch.stack([scores.flatten(), other.flatten()]))[0, 1].abs() < 0.05
    text = {name: vectors.clone() for name, vectors in classes.text.items()}
    text["clap"][:, 5] = torch.nextafter(text["clap"][:, 5], torch.tensor(9.0))
    other = chance.score(videos, Classes(classes.names, text, classes.seen))
    assert torch.corrcoef(torch.stack([scores.flatten(), other.flatten()]))[0, 1].abs() < 0.05


def test_training_changes_nothing_and_state_round_trips() -> None:
    videos, classes, chance = make_videos(), make_classes(), make_chance(5)
    scores = chance.score(videos, classes)
    assert chance.train_epoch(Samples(videos, torch.zeros(2000, dtype=torch.long))) == {}
    assert torch.equal(chance.score(videos, classes), scores)
    other = make_chance(6)
    other.load_state_dict(chance.state_dict())
    assert torch.equal(other.score(videos, classes), scores)
    assert chance.parameter_count() == 0
