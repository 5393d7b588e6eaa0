"""The worked example of features and class texts in two joint spaces: five classes, some of them unseen."""

from __future__ import annotations

from typing import TypeVar

import torch
from reference_values import X
from torch import Tensor
from torch.nn.functional import normalize

from avgzsl_bench import Classes, EvaluatedMetrics, FeatureDims, Method, Samples, Videos, evaluate
from avgzsl_bench.testing.training_checks import default_dtype

SHAPE = FeatureDims(audio=6, visual=5, text={"clip": 5, "clap": 6})
SEEN, UNSEEN = [0, 1, 3], [2, 4]
TRAINED = torch.tensor([0, 0, 1, 1, 3, 3])
SCORED = torch.tensor([0, 1, 2, 2, 3, 4, 4, 0, 1, 3])
CPU = torch.device("cpu")

M = TypeVar("M", bound=Method)


def Z(rows: int, columns: int, offset: int) -> Tensor:
    return X(rows, columns, offset) - 0.5


VISUAL_TEXT, AUDIO_TEXT = normalize(Z(5, 5, 3)), normalize(Z(5, 6, 9))
CLASSES = Classes(
    names=("c0", "c1", "c2", "c3", "c4"),
    text={"clip": VISUAL_TEXT, "clap": AUDIO_TEXT},
    seen=torch.tensor([c in SEEN for c in range(5)]),
)


def _videos(label: Tensor, visual_offset: int, audio_offset: int) -> Videos:
    return Videos(
        audio=normalize(AUDIO_TEXT[label] + 2.6 * Z(len(label), 6, audio_offset)),
        visual=normalize(VISUAL_TEXT[label] + 2.2 * Z(len(label), 5, visual_offset)),
    )


TRAIN = Samples(_videos(TRAINED, 2, 14), torch.tensor([SEEN.index(c) for c in TRAINED.tolist()]))
VIDEOS = _videos(SCORED, 20, 4)


def made(method: type[M], *, epochs: int = 1, classes: Classes = CLASSES, **settings: object) -> M:
    """A method, trained on the example for a number of epochs; its own tensors are in double precision."""
    with default_dtype(torch.float64):
        built = method(method.Config(**settings), SHAPE, classes, seed=0, device=CPU)
    for _ in range(epochs):
        built.train_epoch(TRAIN)
    return built


def figures(scores: Tensor, bias: float | None = None) -> EvaluatedMetrics:
    """Figures of scores `[10, 5]` of the scored videos, at a bias or at their own best one."""
    return evaluate(scores, SCORED, seen=SEEN, unseen=UNSEEN, bias=bias)
