"""Scores of a trained method for one video after another."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avgzsl_bench.data.store.table import Ragged
from avgzsl_bench.encoders.videos.video import EncodedVideo
from avgzsl_bench.execution.prediction.prediction import Candidates
from avgzsl_bench.execution.prediction.trained import Trained
from avgzsl_bench.execution.scoring import checked_scores
from avgzsl_bench.gzsl.sequences import Sequences
from avgzsl_bench.gzsl.task import Classes, Videos
from avgzsl_bench.method.precision import precision_context
from avgzsl_bench.plugins.contained import contained


class MethodScores:
    """Scores videos by a trained method.

    Args:
        trained: the method.
        classes: that videos are compared with.
        candidates: the same with their roles.
    """

    def __init__(self, trained: Trained, classes: Classes, candidates: Candidates) -> None:
        self.candidates = candidates
        self._trained = trained
        with contained():
            self._scorer: Callable[[Videos], object] = trained.method.scorer(classes)

    def raw_scores(self, video: EncodedVideo) -> NDArray[np.float64]:
        """Score a video against each class: float64 `[K]`.

        Raises:
            PluginError: the method does not give a tensor of floats.
            RunError: scores of the wrong shape.
        """
        method = self._trained.method
        with contained(), precision_context("full", method.device):
            scores = self._scorer(self._videos(video))
        checked = checked_scores(f"{type(method).__name__}.score", scores, (1, len(self.candidates.names)))
        return checked[0].to("cpu", torch.float64).numpy()

    def _videos(self, video: EncodedVideo) -> Videos:
        """Make the one video as the method reads it: means over time, and the steps where it takes them."""
        steps = [
            Ragged(vectors, np.array([0, len(vectors)]), seconds or 1.0)
            for vectors, seconds in zip((video.audio, video.visual), video.step_seconds, strict=True)
            if vectors is not None
        ]
        audio, visual = (self._on_device(feature.mean()) for feature in steps)
        if not self._trained.shape.sequences:
            return Videos(audio, visual)
        return Videos(audio, visual, *map(self._sequences, steps))

    def _sequences(self, steps: Ragged) -> Sequences:
        values = self._on_device(steps.values)
        first = torch.zeros(1, dtype=torch.int64, device=values.device)
        return Sequences(values, first, first + len(values), len(values), steps.seconds)

    def _on_device(self, values: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(values).to(self._trained.method.device)
