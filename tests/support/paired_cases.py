"""What the tests of CJME, AVGZSLNet and AVCA share: fixture F with negatives, the scoring example."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from reference_values import AUDIO, TEXT, VISUAL, T, X, fill
from released import fc_shapes
from torch import Tensor

from avgzsl_baselines.families.two_branch import TwoBranchNet
from avgzsl_bench import Batch, Classes, FeatureDims, Metrics, Samples, Task, TorchMethod, Videos
from avgzsl_bench.execution.scoring import score, validate
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.gzsl.metrics import metrics_of
from avgzsl_bench.gzsl.task import Truth

FIXTURE = FeatureDims(AUDIO, VISUAL, {"word2vec": TEXT})
FIXTURE_TEXT = torch.cat((T(4, 0), T(4, 23)))
"""The texts t of the positives, and below them t' of the negatives."""


def fixture_batch() -> Batch:
    negative = Batch(X(4, AUDIO, 11), X(4, VISUAL, 19), torch.arange(4, 8))
    return Batch(X(4, AUDIO, 0), X(4, VISUAL, 5), torch.arange(4), negative)


def fill_branches(net: TwoBranchNet) -> None:
    fill(*(layer for branch in (net.audio, net.visual, net.text) for layer in (branch.hidden, branch.output)))


def random_batch(shape: FeatureDims, classes: int, size: int = 8, *, negatives: bool = True) -> Batch:
    generator = torch.Generator().manual_seed(5)
    label = torch.randint(classes, (size,), generator=generator)
    other = (label + torch.randint(1, classes, (size,), generator=generator)) % classes

    def draw(label: torch.Tensor, negative: Batch | None = None) -> Batch:
        audio, visual = (torch.randn(size, width, generator=generator) for width in (shape.audio, shape.visual))
        return Batch(audio, visual, label, negative)

    return draw(label, draw(other) if negatives else None)


# --- the worked example of scoring and calibration ---

GATE = [1, 0, 0, 1, 1, 0, 1, 1]


def scoring_task() -> Task:
    """Eight embedded videos, the gate as a third column of audio; embedded classes as texts."""
    audio = [(0.2, 0.1), (0.7, 0.3), (0.8, 0.2), (0.2, 1.6), (0, 0.9), (1, 2.9), (2, 3), (0.9, 0.1)]
    visual = [(0.6, 0.1), (0.85, 0), (0.55, 0.2), (0, 1.05), (0.1, 1.9), (2, 2.4), (1.4, 1.3), (0.3, 0.2)]
    gated = torch.cat((torch.tensor(audio), torch.tensor(GATE).unsqueeze(1)), dim=1)
    videos = Videos(gated, torch.tensor(visual))
    text = torch.tensor([(0.0, 0.0), (1.0, 0.0), (0.0, 2.0), (3.0, 3.0)])
    classes = Classes(("0", "1", "3", "4"), {"embedded": text}, torch.tensor([False, True, True, False]))
    train = Samples(videos.take(slice(0, 2)), torch.tensor([0, 1]))
    return Task(classes, train, videos, Truth(np.array([0, 1, 0, 0, 2, 3, 3, 1]), np.arange(8)))


def scoring_example(method: type[TorchMethod], embed: Callable[[Videos], Tensor], **settings: Any) -> TorchMethod:
    """A method on the task above, where features are embeddings already; `embed` puts those of videos together."""

    class Embeddings(method):
        def embed_videos(self, videos: Videos) -> Tensor:
            return embed(videos)

        def embed_classes(self, classes: Classes) -> Tensor:
            return classes.text["embedded"]

    shape, classes = FeatureDims(3, 2, {"embedded": 2}), scoring_task().classes
    return Embeddings(method.Config(**settings), shape, classes, seed=0, device=torch.device("cpu"))


def validated(method: TorchMethod, bias: float | None = None) -> tuple[Metrics, float]:
    """Figures of the scoring example at a bias, by default the best, and the bias that is handed on."""
    task = scoring_task()
    best, handed_on = validate(method, task, parse_calibration("avca"))
    if bias is None:
        return best, handed_on
    return metrics_of(score(method, task), task.ground_truth, bias), handed_on


def rounded(figures: Metrics) -> tuple[float, ...]:
    return tuple(round(x, 6) for x in (figures.seen, figures.unseen, figures.hm, figures.zsl))


def official_branches() -> dict[str, tuple[int, ...]]:
    """Names and shapes of released weights of the networks of audio, visual and text."""
    shapes: dict[str, tuple[int, ...]] = {}
    for number, inputs, hidden in ((1, 96, 48), (2, 128, 48), (3, 300, 300)):
        shapes |= fc_shapes(f"triplet_net.embedding_net{number}", inputs, hidden, 64, last_normalised=False)
    return shapes
