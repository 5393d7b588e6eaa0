"""What the tests of DeViSE, ALE and SJE share: one matrix of compatibilities, one network, one table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import pytest
import reference_values
import torch
from torch import Tensor

from avgzsl_baselines.families.bilinear import BilinearMethod
from avgzsl_bench import Batch, Classes, FeatureDims, Videos

MARGIN = 0.1
LABEL = torch.tensor([0, 1, 2])
FIXTURE_LABEL = torch.arange(4)
M = TypeVar("M", bound=BilinearMethod)


def make_classes(text: dict[str, Tensor], seen: list[bool] | None = None) -> Classes:
    count = len(next(iter(text.values())))
    mask = torch.tensor(seen) if seen is not None else torch.ones(count, dtype=torch.bool)
    return Classes(tuple(f"class{i}" for i in range(count)), text, mask)


def make_method(cls: type[M], shape: FeatureDims, classes: Classes, **settings: Any) -> M:
    config = cls.Config.model_validate({"dropout": 0.0, **settings})
    return cls(config, shape, classes, seed=0, device=torch.device("cpu"))  # type: ignore[arg-type]


def compatibility_matrix() -> Tensor:
    rows = [[0.50, 0.45, 0.20, 0.57], [0.10, 0.30, 0.26, 0.05], [0.33, 0.36, 0.40, 0.31]]
    return torch.tensor(rows, dtype=torch.float64)


def fixture_method(cls: type[M], *, normalize_input: bool) -> M:
    """The published network on fixture F, in double precision."""
    shape = FeatureDims(audio=6, visual=5, text={"word2vec": 300})
    classes = make_classes({"word2vec": reference_values.T(4, 0)})
    method = make_method(cls, shape, classes, normalize_input=normalize_input)
    method.module.double()
    method.load_state_dict({"map.weight": reference_values.weight(300, 11, 1)})
    return method


def fixture_videos() -> Videos:
    return Videos(audio=reference_values.X(4, 6, 0), visual=reference_values.X(4, 5, 5))


def check_fixture_losses(
    cls: type[BilinearMethod], first: float, trace: Sequence[float], *, normalize_input: bool
) -> None:
    """The loss of one batch to ten digits, and the losses before each of six updates of Adam on it to eight."""
    method, videos = fixture_method(cls, normalize_input=normalize_input), fixture_videos()
    batch = Batch(videos.audio, videos.visual, FIXTURE_LABEL)
    assert method.losses(batch)["total"].item() == pytest.approx(first, abs=5e-11)
    assert [method.train_step(batch)["total"].item() for _ in range(6)] == pytest.approx(trace, abs=5.1e-9)


def check_loss_and_gradient(
    loss: Callable[[Tensor, Tensor, float], Tensor],
    value: float,
    gradient: Sequence[Sequence[float]],
    within: float = 1e-10,
) -> None:
    """The loss of the matrix above, and its gradient, to the printed digits."""
    matrix = compatibility_matrix().requires_grad_()
    worked = loss(matrix, LABEL, MARGIN)
    assert worked.item() == pytest.approx(value, abs=within)
    (actual,) = torch.autograd.grad(worked, matrix)
    torch.testing.assert_close(actual, torch.tensor(gradient, dtype=torch.float64), atol=1e-8, rtol=0)
    assert actual.sum(dim=1).abs().max() < 1e-15


def random_matrix() -> tuple[Tensor, Tensor]:
    """Compatibilities `[16, 9]` with many violations of the margin, and labels."""
    generator = torch.Generator().manual_seed(1)
    matrix = torch.randn(16, 9, generator=generator, dtype=torch.float64) / 4
    return matrix, torch.randint(9, (16,), generator=generator)


def check_invariances(loss: Callable[[Tensor, Tensor, float], Tensor]) -> None:
    """A constant on a row, and the order of videos and of classes, change nothing."""
    matrix, label = random_matrix()
    generator = torch.Generator().manual_seed(2)
    value = loss(matrix, label, MARGIN)
    shift = torch.randn(16, 1, generator=generator, dtype=torch.float64)
    torch.testing.assert_close(loss(matrix + shift, label, MARGIN), value)
    rows = torch.randperm(16, generator=generator)
    torch.testing.assert_close(loss(matrix[rows], label[rows], MARGIN), value)
    columns = torch.randperm(9, generator=generator)
    torch.testing.assert_close(loss(matrix[:, columns], torch.argsort(columns)[label], MARGIN), value)


def check_zero_at_the_margin(loss: Callable[[Tensor, Tensor, float], Tensor]) -> None:
    """Nothing to lose where the true class leads by the margin, and something where it does not."""
    matrix = torch.full((3, 5), 0.2, dtype=torch.float64)
    matrix[range(3), LABEL] = 0.3 + 1e-9
    assert loss(matrix, LABEL, MARGIN) == 0
    matrix[1, 4] = 0.25
    assert loss(matrix, LABEL, MARGIN) > 0
