"""Videos of an installed feature set as a prediction reads them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from avgzsl_bench.data.choose import dataset_named, offers_sequences
from avgzsl_bench.data.simulated.extras import simulate_steps
from avgzsl_bench.data.store.extraction import extraction_facts
from avgzsl_bench.data.store.fingerprint import fingerprint
from avgzsl_bench.data.store.installed import existing_root, scan
from avgzsl_bench.data.store.store import StoreHeader, read_table
from avgzsl_bench.data.store.table import Feature, FeatureTable, Ragged
from avgzsl_bench.encoders.extraction.recipe_encoders import clip_part
from avgzsl_bench.encoders.videos.video import EncodedVideo, UnusableVideo
from avgzsl_bench.errors import CheckpointError, DataError, UnknownNameError
from avgzsl_bench.execution.prediction.trained import Trained


def installed_videos(
    trained: Trained,
    ids: Sequence[str],
    dataset: str,
    features: str | None,
    root: Path | str | None,
    notify: Callable[[str], None],
) -> list[EncodedVideo | UnusableVideo]:
    """Read videos of an installed feature set, which has to be made as the one that the checkpoint was trained on.

    Args:
        trained: the checkpoint.
        ids: of the videos.
        dataset: name.
        features: the set; None: the one of that name.
        root: the data folder.
        notify: called with a line if the features are simulated.

    Raises:
        UnknownNameError: no such dataset or feature set.
        CheckpointError: other features than the checkpoint takes.
        DataError: damaged or altered.
    """
    store = _store(dataset, features or trained.run.data.features, root)
    _require_fit(trained, store)
    table = read_table(store)
    if fingerprint(table) != store.fingerprint:
        raise DataError(f"{store.path}: altered: not the data that its fingerprint stands for; import it again")
    if store.simulated:
        notify("SIMULATED FEATURES: these predictions say nothing about real videos")
    audio, visual = _features(table, trained)
    steps = (_seconds(audio), _seconds(visual))
    rows = {video: row for row, video in enumerate(table.video_id)}
    return [
        EncodedVideo(video, _steps(audio, rows[video]), _steps(visual, rows[video]), steps)
        if video in rows
        else UnusableVideo(video, f"no such video in {store.dataset} {store.features}")
        for video in ids
    ]


def _store(dataset: str, features: str, root: Path | str | None) -> StoreHeader:
    name = dataset_named(dataset, root).name
    found = scan(existing_root(root), name)
    stores = {store.features: store for store in found.headers}
    for fault in found.faults_at(existing_root(root) / name / features):
        raise DataError(fault)
    if features not in stores:
        raise UnknownNameError(f"feature set of {name}", features, stores)
    return stores[features]


def _require_fit(trained: Trained, store: StoreHeader) -> None:
    """Refuse features of other widths, or made in another way, than those that the checkpoint was trained on."""
    shape, data, what = trained.shape, trained.run.data, f"{store.dataset} {store.features}"
    if (store.audio, store.visual) != (shape.audio, shape.visual):
        raise CheckpointError(
            f"{trained.source}: made for audio {shape.audio}, visual {shape.visual}, and {what} has audio "
            f"{store.audio}, visual {store.visual}"
        )
    if shape.sequences and not offers_sequences(store):
        raise CheckpointError(f"{trained.source}: made for sequences, and {what} has one vector per video")
    facts = extraction_facts(store)
    if trained.part.recipe is None:
        alike = facts is None and (store.features, store.simulated) == (data.features, data.simulated)
    else:
        alike = facts is not None and clip_part(facts.recipe) == clip_part(trained.part.recipe)
    if not alike:
        raise CheckpointError(
            f"{trained.source}: trained on {data.features}, and {what} was made in another way: vectors mean "
            "something else in it"
        )


def _features(table: FeatureTable, trained: Trained) -> tuple[Feature, Feature]:
    if table.simulated and trained.shape.sequences:
        return simulate_steps(table)
    return table.audio, table.visual


def _seconds(feature: Feature) -> float | None:
    return feature.seconds if isinstance(feature, Ragged) else None


def _steps(feature: Feature, row: int) -> np.ndarray:
    if isinstance(feature, Ragged):
        return feature.values[feature.offsets[row] : feature.offsets[row + 1]]
    return feature[row : row + 1]
