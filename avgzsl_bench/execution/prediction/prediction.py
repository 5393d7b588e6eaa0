"""A prediction: the classes of a video, ranked by score."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.encoders.videos.video import EncodedVideo, UnusableVideo

Role = Literal["seen", "unseen", "new"]
"""What a class is to a method: with training videos, without, or not among the classes that it was built with."""


@dataclass(frozen=True)
class RankedClass:
    """A class in the ranking of a video.

    Attributes:
        name: of the class.
        score: by which it is ranked, higher is better; no probability.
        raw_score: the same before the bias was subtracted.
        role: None: nothing was trained.
    """

    name: str
    score: float
    raw_score: float
    role: Role | None


@dataclass(frozen=True)
class Prediction:
    """The best classes of a video.

    Attributes:
        video: its path or id.
        seconds: its length; None: not known.
        classes: the best first; empty where the video cannot be used.
        notes: what is odd about the video.
        error: why it cannot be used, in one line; None: it was used.
    """

    video: str
    seconds: float | None
    classes: tuple[RankedClass, ...]
    notes: tuple[str, ...] = ()
    error: str | None = None


@dataclass(frozen=True)
class Candidates:
    """The classes that videos are compared with.

    Attributes:
        names: of the classes.
        roles: of each class; None: nothing was trained.
        bias: subtracted from the scores of seen classes.
    """

    names: tuple[str, ...]
    roles: tuple[Role, ...] | None = None
    bias: float = 0.0

    def ranked(self, raw: NDArray[np.float64], top: int) -> tuple[RankedClass, ...]:
        """Rank the classes by score, equal ones in their order.

        Args:
            raw: float64 `[K]`, scores before the bias is subtracted.
            top: classes to return, at most.
        """
        roles: tuple[Role | None, ...] = self.roles or (None,) * len(self.names)
        seen = np.array([role == "seen" for role in roles])
        scores = raw - self.bias * seen
        order = np.argsort(-scores, kind="stable")[:top]
        return tuple(RankedClass(self.names[i], float(scores[i]), float(raw[i]), roles[i]) for i in order)


class Scorer(Protocol):
    """What scores videos against classes."""

    @property
    def candidates(self) -> Candidates:
        """The classes."""

    def raw_scores(self, video: EncodedVideo) -> NDArray[np.float64]:
        """Score a video against each class: float64 `[K]`, higher is better."""


def predictions(videos: Iterable[EncodedVideo | UnusableVideo], scorer: Scorer, top: int) -> Iterator[Prediction]:
    """Predict the classes of videos, one after another."""
    for video in videos:
        if isinstance(video, UnusableVideo):
            yield Prediction(video.name, None, (), error=video.reason)
            continue
        scores = scorer.raw_scores(video)
        if not np.isfinite(scores).all():
            yield Prediction(video.name, video.seconds, (), video.notes, error="scores not finite")
            continue
        ranked = scorer.candidates.ranked(scores, top)
        yield Prediction(video.name, video.seconds, ranked, video.notes)
