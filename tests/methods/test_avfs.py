"""The reconstruction of AVFS: worked examples and a traced training step, to their printed digits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from avfs_cases import ALPHA, SPEC, fake_of, fixture_batch, fixture_method, make, trial
from built_methods import MAIN, by_part, values
from reference_values import PRINTED_10, doubles
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.avfs import AVFS, AVFSConfig
from avgzsl_baselines.families.avfs_losses import (
    FeatureBatch,
    contrastive_loss,
    critic_losses,
    embedding_losses,
    generator_losses,
)
from avgzsl_baselines.families.avfs_networks import AVFSNetworks, SemanticScorer, joined
from avgzsl_bench import AvbenchError, ConfigError, FeatureDims, Videos
from avgzsl_bench.method.registry import method_class
from avgzsl_bench.testing.method_checks import CHECKS

LEGAL: list[dict[str, Any]] = [
    {},
    {"score": "semantic"},
    {"score": "sum"},
    {"score": "sum", "contrastive": False},
    {"contrastive": False},
    {"discriminative": False},
    {"contrastive": False, "discriminative": False},
    {"generator": False, "score": "semantic"},
    {"generator": False, "score": "semantic", "contrastive": False},
]


def test_initial_weights() -> None:
    method = make(MAIN)
    for name, value in method.state_dict().items():
        if name.endswith("bias"):
            assert not value.any()
        else:
            assert value.std().item() == pytest.approx(0.02, rel=0.1)


def test_ranges_of_the_networks() -> None:
    method = make(MAIN)
    net = method.module
    text = method.text[torch.arange(12) % 2]
    features = net.generator.sample(text)
    halves = features.split([MAIN.visual, MAIN.audio], dim=1)
    for rows in (*halves, net.project(net.encode(features))):
        torch.testing.assert_close(rows.norm(dim=1), torch.ones(12))
    with torch.no_grad():
        for layer in (net.scorer.video, net.scorer.text):
            layer.weight.copy_(torch.ones_like(layer.weight))
    assert net.scorer(net.encode(features), method.text).abs().amax().item() == pytest.approx(10, abs=1e-4)
    assert not joined(torch.zeros(1, 4), torch.zeros(1, 3)).any()


class LinearCritic(nn.Module):
    def __init__(self, slope: Tensor) -> None:
        super().__init__()
        self.slope = slope

    def forward(self, features: Tensor, _: Tensor) -> Tensor:
        return features @ self.slope


def test_adversarial_losses_of_a_linear_critic() -> None:
    slope = doubles(0.3, -0.4, 1.2)
    real, fake = (
        torch.tensor(value, dtype=torch.float64).unsqueeze(1) * slope / slope.square().sum()
        for value in ([1.2, 0.4, -0.3], [0.1, -0.6, 0.2])
    )
    critic: Any = LinearCritic(slope)
    batch = FeatureBatch(real, torch.zeros(3, 2, dtype=torch.float64), torch.arange(3))
    for alpha in ([0.1, 0.5, 0.9], [0.0, 0.0, 0.0]):
        losses = critic_losses(critic, batch, fake, torch.tensor(alpha, dtype=torch.float64), penalty_weight=10)
        assert values(losses) == pytest.approx({"critic": 0.36666667, "penalty": 0.09}, abs=5.1e-9)
    networks = AVFSNetworks(generator=None, critic=critic, embedding=None, scorer=None, classifier=None)
    adversarial = generator_losses(networks, batch, fake, batch.text, 0.1)
    assert values(adversarial) == pytest.approx({"adversarial": 0.1}, abs=1e-12)


# The first figures are those of CE-GZSL's routine, good to single precision; the second were worked out exactly.
@pytest.mark.parametrize(
    ("temperature", "single", "exact"), [(0.1, 0.0082036859, 0.008203684716), (0.5, 0.4807890738, 0.480789061390)]
)
def test_contrastive_loss(temperature: float, single: float, exact: float) -> None:
    rows = [(1, 0, 1), (1, 0.5, 0.5), (0, 1, 0), (0.2, 1, -0.3), (-1, 0, 0.4)]
    q = F.normalize(doubles(*rows), dim=1)
    label = torch.tensor([0, 0, 1, 1, 2])
    loss = contrastive_loss(q, label, temperature).item()
    assert loss == pytest.approx(single, abs=2e-8)
    assert loss == pytest.approx(exact, abs=5.1e-13)


def test_contrastive_loss_is_the_formula() -> None:
    q = F.normalize(torch.randn(9, 4, dtype=torch.float64), dim=1)
    label = torch.tensor([0, 1, 0, 2, 1, 0, 3, 1, 0])
    similarity, anchors = (q @ q.T / 0.3).exp(), []
    for i in range(9):
        positive = [p for p in range(9) if p != i and label[p] == label[i]]
        below = sum(similarity[i, j] for j in range(9) if j != i)
        if positive:
            anchors.append(-sum((similarity[i, p] / below).log() for p in positive) / len(positive))
    assert len(anchors) == 7
    assert contrastive_loss(q, label, 0.3).item() == pytest.approx(float(sum(anchors)) / 7, abs=1e-12)


def test_contrastive_loss_without_anchors() -> None:
    q = F.normalize(torch.randn(3, 4), dim=1).requires_grad_()
    loss = contrastive_loss(q, torch.arange(3), 0.1)
    loss.backward()
    assert loss.item() == 0
    assert not q.grad.any()


def test_discriminative_loss() -> None:
    scorer = SemanticScorer(2, 2, 2, 0.1).double()
    with torch.no_grad():
        for layer in (scorer.video, scorer.text):
            layer.weight.copy_(torch.eye(2))
    hidden = doubles((1, 0), (0.6, 0.8))
    text = doubles((1, 0), (0, 1), (-1, 1))
    expected = doubles((10, 0, -7.0710678), (6, 8, 1.4142136))
    torch.testing.assert_close(scorer(hidden, text), expected, atol=5.1e-8, rtol=0)
    networks = AVFSNetworks(generator=None, critic=None, embedding=None, scorer=scorer, classifier=None)
    losses = embedding_losses(networks, FeatureBatch(hidden, hidden, torch.tensor([0, 1])), text, 0.1)
    assert values(losses) == pytest.approx({"discriminative": 0.06409404}, abs=5.1e-9)


def critic_figures(method: AVFS, batch: FeatureBatch) -> list[float]:
    """mean D(xf), mean D(x), GP and L_D."""
    critic = method.module.critic
    fake = fake_of(method, batch).detach()
    losses = critic_losses(critic, batch, fake, ALPHA, penalty_weight=10)
    means = [critic(features, batch.text).mean() for features in (fake, batch.features)]
    return [value.item() for value in (*means, losses["penalty"], losses["critic"])]


def embedding_figures(method: AVFS, batch: FeatureBatch) -> list[float]:
    losses = embedding_losses(method.module, batch, method.train_text, 0.1)
    return [losses[name].item() for name in ("contrastive", "discriminative")]


def generator_figures(method: AVFS, batch: FeatureBatch) -> list[float]:
    """The parts of L_G and L_G."""
    losses = generator_losses(method.module, batch, fake_of(method, batch), method.train_text, 0.1)
    names = ("adversarial", "generated_contrastive", "generated_discriminative")
    return [losses[name].item() for name in names] + [method.generator_total(losses).item()]


def test_fixture_forward() -> None:
    method = fixture_method()
    assert [*by_part(method.module).values()][:4] == [2_265, 2_505, 168, 1_545]
    batch, net = fixture_batch(method), method.module
    fake, hidden = fake_of(method, batch), net.encode(batch.features)
    projected = net.project(hidden)
    sums = [t.sum().item() for t in (batch.features, fake, hidden, projected, net.scorer(hidden, method.text))]
    expected = [15.8231520081, 0.8369718731, 3.6476182584, -1.9829565918, 30.2852377853]
    assert sums == pytest.approx(expected, abs=PRINTED_10)
    first = [-0.0249390582, 0.3869020619, -0.1637123233, 0.6417629458]
    assert fake[0, :4].tolist() == pytest.approx(first, abs=PRINTED_10)


def test_fixture_losses_over_a_step_of_each_optimizer() -> None:
    method = fixture_method()
    batch = fixture_batch(method)
    expected = [0.0218623257, 0.0532252211, 0.9186568453, 9.1552055575]
    assert critic_figures(method, batch) == pytest.approx(expected, abs=PRINTED_10)
    assert embedding_figures(method, batch) == pytest.approx([1.5561662251, 9.7316020942], abs=PRINTED_10)
    expected = [-0.0218623257, 3.3232213449, 6.0842566173, 0.0722124539]
    assert generator_figures(method, batch) == pytest.approx(expected, abs=PRINTED_10)

    # Adam's first step does not depend on its betas.
    before = method.critic_step(batch, fake_of(method, batch).detach(), ALPHA)
    assert before["critic"].item() == pytest.approx(9.1552055575, abs=PRINTED_10)
    method.embedding_step(batch)
    expected = [0.0172974805, 0.0526903614, 0.9155007030, 9.1196141487]
    assert critic_figures(method, batch) == pytest.approx(expected, abs=PRINTED_10)
    assert embedding_figures(method, batch) == pytest.approx([1.4876582575, 5.0679468615], abs=PRINTED_10)
    expected = [-0.0172974805, 3.3034702129, 4.8686310383, 0.0644235320]
    assert generator_figures(method, batch) == pytest.approx(expected, abs=PRINTED_10)

    method.generator_step(batch, fake_of(method, batch))
    expected = [-0.0189207346, 3.2271146419, 4.0807951579, 0.0541583634]
    assert generator_figures(method, batch) == pytest.approx(expected, abs=PRINTED_10)


@pytest.mark.parametrize("settings", LEGAL[1:], ids=str)
def test_conformance_of_the_switches(settings: dict[str, Any]) -> None:
    for check in CHECKS:
        check(trial(classifier_steps=5, **settings))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"score": "semantic", "discriminative": False}, "score=semantic.*discriminative=false.*score=classifier"),
        ({"score": "sum", "discriminative": False}, "score=sum.*discriminative=false"),
        ({"generator": False}, "score=classifier.*generator=false.*score=semantic"),
        ({"generator": False, "score": "sum"}, "score=sum.*generator=false"),
        ({"generator": False, "discriminative": False}, "generator=false and discriminative=false"),
        ({"generator": False, "discriminative": False, "score": "semantic"}, "generator=false and discrim"),
    ],
)
def test_contradictory_switches(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        AVFS.check(AVFSConfig(**settings), MAIN)
    with pytest.raises(ConfigError, match=message):
        make(MAIN, **settings)


@pytest.mark.parametrize("settings", LEGAL, ids=str)
def test_legal_switches(settings: dict[str, Any]) -> None:
    AVFS.check(AVFSConfig(**settings), MAIN)


def test_scores_are_log_probabilities_over_all_classes() -> None:
    torch.manual_seed(5)
    shape, vectors = FeatureDims(6, 5, {"word2vec": 7}), torch.randn(6, 7)
    videos = Videos(torch.randn(9, 6), torch.randn(9, 5))
    scores = {}
    for score in ("classifier", "semantic", "sum"):
        torch.manual_seed(6)
        method = make(shape, vectors, (1, 4), score=score)
        scores[score] = method.score(videos, method.classes)
        if score == "sum":
            hidden = method.module.encode(joined(videos.visual, videos.audio))
            semantic = method.module.scorer(hidden, F.normalize(vectors, dim=1)).log_softmax(dim=1)
            classifier = method.module.classifier(hidden).log_softmax(dim=1)
    torch.testing.assert_close(scores["semantic"], semantic.detach())
    torch.testing.assert_close(scores["classifier"], classifier.detach())
    torch.testing.assert_close(scores["sum"], scores["semantic"] + scores["classifier"])
    for score in ("classifier", "semantic"):
        torch.testing.assert_close(scores[score].exp().sum(dim=1), torch.ones(9))


@pytest.mark.parametrize("score", ["classifier", "semantic", "sum"])
def test_columns_follow_the_names(score: str) -> None:
    small = trial(score=score)
    method, videos, classes = small.trained(), small.task.videos, small.task.classes
    scores = method.score(videos, classes)
    assert len({tuple(column.tolist()) for column in scores.T}) == len(classes)
    for order in (torch.randperm(len(classes)), torch.tensor([7, 2, 9])):
        torch.testing.assert_close(method.score(videos, classes.take(order)), scores[:, order])
    foreign = replace(classes, names=("Zumba", *classes.names[1:]))
    with pytest.raises(AvbenchError, match="Zumba"):
        method.score(videos, foreign)


def test_scoring_only_reads() -> None:
    small = trial(score="sum")
    method = small.trained()
    state, random = method.state_dict(), torch.get_rng_state()
    method.score(small.task.videos, small.task.classes)
    assert torch.equal(torch.get_rng_state(), random)
    assert all(torch.equal(value, state[name]) for name, value in method.state_dict().items())


def test_lengths_of_vectors_do_not_matter() -> None:
    small = trial(score="sum")
    method, classes = small.trained(), small.task.classes
    videos = Videos(small.task.videos.audio * 255, small.task.videos.visual * 0.5)
    torch.testing.assert_close(method.score(videos, classes), method.score(small.task.videos, classes))
    torch.testing.assert_close(method.text.norm(dim=1), torch.ones(len(classes)))
    two = make(FeatureDims(6, 5, {"clip": 3, "clap": 4}), torch.randn(4, 7) * 3)
    torch.testing.assert_close(two.text.norm(dim=1), torch.ones(4))


def test_state_without_memory() -> None:
    small = trial()
    build = method_class(SPEC)
    with torch.device("meta"):
        expected = build(
            small.config, small.shape, small.task.classes, seed=0, device=torch.device("meta")
        ).state_dict()
    assert {value.device.type for value in expected.values()} == {"meta"}
    trained = small.trained().state_dict()
    assert {name: value.shape for name, value in expected.items()} == {n: v.shape for n, v in trained.items()}
