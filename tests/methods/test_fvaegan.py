"""f-VAEGAN-D2 against numbers obtained with the published program, and what its cycle and scores must satisfy."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from built_methods import CLIP_CLAP, CLS, MAIN, parameters, values
from fvaegan_cases import SEEN, SHAPE, SMALL, classes_of, make, problem, small, trained
from presets import stage_one
from reference_values import PRINTED_10, T, X, doubles, fill
from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines import fvaegan
from avgzsl_baselines.families.fvaegan_networks import VAEGAN, Updates, divergence, reconstruction_loss
from avgzsl_baselines.families.wasserstein import Critic, gradient_penalty, value_gap
from avgzsl_baselines.fvaegan import FVAEGANConfig
from avgzsl_bench import AvbenchError, FeatureDims, Samples, Videos
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.method.settings import build_config

SPEC = method_spec("fvaegan")


@pytest.mark.parametrize(
    ("shape", "parts"),
    [
        (MAIN, (678_913, 525_313, 578_100, 833_024)),
        (CLS, (2_317_313, 2_163_713, 1_538_100, 2_474_624)),
        (CLIP_CLAP, (1_573_889, 787_457, 1_102_500, 1_728_512)),
    ],
)
def test_parameters(shape: FeatureDims, parts: tuple[int, ...]) -> None:
    method = make(shape, classes_of(shape, torch.arange(7) < 4))
    nets = method.model.networks
    assert (
        parameters(nets.critic),
        parameters(nets.unconditional_critic),
        parameters(nets.encoder),
        parameters(nets.generator),
    ) == parts
    classifier = (shape.audio + shape.visual + 1) * 7
    assert parameters(method.model.classifier) == classifier
    assert method.parameter_count() == sum(parts)
    if shape == MAIN:
        assert (sum(parts), classifier) == (2_615_350, 1025 * 7)


def test_initial_weights() -> None:
    method = make(MAIN, classes_of(MAIN, SEEN))
    nets = method.model.networks
    normal = [layer for part in (nets.critic, nets.unconditional_critic) for layer in (part.hidden, part.value)]
    for layer in (*normal, method.model.classifier):
        assert not layer.bias.any()
        assert layer.weight.std().item() == pytest.approx(0.02, rel=0.15)
        assert layer.weight.mean().abs() < 0.003
    bound = 1324**-0.5
    assert 0.99 * bound < nets.encoder.hidden.weight.abs().max() <= bound
    assert nets.encoder.hidden.bias.any()


def test_generated_features_lie_between_0_and_1() -> None:
    generator = small().model.networks.generator
    generated = generator(5 * torch.randn(200, 4), torch.randn(200, 7))
    assert generated.shape == (200, 11)
    assert generated.min() > 0
    assert generated.max() < 1


def test_penalty_of_a_linear_critic() -> None:
    generator = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 6, 2, generator=generator, dtype=torch.float64)
    alpha = torch.rand(6, generator=generator, dtype=torch.float64)
    slope = doubles(3.0, 4.0)
    penalty = gradient_penalty(lambda x: x @ slope + 7, real, fake, alpha)
    assert 10 * penalty.item() == pytest.approx(160, abs=1e-12)


def test_penalty_is_taken_between_real_and_fake_with_one_share_a_sample() -> None:
    real = doubles([1.0, 0], [0, 2])
    fake = doubles([3.0, 4], [1, 1])
    alpha = doubles(0.25, 1.0)
    penalty = gradient_penalty(lambda x: x.square().sum(dim=1) / 2, real, fake, alpha)
    # The gradient of |x|^2 / 2 is x: here (2.5, 3) and (0, 2).
    assert penalty.item() == pytest.approx((((2.5**2 + 9) ** 0.5 - 1) ** 2 + 1) / 2, abs=1e-12)


def test_critic_is_two_layers_and_takes_its_parts_side_by_side() -> None:
    critic = Critic(5, 4)
    x, condition = torch.randn(3, 2), torch.randn(3, 3)
    hidden = critic.hidden(torch.cat((x, condition), dim=1))
    expected = critic.value(torch.where(hidden > 0, hidden, 0.2 * hidden))[:, 0]
    torch.testing.assert_close(critic(x, condition), expected)
    gap = value_gap(lambda features: features[:, 0], torch.ones(4, 1), torch.full((4, 1), 3.0))
    assert gap.item() == 2


def test_reconstruction_and_divergence_of_one_sample() -> None:
    bce = reconstruction_loss(doubles([0.5, 0.25]), doubles([0.6, 0.8])).item()
    kl = divergence(doubles([0.5, -1]), doubles([0, 0.2])).item()
    assert (bce, kl) == pytest.approx((1.8597190, 0.6357014), abs=1e-7)  # the first was cut, not rounded
    assert bce + kl == pytest.approx(2.4954204630, abs=PRINTED_10)


def test_divergence_is_zero_for_the_standard_normal_alone() -> None:
    zero = torch.zeros(2, 3, dtype=torch.float64)
    assert divergence(zero, zero) == 0
    for mean, log_variance in ((zero + 0.1, zero), (zero, zero + 0.1), (zero, zero - 0.1)):
        assert divergence(mean, log_variance) > 0.001


def test_reconstruction_is_least_at_the_target() -> None:
    x = torch.rand(4, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 0.8 + 0.1
    least = reconstruction_loss(x, x)
    for change in (-0.01, 0.01):
        assert reconstruction_loss(x + change, x) > least + 1e-4


FIXTURE = {"features": 11, "condition": 300, "latent": 10, "critic": 8, "encoder": 9, "generator": 7}


def noise(rows: int, p: int, q: int) -> Tensor:
    i, j = torch.arange(rows).unsqueeze(1), torch.arange(10)
    return (((p * i + q * j) % 13) - 6).double() / 6


FIXTURE_X = F.normalize(torch.cat((X(4, 6, 0), X(4, 5, 5)), dim=1), dim=1)
CONDITION, Z, EPS = T(4, 0), noise(4, 3, 5), noise(4, 5, 3)
ALPHA = doubles(0.1, 0.4, 0.6, 0.9)


def fixture() -> tuple[VAEGAN, Updates]:
    nets = VAEGAN(**FIXTURE).double()
    critics = (nets.critic, nets.unconditional_critic)
    fill(*(layer for critic in critics for layer in (critic.hidden, critic.value)))
    fill(nets.encoder.hidden, nets.encoder.mean, nets.encoder.log_variance, first=5)
    fill(nets.generator.hidden, nets.generator.output, first=8)
    return nets, Updates(nets, learning_rate=1e-3, penalty_weight=10.0, adversarial_weight=1e5)


def penalty(critic: Callable[[Tensor], Tensor], fake: Tensor) -> float:
    return 10 * gradient_penalty(critic, FIXTURE_X, fake, ALPHA).item()


def generator_losses(nets: VAEGAN) -> dict[str, float]:
    return values(nets.generator_losses(FIXTURE_X, CONDITION, Z, EPS, adversarial_weight=1e5))


def means_of_critics(nets: VAEGAN, fake: Tensor) -> list[float]:
    """Of the critic on real and made features, then of the unconditional one."""
    by_class = (nets.critic(x, CONDITION) for x in (FIXTURE_X, fake))
    return [value.mean().item() for value in (*by_class, *map(nets.unconditional_critic, (FIXTURE_X, fake)))]


def test_fixture_forward() -> None:
    nets, _ = fixture()
    assert parameters(nets) == 7_883
    with torch.no_grad():
        fake = nets.generator(Z, CONDITION)
        mean, log_variance = nets.encoder(FIXTURE_X, CONDITION)
        reconstructed = nets.generator(mean + EPS * torch.exp(log_variance / 2), CONDITION)
    printed = [0.0002981541, 0.0092939062, 0.2248131350, 0.2678366345]
    assert means_of_critics(nets, fake) == pytest.approx(printed, abs=PRINTED_10)
    assert fake.sum().item() == pytest.approx(22.1566373257, abs=PRINTED_10)
    assert fake[0, :4].tolist() == pytest.approx([0.5023, 0.5428, 0.4748, 0.5153], abs=5.1e-5)
    sums = [t.sum().item() for t in (mean, log_variance, reconstructed)]
    assert sums == pytest.approx([-0.3716566401, -0.2199471355, 22.1594072294], abs=PRINTED_10)


def test_fixture_losses() -> None:
    nets, _ = fixture()
    fake = nets.generator(Z, CONDITION).detach()
    penalties = [penalty(lambda x: nets.critic(x, CONDITION), fake), penalty(nets.unconditional_critic, fake)]
    assert penalties == pytest.approx([8.8017164500, 6.1031957802], abs=PRINTED_10)
    losses = nets.critic_losses(FIXTURE_X, CONDITION, Z, ALPHA, penalty_weight=10.0)
    expected = [0.0092939062 - 0.0002981541 + 8.8017164500, 0.2678366345 - 0.2248131350 + 6.1031957802]
    assert [v.item() for v in losses.values()] == pytest.approx(expected, abs=1.6e-10)
    losses_of_generator = generator_losses(nets)
    bce, kl = losses_of_generator["reconstruction"], losses_of_generator["divergence"]
    assert (bce, kl) == pytest.approx((30.5923427718, 0.1553095271), abs=PRINTED_10)
    assert bce + kl == pytest.approx(30.7476522990, abs=PRINTED_10)
    assert losses_of_generator["generator"] == pytest.approx(-1820.2219443988, abs=PRINTED_10)


def test_fixture_updates() -> None:
    nets, updates = fixture()
    updates.critic_step(FIXTURE_X, CONDITION, Z, ALPHA)
    with torch.no_grad():
        fake = nets.generator(Z, CONDITION)
    printed = [0.0014641963, 0.0080360440, 0.2260540777]
    assert means_of_critics(nets, fake)[:3] == pytest.approx(printed, abs=PRINTED_10)
    assert penalty(lambda x: nets.critic(x, CONDITION), fake) == pytest.approx(8.8544248760, abs=PRINTED_10)
    assert fake.sum().item() == pytest.approx(22.1566373257, abs=PRINTED_10)  # G is as it was

    step = updates.generator_step(FIXTURE_X, CONDITION, Z, EPS)
    assert step["generator"].item() == pytest.approx(-1569.4362697702, abs=PRINTED_10)
    losses = generator_losses(nets)
    assert losses["reconstruction"] + losses["divergence"] == pytest.approx(30.7653094435, abs=PRINTED_10)
    fake = nets.generator(Z, CONDITION).detach()
    assert fake.sum().item() == pytest.approx(22.1697354381, abs=PRINTED_10)
    # The critics are as they were.
    assert means_of_critics(nets, fake)[:2] == pytest.approx([0.0014641963, 0.0082096948], abs=PRINTED_10)


def test_order_of_samples_does_not_matter() -> None:
    nets, _ = fixture()

    def losses(order: list[int]) -> dict[str, float]:
        x, condition, z, eps, alpha = (t[order] for t in (FIXTURE_X, CONDITION, Z, EPS, ALPHA))
        critics = nets.critic_losses(x, condition, z, alpha, penalty_weight=10.0)
        return values(critics | nets.generator_losses(x, condition, z, eps, adversarial_weight=1e5))

    assert losses([2, 0, 3, 1]) == pytest.approx(losses([0, 1, 2, 3]), abs=1e-9)


def test_the_unconditional_critic_does_not_reach_the_generator() -> None:
    nets, updates = fixture()
    others, other_updates = fixture()
    with torch.no_grad():
        others.unconditional_critic.hidden.weight.mul_(-3)
    for _ in range(3):
        for each in (updates, other_updates):
            each.critic_step(FIXTURE_X, CONDITION, Z, ALPHA)
            each.generator_step(FIXTURE_X, CONDITION, Z, EPS)
    before = fixture()[0].generator(Z, CONDITION)
    assert not torch.allclose(nets.generator(Z, CONDITION), before, rtol=0, atol=1e-4)
    assert torch.equal(nets.generator(Z, CONDITION), others.generator(Z, CONDITION))


def test_scores_are_log_probabilities_in_the_order_of_the_names() -> None:
    method, train, classes = trained()
    scores = method.score(train.videos, classes)
    torch.testing.assert_close(scores.exp().sum(dim=1), torch.ones(22))
    own = method.model.classifier(method.model.features(train.videos)).log_softmax(1).detach()
    torch.testing.assert_close(scores, own[:, [0, 3, 1, 2, 4]])  # own order: a, c, d seen; b, e unseen
    order = torch.tensor([4, 2, 0])
    torch.testing.assert_close(method.score(train.videos, classes.take(order)), scores[:, order])


def test_it_learns_the_training_labels() -> None:
    train, classes = problem()
    centre = torch.rand(3, 11, generator=torch.Generator().manual_seed(1))
    joined = centre[train.label] + 0.05 * torch.cat((train.videos.audio, train.videos.visual), dim=1)
    train = Samples(Videos(joined[:, :6], joined[:, 6:]), train.label)
    method = small(classifier_learning_rate=0.1, classifier_epochs=30)
    for _ in range(30):
        method.train_epoch(train)
    best = method.score(train.videos, classes.seen_classes()).argmax(dim=1)
    assert (best == train.label).float().mean() > 0.9


def test_unknown_classes_are_named() -> None:
    method, train, classes = trained()
    other = replace(classes, names=("a", "b", "x", "d", "y"))
    with pytest.raises(AvbenchError, match=r"can score no others: x, y"):
        method.score(train.videos, other)


def test_scoring_in_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    method, train, classes = trained()
    whole = method.score(train.videos, classes)
    monkeypatch.setattr(fvaegan, "BLOCK", 5)
    torch.testing.assert_close(method.score(train.videos, classes), whole)


def test_a_task_without_unseen_classes() -> None:
    train, classes = problem()
    method = make(SHAPE, classes.seen_classes(), **SMALL)
    method.train_epoch(train)
    assert method.score(train.videos, classes.seen_classes()).shape == (22, 3)


def test_simulated_features_are_scaled_and_soon_done() -> None:
    for dataset in ("ucf", "activitynet", "vggsound"):
        config = build_config(SPEC, FVAEGANConfig, dataset, "simulated", {})
        assert config.scaling == "min_max"
        assert config.epochs / config.classifier_epochs * config.generator_batches < 1000
        assert config.synthetic_per_class == 100


def test_official_preset_trains_less_and_has_no_bias(data_root: Path) -> None:
    short = {"epochs": 2, "classifier_epochs": 1, "generator_batches": 6}
    default = stage_one(SPEC, data_root, None, **short)
    official = stage_one(SPEC, data_root, "official", **short)
    assert official.bias == 0
    assert default.bias != 0
    # After one update each, the second epoch's reconstructions are still those of a new network.
    start = official.epochs[0].losses["reconstruction"]
    assert official.epochs[1].losses["reconstruction"] > 0.9 * start
    assert default.epochs[1].losses["reconstruction"] < 0.8 * start
