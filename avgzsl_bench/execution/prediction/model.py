"""A trained model: a checkpoint that predicts the classes of videos."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import closing, nullcontext
from pathlib import Path
from typing import Any, Literal

from avgzsl_bench.data.own.video_arrays import VideoArrays, video_arrays
from avgzsl_bench.encoders.extraction.chosen import EncoderLoader
from avgzsl_bench.encoders.extraction.found import require_libraries
from avgzsl_bench.encoders.extraction.options import default_workers
from avgzsl_bench.encoders.registry import REGISTRY
from avgzsl_bench.encoders.texts.given_names import checked_names, given_names
from avgzsl_bench.encoders.videos.encoding import encode_videos
from avgzsl_bench.encoders.videos.finding import find_videos
from avgzsl_bench.encoders.videos.video import EncodedVideo, UnusableVideo
from avgzsl_bench.errors import CheckpointError, ConfigError
from avgzsl_bench.execution.prediction.class_choice import ClassChoice, chosen_classes
from avgzsl_bench.execution.prediction.method_scores import MethodScores
from avgzsl_bench.execution.prediction.prediction import Prediction, predictions
from avgzsl_bench.execution.prediction.rows import installed_videos
from avgzsl_bench.execution.prediction.trained import Trained, read_trained
from avgzsl_bench.execution.prediction.video_encoding import PUBLISHED_SET, video_encoding
from avgzsl_bench.system.device import choose_device
from avgzsl_bench.system.folders import user_path

Encoded = Sequence[EncodedVideo | UnusableVideo] | Generator[EncodedVideo | UnusableVideo]


def load(
    path: Path | str,
    *,
    device: str = "auto",
    weights: Mapping[str, Path | str] | None = None,
    encoders: str | None = None,
    recipe: Literal["published"] | None = None,
) -> Model:
    """Load a model that `avbench run --save` kept.

    Args:
        path: the checkpoint, e.g. `results/.../seed0-1234567890.stage2.safetensors`.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`.
        weights: folders of weights by encoder.
        encoders, recipe: for a checkpoint that was trained on the published `clip_clap` features: `clip,wavcaps`
            and `published`, the encoders and the recipe that videos are encoded by.

    Raises:
        AvbenchError: the file is no checkpoint, or holds nothing for predictions; the method is not installed.
    """
    trained = read_trained(user_path(path), choose_device(device))
    folders = {REGISTRY.item(name).name: user_path(folder) for name, folder in (weights or {}).items()}
    return Model(trained, EncoderLoader(folders, trained.method.device), encoders, recipe)


class Model:
    """A trained method that predicts the classes of videos. `load` makes it.

    Args:
        trained: the checkpoint.
        loader: loads encoders.
        encoders, recipe: as `load` takes them.
    """

    def __init__(
        self,
        trained: Trained,
        loader: EncoderLoader,
        encoders: str | None = None,
        recipe: Literal["published"] | None = None,
    ) -> None:
        self.trained = trained
        self._load = loader
        self._encoders = encoders
        self._recipe = recipe

    def __repr__(self) -> str:
        data, classes = self.trained.run.data, self.trained.part.classes
        seen = sum(known.seen for known in classes)
        mark = " SIMULATED" if data.simulated else ""
        return (
            f"<Model {self.trained.spec.name} on {data.dataset} {data.features}{mark}: {seen} seen and "
            f"{len(classes) - seen} unseen classes>"
        )

    def predict(
        self,
        videos: Path | str | Sequence[Path | str] | Mapping[str, Any],
        classes: str | Sequence[str] | None = None,
        top: int = 5,
        *,
        only: bool = False,
        class_vectors: Path | str | None = None,
        dataset: str | None = None,
        features: str | None = None,
        data_root: Path | str | None = None,
    ) -> list[Prediction]:
        """Rank the classes of videos.

        Args:
            videos: files and folders; or with `dataset` ids of its videos; or arrays by name, `audio` `[N, Da]`
                and `visual` `[N, Dv]`, and perhaps `video`, N names.
            classes: names of new classes, added to those of the checkpoint; a text has commas between them, or is
                `@FILE` with one per line.
            top: classes per video.
            only: `classes` and `class_vectors` are the only candidates.
            class_vectors: file of vectors of new classes by name: JSON, CSV or NPZ.
            dataset, features: an installed feature set; `features` is by default the one trained on.
            data_root: folder of installed data.

        Returns:
            A prediction for each video, in order; those that cannot be used say why in `error`.

        Raises:
            AvbenchError: what is asked for cannot work.
        """
        if not isinstance(top, int) or top < 1:
            raise ConfigError(f"top={top!r}: must be a whole number, at least 1 class per video")
        if features is not None and dataset is None:
            raise ConfigError("features names a set of a dataset; give dataset too, or leave it out")
        if dataset is not None and isinstance(videos, Mapping):
            raise ConfigError("arrays are vectors already; leave dataset out, or give ids of its videos")
        choice = ClassChoice(_names(classes), None if class_vectors is None else user_path(class_vectors), only)
        encoded: Encoded
        if isinstance(videos, Mapping):
            shape = self.trained.shape
            encoded = self.of_arrays(video_arrays(videos, shape.audio, shape.visual))
        else:
            given = [videos] if isinstance(videos, Path | str) else videos
            if dataset is not None:
                encoded = self.of_rows([str(one) for one in given], dataset, features, data_root)
            else:
                _, encoded = self.of_files(map(user_path, given), default_workers())
        return list(self.ranked(encoded, choice, top))

    def of_files(
        self, paths: Iterable[Path], workers: int, notify: Callable[[str], None] = lambda line: None
    ) -> tuple[int, Generator[EncodedVideo | UnusableVideo]]:
        """Find videos, and begin to encode them as those that the method was trained on.

        Args:
            paths: files and folders.
            workers: processes that decode, at most.
            notify: called with a line if nothing but the name of a recipe says that they are encoded alike.

        Returns:
            The number of videos, and their vectors one after another.

        Raises:
            AvbenchError: no video can be encoded for this checkpoint.
        """
        require_libraries()
        encoders, request = video_encoding(self.trained, self._encoders, self._recipe, self._load)
        if self._recipe is not None:
            notify(
                f"matched by recipe: videos are encoded by {self._recipe!r}, and whether the {PUBLISHED_SET} "
                "features were made by the same weights is not known"
            )
        videos = find_videos(paths)
        return len(videos), encode_videos(videos, encoders, request, workers=workers)

    def of_rows(
        self,
        ids: Sequence[str],
        dataset: str,
        features: str | None,
        data_root: Path | str | None,
        notify: Callable[[str], None] = lambda line: None,
    ) -> list[EncodedVideo | UnusableVideo]:
        """Read videos of an installed feature set, as `installed_videos`."""
        return installed_videos(self.trained, ids, dataset, features, data_root, notify)

    def of_arrays(self, arrays: VideoArrays) -> list[EncodedVideo]:
        """Take vectors as they are; how they were made is not known.

        Raises:
            CheckpointError: the method was trained on sequences.
        """
        if self.trained.shape.sequences:
            raise CheckpointError(
                f"{self.trained.source}: made for sequences, and arrays hold one vector per video"
            )
        rows = zip(arrays.names, arrays.audio[:, None], arrays.visual[:, None], strict=True)
        return [EncodedVideo(name, audio, visual) for name, audio, visual in rows]

    def ranked(self, videos: Encoded, choice: ClassChoice, top: int) -> Generator[Prediction]:
        """Choose the classes, and begin to rank them for each video.

        Raises:
            AvbenchError: new classes that cannot be had.
        """
        classes, candidates = chosen_classes(self.trained, choice, self._recipe, self._load)
        scores = MethodScores(self.trained, classes, candidates)

        def ranked() -> Generator[Prediction]:
            with closing(videos) if isinstance(videos, Generator) else nullcontext():
                yield from predictions(videos, scores, top)

        return ranked()


def _names(classes: str | Sequence[str] | None) -> tuple[str, ...]:
    if not classes:
        return ()
    if isinstance(classes, str):
        return given_names(classes)
    if strange := [name for name in classes if not isinstance(name, str)]:
        raise ConfigError(f"classes: {strange[0]!r} is not a class name; give texts")
    return checked_names(classes)
