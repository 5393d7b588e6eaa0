"""Predicting the classes of videos: what was asked for, and the predictions one after another."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from avgzsl_bench.data.own.video_arrays import read_video_arrays
from avgzsl_bench.encoders.extraction.found import require_libraries
from avgzsl_bench.encoders.extraction.options import default_workers
from avgzsl_bench.encoders.texts.given_names import given_names
from avgzsl_bench.encoders.videos.encoding import encode_videos
from avgzsl_bench.encoders.videos.finding import find_videos
from avgzsl_bench.errors import ConfigError
from avgzsl_bench.execution.prediction.class_choice import ClassChoice
from avgzsl_bench.execution.prediction.encoders_only import by_encoders
from avgzsl_bench.execution.prediction.model import load
from avgzsl_bench.execution.prediction.prediction import Prediction, predictions
from avgzsl_bench.system.device import choose_device
from avgzsl_bench.system.folders import user_path


@dataclass(frozen=True)
class PredictOptions:
    """What to predict, and by what.

    Attributes:
        videos: files and folders; with `dataset`, ids.
        checkpoint: a trained method; None: the encoders alone.
        encoders: of frames, of sound or of both, with a comma between them.
        recipe: `published` for a checkpoint trained on the published features.
        classes: names with commas between them, or `@FILE`.
        class_vectors: file of vectors of new classes.
        only: these are the only candidates.
        dataset, features: an installed feature set that `videos` are rows of.
        data_root: the data folder.
        arrays: file of vectors of videos, in place of `videos`.
        top: classes per video.
        weights: folders of weights by encoder.
        device: of the networks, see `choose_device`.
        workers: processes that decode; None: one core fewer than there are.
    """

    videos: tuple[str, ...] = ()
    checkpoint: Path | None = None
    encoders: str | None = None
    recipe: Literal["published"] | None = None
    classes: str | None = None
    class_vectors: Path | None = None
    only: bool = False
    dataset: str | None = None
    features: str | None = None
    data_root: Path | None = None
    arrays: Path | None = None
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


def predict(options: PredictOptions, notify: Callable[[str], None] = lambda line: None) -> Predicting:
    """Find the videos, and begin to predict their classes.

    Args:
        options: what to predict.
        notify: called with a line that says what to think of the predictions.

    Raises:
        AvbenchError: options, files, weights or encoders that cannot be used.
    """
    if bool(options.videos) == (options.arrays is not None):
        if options.videos:
            raise ConfigError("--arrays has vectors in place of videos; leave out the videos, or --arrays")
        raise ConfigError("no video; give files or folders, ids with --dataset, or vectors with --arrays")
    if options.checkpoint is not None:
        return _by_checkpoint(options, options.checkpoint, notify)
    if options.encoders is not None:
        return _by_encoders(options, options.encoders)
    raise ConfigError("nothing to predict with; give --checkpoint FILE, or --encoders NAMES for encoders alone")


def _by_encoders(options: PredictOptions, encoders: str) -> Predicting:
    needed = {
        "--class-vectors": options.class_vectors,
        "--only": options.only,
        "--dataset": options.dataset,
        "--features": options.features,
        "--arrays": options.arrays,
        "--recipe": options.recipe,
    }
    if given := [name for name, value in needed.items() if value]:
        raise ConfigError(f"{', '.join(given)}: only with --checkpoint FILE; encoders alone take videos and names")
    if options.classes is None:
        raise ConfigError("--encoders alone knows no classes; give --classes 'surfing, rowing a boat', or @FILE")
    classes = given_names(options.classes)
    require_libraries()
    scorer = by_encoders(encoders, classes, options.weights, choose_device(options.device))
    videos = find_videos(map(user_path, options.videos))
    workers = options.workers or default_workers()

    def predicted() -> Generator[Prediction]:
        with closing(encode_videos(videos, scorer.encoders, scorer.request, workers=workers)) as encoded:
            yield from predictions(encoded, scorer, options.top)

    return Predicting(len(videos), predicted())


def _by_checkpoint(options: PredictOptions, checkpoint: Path, notify: Callable[[str], None]) -> Predicting:
    if options.features is not None and options.dataset is None:
        raise ConfigError("--features names a set of a dataset; give --dataset too, or leave it out")
    if options.arrays is not None and options.dataset is not None:
        raise ConfigError("--arrays and --dataset exclude each other; give one")
    names = () if options.classes is None else given_names(options.classes)
    choice = ClassChoice(names, options.class_vectors, options.only)
    model = load(
        checkpoint,
        device=options.device,
        weights=options.weights,
        encoders=options.encoders,
        recipe=options.recipe,
    )
    if options.arrays is not None:
        shape = model.trained.shape
        vectors = model.of_arrays(read_video_arrays(options.arrays, shape.audio, shape.visual))
        return Predicting(len(vectors), model.ranked(vectors, choice, options.top))
    if options.dataset is not None:
        rows = model.of_rows(options.videos, options.dataset, options.features, options.data_root, notify)
        return Predicting(len(rows), model.ranked(rows, choice, options.top))
    total, encoded = model.of_files(map(user_path, options.videos), options.workers or default_workers(), notify)
    return Predicting(total, model.ranked(encoded, choice, options.top))
