"""Predicting the classes of videos: what was asked for, and the predictions one after another."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from avgzsl_bench.encoders.extraction.found import require_libraries
from avgzsl_bench.encoders.extraction.options import default_workers
from avgzsl_bench.encoders.texts.given_names import given_names
from avgzsl_bench.encoders.videos.encoding import encode_videos
from avgzsl_bench.encoders.videos.finding import find_videos
from avgzsl_bench.errors import ConfigError
from avgzsl_bench.execution.prediction.encoders_only import by_encoders
from avgzsl_bench.execution.prediction.prediction import Prediction, predictions
from avgzsl_bench.system.device import choose_device
from avgzsl_bench.system.folders import user_path


@dataclass(frozen=True)
class PredictOptions:
    """What to predict, and by what.

    Attributes:
        videos: files and folders.
        encoders: encoders alone, with commas between them.
        classes: names with commas between them, or `@FILE`.
        top: classes per video.
        weights: folders of weights by encoder.
        device: of the networks, see `choose_device`.
        workers: processes that decode; None: one core fewer than there are.
    """

    videos: Sequence[str] = ()
    encoders: str | None = None
    classes: str | None = None
    top: int = 5
    weights: dict[str, Path] = field(default_factory=dict)
    device: str = "auto"
    workers: int | None = None


class Predicting(NamedTuple):
    """Predictions under way.

    Attributes:
        total: number of videos.
        predictions: of each, in order. Close the generator to end its processes early.
    """

    total: int
    predictions: Generator[Prediction]


def predict(options: PredictOptions) -> Predicting:
    """Find the videos, and begin to predict their classes.

    Raises:
        AvbenchError: options, files, weights or encoders that cannot be used.
    """
    if options.encoders is None:
        raise ConfigError("nothing to predict with; give --encoders NAMES")
    if options.classes is None:
        raise ConfigError("--encoders alone knows no classes; give --classes 'surfing, rowing a boat', or @FILE")
    classes = given_names(options.classes)
    if not options.videos:
        raise ConfigError("no video; give files or folders")
    require_libraries()
    scorer = by_encoders(options.encoders, classes, options.weights, choose_device(options.device))
    videos = find_videos(map(user_path, options.videos))
    workers = options.workers or default_workers()

    def predicted() -> Generator[Prediction]:
        with closing(encode_videos(videos, scorer.encoders, scorer.request, workers=workers)) as encoded:
            yield from predictions(encoded, scorer, options.top)

    return Predicting(len(videos), predicted())
