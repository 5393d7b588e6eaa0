"""Training AVFS: which step moves what, batches, the classifier."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from avfs_cases import ALPHA, NOISE, SPEC, fake_of, fixture_batch, fixture_method, make, trial
from built_methods import values
from presets import stage_one
from reference_values import PRINTED_10
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines import avfs
from avgzsl_baselines.families.avfs_losses import FeatureBatch, critic_losses, embedding_losses, generator_losses
from avgzsl_baselines.families.avfs_networks import joined
from avgzsl_bench import ClassBalancedSampler, FeatureDims, Videos


def test_order_of_samples_does_not_matter() -> None:
    method = fixture_method()
    batch, order = fixture_batch(method), torch.tensor([2, 0, 3, 1])
    shuffled = FeatureBatch(batch.features[order], batch.text[order], batch.label[order])
    for one, noise, alpha in ((batch, NOISE, ALPHA), (shuffled, NOISE[order], ALPHA[order])):
        fake = fake_of(method, one, noise)
        losses = critic_losses(method.module.critic, one, fake.detach(), alpha, penalty_weight=10)
        losses |= embedding_losses(method.module, one, method.train_text, 0.1)
        losses |= generator_losses(method.module, one, fake, method.train_text, 0.1)
        if one is batch:
            expected = values(losses)
    assert values(losses) == pytest.approx(expected, abs=1e-12)


def test_each_step_moves_its_own_networks_alone() -> None:
    method = fixture_method()
    batch = fixture_batch(method)

    def moved(step: str, *arguments: Tensor) -> set[str]:
        before = method.state_dict()
        getattr(method, step)(batch, *arguments)
        after = method.state_dict()
        return {name.partition(".")[0] for name, value in after.items() if not torch.equal(value, before[name])}

    # The fakes of the critic's step still have their graph: the penalty and the gap must not use it.
    assert moved("critic_step", fake_of(method, batch), ALPHA) == {"critic"}
    assert moved("embedding_step") == {"embedding", "scorer"}
    assert all(p.grad is None for p in method.module.generator.parameters())
    others = [p for part in (method.module.critic, method.module.embedding) if part for p in part.parameters()]
    gradients = [None if p.grad is None else p.grad.clone() for p in others]
    assert moved("generator_step", fake_of(method, batch)) == {"generator"}
    for parameter, gradient in zip(others, gradients, strict=True):
        assert torch.equal(parameter.grad, gradient)


def test_real_videos_get_no_gradient_from_the_generator_loss() -> None:
    method = fixture_method()
    batch = fixture_batch(method)
    features = batch.features.clone().requires_grad_()
    fake = fake_of(method, batch)
    losses = generator_losses(method.module, replace(batch, features=features), fake, method.train_text, 0.1)
    losses["generated_contrastive"].backward()
    assert features.grad is None
    changed = replace(batch, features=batch.features.flip(1))
    other = generator_losses(method.module, changed, fake, method.train_text, 0.1)
    assert abs(other["generated_contrastive"].item() - losses["generated_contrastive"].item()) > 1e-3


@pytest.mark.parametrize(
    ("settings", "embedding", "generator", "total"),
    [
        ({"contrastive": False}, [9.7316020942], [-0.0218623257, 6.0842566173], 0.0389802405),
        ({"discriminative": False}, [1.5561662251], [-0.0218623257, 3.3232213449], 0.0113698877),
        ({"contrastive_weight": 0.1, "discriminative_weight": 0.0}, None, None, 0.3104598088),
    ],
)
def test_switches_and_weights(
    settings: dict[str, Any], embedding: list[float] | None, generator: list[float] | None, total: float
) -> None:
    method = fixture_method(**settings)
    batch = fixture_batch(method)
    real = embedding_losses(method.module, batch, method.train_text, 0.1)
    made = generator_losses(method.module, batch, fake_of(method, batch), method.train_text, 0.1)
    if embedding is not None and generator is not None:
        assert list(values(real).values()) == pytest.approx(embedding, abs=PRINTED_10)
        assert list(values(made).values()) == pytest.approx(generator, abs=PRINTED_10)
    assert method.generator_total(made).item() == pytest.approx(total, abs=1e-10)


def test_without_both_objectives_the_game_alone_is_left() -> None:
    method = fixture_method(contrastive=False, discriminative=False)
    batch = fixture_batch(method)
    assert method.embedding_step(batch) == {}
    losses = generator_losses(method.module, batch, fake_of(method, batch), method.train_text, 0.1)
    assert values(losses) == pytest.approx({"adversarial": -0.0218623257}, abs=PRINTED_10)
    assert method.module.encode(batch.features) is batch.features


def steps_of(optimizer: torch.optim.Adam | None) -> int:
    (steps,) = {int(state["step"]) for state in optimizer.state.values()} or {0}
    return steps


def test_steps_of_the_optimizers() -> None:
    small = trial(batches_per_epoch=4, critic_steps=3, classifier_steps=2)
    method = small.build()
    done = []
    for _ in range(3):
        losses = method.train_epoch(small.task.train)
        assert "generated_contrastive" in losses
        optimizers = (method.critic_optimizer, method.embedding_optimizer, method.generator_optimizer)
        done.append(tuple(steps_of(optimizer) for optimizer in optimizers))
    assert done == [(4, 4, 1), (8, 8, 2), (12, 12, 4)]
    betas = [optimizer.param_groups[0]["betas"] for optimizer in optimizers if optimizer is not None]
    assert betas == [(0.5, 0.999), (0.9, 0.999), (0.5, 0.999)]


def test_batches_are_class_balanced_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    small = trial(batches_per_epoch=4, batch_size=10, classifier_steps=1)
    method, train, classes = small.build(), small.task.train, small.task.classes.seen_classes()
    given: list[FeatureBatch] = []
    monkeypatch.setattr(method, "train_step", lambda batch: given.append(batch) or {})
    method.train_epoch(train)
    draws = ClassBalancedSampler(train.label, seed=0).draw(4, 10)
    for batch, index in zip(given, draws, strict=True):
        videos = train.videos.take(index)
        assert torch.equal(batch.features, joined(videos.visual, videos.audio))
        assert torch.equal(batch.label, train.label[index])
        torch.testing.assert_close(batch.text, F.normalize(classes.embedding(), dim=1)[batch.label])


def test_the_classifier_starts_anew_every_epoch() -> None:
    small = trial(classifier_steps=1)
    method = small.build()
    for _ in range(2):
        nn.init.constant_(method.module.classifier.weight, 1e6)
        method.train_epoch(small.task.train)
        assert method.module.classifier.weight.abs().max() < 0.2


def test_the_classifier_learns_generated_videos_of_unseen_classes() -> None:
    small = trial(classifier_steps=300, classifier_learning_rate=0.01, contrastive=False, discriminative=False)
    method = small.build()
    train, classes = small.task.train, small.task.classes
    method.train_epoch(train)
    width = small.shape.visual
    unseen = (~classes.seen).nonzero().squeeze(1).repeat_interleave(20)
    made = method.module.generator.sample(method.text[unseen]).detach()
    seen = classes.seen.nonzero().squeeze(1)[train.label]
    for videos, label in ((Videos(made[:, width:], made[:, :width]), unseen), (train.videos, seen)):
        predicted = method.score(videos, classes).argmax(dim=1)
        assert (predicted == label).float().mean() > 0.5  # chance is 1/11


def test_texts_of_unseen_classes_change_nothing_before_synthesis() -> None:
    shape, vectors = FeatureDims(6, 5, {"word2vec": 7}), torch.randn(6, 7)
    small = {"noise_width": 8, "generator_width": 16, "critic_width": 16, "hidden_width": 12}
    losses = []
    for unseen in ((), (1, 4)):
        seen = [i for i in range(6) if i not in (1, 4)]
        torch.manual_seed(3)
        method = make(shape, vectors if unseen else vectors[seen], unseen, critic_steps=1, **small)
        torch.manual_seed(4)
        label = torch.arange(8) % 4
        batch = FeatureBatch(torch.randn(8, 11), method.train_text[label], label)
        losses.append([values(method.train_step(batch)) for _ in range(3)])
    assert losses[0] == losses[1]
    assert len(losses[0][0]) == 7


def test_training_is_the_same_whatever_the_block(monkeypatch: pytest.MonkeyPatch) -> None:
    small = trial(score="sum")
    method = small.trained()
    expected = method.score(small.task.videos, small.task.classes)
    monkeypatch.setattr(avfs, "BLOCK", 5)
    torch.testing.assert_close(method.score(small.task.videos, small.task.classes), expected)
    encoded = method._encode(small.task.train.videos)
    videos = small.task.train.videos
    torch.testing.assert_close(encoded, method.module.encode(joined(videos.visual, videos.audio)))
    label = torch.arange(11).repeat(2)
    assert method._generate(label).shape == (22, 12)


def test_beats_chance_on_simulated_features(data_root: Path) -> None:
    selection = stage_one(SPEC, data_root, None, epochs=1, classifier_steps=300)
    figures = selection.epochs[0].validation
    assert figures.zsl > 0.2  # chance is 1/12
    assert figures.hm > 0.2
