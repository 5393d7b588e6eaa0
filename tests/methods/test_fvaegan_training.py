"""Training f-VAEGAN-D2: epochs of generator and classifier, mini-batches, ranges of features."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from fvaegan_cases import CPU, problem, small
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines import fvaegan
from avgzsl_baselines.fvaegan import FVAEGAN, mixed_rows
from avgzsl_bench import ConfigError, Samples, Videos


def steps(optimizer: torch.optim.Adam, module: nn.Module) -> set[int]:
    return {int(optimizer.state[p]["step"]) if p in optimizer.state else 0 for p in module.parameters()}


def copy_of(module: nn.Module) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in module.state_dict().items()}


@pytest.mark.parametrize(("schedule", "critic", "generator"), [("full", 7, 2), ("official", 1, 1)])
def test_updates_an_epoch_of_the_generator(schedule: str, critic: int, generator: int) -> None:
    method, (train, _) = small(schedule=schedule, classifier_epochs=1), problem()
    nets, updates = method.model.networks, method.updates
    for epoch in (1, 2, 3):
        method.train_epoch(train)
        assert steps(updates.critics, nets.critic) == {critic * epoch}
        assert steps(updates.critics, nets.unconditional_critic) == {critic * epoch}
        assert steps(updates.makers, nets.encoder) == {generator * epoch}
        assert steps(updates.makers, nets.generator) == {generator * epoch}


def test_every_classifier_starts_afresh_after_an_epoch_of_the_generator() -> None:
    method, (train, _) = small(), problem()
    networks, epochs = [], []
    for _ in range(7):
        method.train_epoch(train)
        networks.append(copy_of(method.model.networks))
        epochs.append(method._cycle.epochs)
    assert epochs == [1, 2, 3, 1, 2, 3, 1]
    changed = [not all(torch.equal(a[k], b[k]) for k in a) for a, b in pairwise(networks)]
    assert changed == [False, False, True, False, False, True]


def test_the_classifiers_weights_are_drawn_anew() -> None:
    method, (train, _) = small(classifier_learning_rate=1e-9, classifier_epochs=1), problem()
    weights = []
    for _ in range(2):
        method.train_epoch(train)
        weights.append(method.model.classifier.weight.detach().clone())
        assert weights[-1].std().item() == pytest.approx(0.02, rel=0.4)
        assert method.model.classifier.bias.abs().max() < 1e-6
    assert (weights[0] - weights[1]).abs().max() > 0.01


def test_mini_batches_hold_every_row_once() -> None:
    rows = mixed_rows(22, range(3, 5), 9, generator=torch.Generator().manual_seed(0), device=CPU)
    sizes = [len(part.video) + len(part.label) for part in rows]
    assert sizes == [9, 9, 9, 9, 4]
    assert torch.cat([part.video for part in rows]).sort().values.tolist() == list(range(22))
    assert torch.cat([part.label for part in rows]).bincount().tolist() == [0, 0, 0, 9, 9]
    assert all(0 < len(part.video) < 9 for part in rows[:4])  # mixed, not one after the other
    assert len({part.seed for part in rows}) == 5


def reference_classifier(method: FVAEGAN, train: Samples, epochs: int) -> nn.Linear:
    """The classifier that a cycle ought to have trained, from its first weights."""
    cycle, classes = method._cycle, method.classes
    order = [0, 2, 3, 1, 4]  # seen, then unseen
    text = classes.embedding()[order]
    torch.manual_seed(9)
    classifier = nn.Linear(11, 5)
    nn.init.normal_(classifier.weight, std=0.02)
    nn.init.zeros_(classifier.bias)
    optimizer = torch.optim.Adam(classifier.parameters(), lr=0.03, betas=(0.5, 0.999))
    for _ in range(epochs):
        for rows in cycle.rows:
            z = torch.randn(len(rows.label), 4, generator=torch.Generator().manual_seed(rows.seed))
            made = method.model.networks.generator(z, text[rows.label])
            real = torch.cat((train.videos.audio, train.videos.visual), dim=1)[rows.video]
            x = torch.cat((real, made)).detach()
            x = x / x.norm(dim=1, keepdim=True)
            loss = F.nll_loss(classifier(x).log_softmax(1), torch.cat((train.label[rows.video], rows.label)))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return classifier


def drawn_at_seed_9(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw each classifier's first weights from the same seed."""
    draw = fvaegan.small_normal

    def seeded(module: nn.Module) -> None:
        torch.manual_seed(9)
        torch.nn.Linear(11, 5)  # as a newly built layer would
        draw(module)

    monkeypatch.setattr(fvaegan, "small_normal", seeded)


@pytest.mark.parametrize("kept", [0, 9 * 11 * 2, 2**27])
def test_a_classifiers_training(monkeypatch: pytest.MonkeyPatch, kept: int) -> None:
    drawn_at_seed_9(monkeypatch)
    monkeypatch.setattr(fvaegan, "KEPT", kept)
    train, _ = problem()
    method = small(scaling="none", classifier_learning_rate=0.03)
    for _ in range(3):
        method.train_epoch(train)
    assert len(method._cycle.kept) == min(kept // (9 * 11), 5)
    expected = reference_classifier(method, train, epochs=3)
    torch.testing.assert_close(method.model.classifier.weight, expected.weight, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(method.model.classifier.bias, expected.bias, rtol=1e-4, atol=1e-5)


def test_generator_training_reads_the_text_of_the_batchs_classes() -> None:
    """What the critic and the encoder see as condition is the drawn videos' own class."""
    method, (train, classes) = small(scaling="none"), problem()
    seen: list[tuple[Tensor, Tensor]] = []
    step = method.updates.critic_step

    def watched(x: Tensor, condition: Tensor, z: Tensor, alpha: Tensor) -> Any:
        seen.append((x, condition))
        assert z.shape == (8, 4)
        assert alpha.shape == (8,)
        assert alpha.min() >= 0
        assert alpha.max() < 1
        return step(x, condition, z, alpha)

    method.updates.critic_step = watched  # type: ignore[method-assign]
    method.train_epoch(train)
    all_x = F.normalize(torch.cat((train.videos.audio, train.videos.visual), dim=1), dim=1)
    text = classes.embedding()[[0, 2, 3]][train.label]
    for x, condition in seen:
        row = torch.cdist(x, all_x).argmin(dim=1)
        torch.testing.assert_close(x, all_x[row])
        assert torch.equal(condition, text[row])
    assert len(seen) == 7


def test_the_mean_losses_are_reported_and_finite() -> None:
    method, (train, _) = small(), problem()
    first, second = method.train_epoch(train), method.train_epoch(train)
    names = {"classifier", "critic", "unconditional_critic", "generator", "reconstruction", "divergence"}
    assert set(first) == set(second) == names
    assert second["classifier"] < first["classifier"]
    assert all(second[name] == first[name] for name in names - {"classifier"})


def test_audio_comes_first_and_the_whole_has_unit_norm() -> None:
    train, _ = problem()
    method = small(scaling="none")
    method.model.fit_range(train.videos)
    x = method.model.features(train.videos)
    joined = torch.cat((train.videos.audio, train.videos.visual), dim=1)
    torch.testing.assert_close(x, joined / joined.norm(dim=1, keepdim=True))


@pytest.mark.parametrize("where", ["audio", "visual"])
def test_negative_features_are_refused_unless_scaled(where: str) -> None:
    train, _ = problem()
    getattr(train.videos, where)[4, 2] = -1e-3
    with pytest.raises(ConfigError, match=r"scaling=none.*negative.*use scaling=min_max"):
        small(scaling="none").train_epoch(train)
    small(scaling="min_max").train_epoch(train)


def test_min_max_scaling() -> None:
    train, _ = problem(shift=-0.5)
    train.videos.audio[:, 1] = 0.25  # a constant feature
    method = small(scaling="min_max")
    method.train_epoch(train)
    joined = torch.cat((train.videos.audio, train.videos.visual), dim=1)
    low, high = joined.min(dim=0).values, joined.max(dim=0).values
    span = torch.where(high > low, high - low, 1.0)
    scaled = (joined - low) / span
    x = method.model.features(train.videos)
    torch.testing.assert_close(x, F.normalize(scaled, dim=1))
    assert not x[:, 1].any()
    beyond = Videos(torch.full((1, 6), 9.0), torch.full((1, 5), -9.0))
    expected = torch.cat((torch.ones(1, 6), torch.zeros(1, 5)), dim=1)
    torch.testing.assert_close(method.model.features(beyond), F.normalize(expected, dim=1))


def test_the_range_comes_from_training_videos_and_travels_with_the_state() -> None:
    train, classes = problem(shift=-0.5)
    method = small()
    method.train_epoch(train)
    other = Videos(train.videos.audio * 3 + 1, train.videos.visual - 1)
    low = method.model.low.clone()
    scores = method.score(other, classes)
    assert torch.equal(method.model.low, low)
    fresh = small()
    assert not torch.allclose(fresh.score(other, classes), scores)
    fresh.load_state_dict(method.state_dict())
    torch.testing.assert_close(fresh.score(other, classes), scores)
