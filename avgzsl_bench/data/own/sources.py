"""The files and names that make up a user's own features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from avgzsl_bench.data.datasets.feature_sets import SEQUENCE_SUFFIX, SIMULATED, SIMULATED_ENCODER
from avgzsl_bench.errors import DataError
from avgzsl_bench.system.identifiers import require_names


@dataclass(frozen=True)
class FeatureSources:
    """The sources of a feature set.

    Attributes:
        dataset, features: names of the dataset and of the feature set.
        videos: table of videos, see `video_table`.
        audio, visual: files of arrays, see `array_file`.
        text: file of class vectors by encoder, see `vector_files`.
        classes: table of classes, for a new dataset; see `own_classes`.
        card: a card of the features, see `cards`.
    """

    dataset: str
    features: str
    videos: Path
    audio: str
    visual: str
    text: Mapping[str, Path]
    classes: Path | None = None
    card: Path | None = None


def check_names(sources: FeatureSources) -> None:
    """Check the names of a feature set and its text encoders.

    Raises:
        DataError: a name that is not valid or has a meaning of its own, or no text encoder.
    """
    require_names(sources.dataset, sources.features, *sources.text)
    if sources.features in (SIMULATED, "auto") or SIMULATED_ENCODER in sources.text:
        taken = SIMULATED_ENCODER if SIMULATED_ENCODER in sources.text else sources.features
        raise DataError(
            f"{taken!r} is what simulated features or 'the best there is' are called; choose another name"
        )
    if sources.features.endswith(SEQUENCE_SUFFIX):
        raise DataError(f"--features {sources.features}: {SEQUENCE_SUFFIX!r} marks sequences; choose another name")
    if not sources.text:
        raise DataError(
            "no text embeddings of the classes: bring some with --text ENCODER=FILE, such as clip=text.npz"
        )
