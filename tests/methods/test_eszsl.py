"""ESZSL against the formula, its objective's optimality condition, and the grid it walks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from avgzsl_baselines.eszsl import ESZSL, EXPONENTS, GRID, ESZSLConfig, joint_features
from avgzsl_bench import Classes, FeatureDims, Samples, Videos

CPU = torch.device("cpu")
SHAPE = FeatureDims(audio=5, visual=7, text={"clip": 4, "clap": 6})
SEEN = torch.tensor([True, False, True, True, True, False])


def problem(videos: int = 40) -> tuple[Samples, Classes]:
    generator = torch.Generator().manual_seed(5)
    text = {name: torch.randn(6, width, generator=generator) for name, width in SHAPE.text.items()}
    audio = torch.randn(videos, 5, generator=generator)
    visual = torch.randn(videos, 7, generator=generator) * 3
    label = torch.randint(4, (videos,), generator=generator)
    classes = Classes(tuple("abcdef"), text, SEEN)
    return Samples(Videos(audio, visual), label), classes


def trained(epochs: int, train: Samples, classes: Classes, *, center: bool = True) -> ESZSL:
    method = ESZSL(ESZSLConfig(center=center), SHAPE, classes, seed=0, device=CPU)
    for _ in range(epochs):
        method.train_epoch(train)
    return method


def arrays(train: Samples, classes: Classes, *, center: bool = True) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`X`, `Y` and `S` of the paper, float64, one row a video or class."""
    audio, visual = train.videos.audio.double().numpy(), train.videos.visual.double().numpy()
    x = np.hstack([m / np.linalg.norm(m, axis=1, keepdims=True) for m in (audio, visual)])
    x = x - x.mean(axis=0) if center else x
    y = np.where(train.label.numpy()[:, None] == np.arange(4), 1.0, -1.0)
    s = np.hstack([t.double().numpy() for t in classes.text.values()])[SEEN.numpy()]
    return x, y, s


@pytest.mark.parametrize("center", [False, True])
@pytest.mark.parametrize("candidate", [0, 3, 17, 24, 48])
def test_weight_is_the_formula(candidate: int, center: bool) -> None:
    train, classes = problem()
    x, y, s = arrays(train, classes, center=center)
    gamma, lam = (10.0**exponent for exponent in GRID[candidate])
    left = np.linalg.inv(x.T @ x + gamma * np.eye(12))
    right = np.linalg.inv(s.T @ s + lam * np.eye(10))
    expected = left @ x.T @ y @ s @ right
    weight = trained(candidate + 1, train, classes, center=center).state_dict()["weight"]
    assert weight.dtype == torch.float32
    np.testing.assert_allclose(weight.numpy(), expected, rtol=1e-5, atol=1e-6 * np.abs(expected).max())


@pytest.mark.parametrize("candidate", [10, 24, 38])
def test_weight_minimises_the_objective(candidate: int) -> None:
    train, classes = problem()
    x, y, s = (torch.from_numpy(array) for array in arrays(train, classes))
    gamma, lam = (10.0**exponent for exponent in GRID[candidate])

    def objective(w: torch.Tensor) -> torch.Tensor:
        fit = (x @ w @ s.T - y).square().sum()
        penalty = gamma * (w @ s.T).square().sum() + lam * (x @ w).square().sum()
        return fit + penalty + gamma * lam * w.square().sum()

    weight = trained(candidate + 1, train, classes).state_dict()["weight"].double().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(weight), weight)
    (at_zero,) = torch.autograd.grad(objective(zero := torch.zeros_like(weight, requires_grad=True)), zero)
    assert gradient.norm() < 1e-5 * at_zero.norm()


@pytest.mark.parametrize("center", [False, True])
def test_score_is_bilinear_in_centred_features_of_unit_norm(center: bool) -> None:
    train, classes = problem()
    method = trained(25, train, classes, center=center)
    x, _, _ = arrays(train, classes, center=center)
    weight = method.state_dict()["weight"].double()
    expected = torch.from_numpy(x) @ weight @ classes.embedding().double().T
    scores = method.score(train.videos, classes)
    assert scores.shape == (40, 6)
    torch.testing.assert_close(scores.double(), expected, rtol=1e-5, atol=1e-6)
    features = joint_features(train.videos)
    torch.testing.assert_close(features[:, :5].norm(dim=1), torch.ones(40))
    torch.testing.assert_close(features[:, 5:].norm(dim=1), torch.ones(40))


def test_centring_cancels_the_shared_part_of_the_targets() -> None:
    train, classes = problem()
    x, y, s = arrays(train, classes)
    np.testing.assert_allclose(x.T @ y @ s, 2 * x.T @ (y > 0) @ s, atol=1e-12)
    assert trained(1, train, classes, center=False).state_dict()["mean"].count_nonzero() == 0


def test_grid_is_walked_lambda_first() -> None:
    assert EXPONENTS == (-3, -2, -1, 0, 1, 2, 3)
    assert len(set(GRID)) == 49
    train, classes = problem()
    method = ESZSL(ESZSLConfig(), SHAPE, classes, seed=0, device=CPU)
    walked = [method.train_epoch(train) for _ in range(9)]
    assert [epoch["log10_gamma"] for epoch in walked] == [-3] * 7 + [-2] * 2
    assert [epoch["log10_lambda"] for epoch in walked] == [-3, -2, -1, 0, 1, 2, 3, -3, -2]


def test_a_pair_does_not_depend_on_what_was_solved_before() -> None:
    train, classes = problem()
    method = ESZSL(ESZSLConfig(), SHAPE, classes, seed=0, device=CPU)
    for epoch in range(1, 20):
        method.train_epoch(train)
        fresh = trained(epoch, train, classes).state_dict()["weight"]
        assert torch.equal(method.state_dict()["weight"], fresh)


def test_order_of_classes_does_not_matter() -> None:
    train, classes = problem()
    order = torch.tensor([4, 2, 5, 0, 1, 3])
    permuted = classes.take(order)
    # Training labels are positions among the seen classes: carry them over by name.
    new_position = {name: i for i, name in enumerate(permuted.seen_classes().names)}
    table = torch.tensor([new_position[name] for name in classes.seen_classes().names])
    scores = trained(25, train, classes).score(train.videos, classes)
    others = trained(25, Samples(train.videos, table[train.label]), permuted).score(train.videos, permuted)
    torch.testing.assert_close(others, scores[:, order], rtol=1e-5, atol=1e-6)


def test_order_of_training_videos_does_not_matter() -> None:
    train, classes = problem()
    order = torch.randperm(40, generator=torch.Generator().manual_seed(0))
    shuffled = Samples(train.videos.take(order), train.label[order])
    expected = trained(25, train, classes).state_dict()["weight"]
    torch.testing.assert_close(trained(25, shuffled, classes).state_dict()["weight"], expected)


def test_unseen_class_embeddings_do_not_enter_training() -> None:
    train, classes = problem()
    text = {name: torch.where(SEEN.unsqueeze(1), vectors, 9.0) for name, vectors in classes.text.items()}
    other = Classes(classes.names, text, SEEN)
    expected = trained(25, train, classes).state_dict()["weight"]
    assert torch.equal(trained(25, train, other).state_dict()["weight"], expected)


def test_fewer_videos_than_features_and_several_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    train, classes = problem(videos=9)
    whole = trained(1, train, classes)
    expected = whole.score(train.videos, classes)
    monkeypatch.setattr("avgzsl_baselines.eszsl.BLOCK", 4)
    blocked = trained(1, train, classes).score(train.videos, classes)
    torch.testing.assert_close(blocked, expected, rtol=1e-4, atol=1e-4)


def test_state_round_trip() -> None:
    train, classes = problem()
    method = trained(11, train, classes)
    other = trained(0, train, classes)
    assert torch.equal(other.score(train.videos, classes), torch.zeros(40, 6))
    other.load_state_dict(method.state_dict())
    assert torch.equal(other.score(train.videos, classes), method.score(train.videos, classes))
    assert method.parameter_count() == 12 * 10


@pytest.mark.parametrize("epochs", [0, 50])
def test_epochs_off_the_grid_are_refused(epochs: int) -> None:
    with pytest.raises(ValidationError, match="epochs"):
        ESZSLConfig(epochs=epochs)
    assert ESZSLConfig().epochs == 49
