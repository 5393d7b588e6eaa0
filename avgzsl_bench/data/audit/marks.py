"""The marker of exported trees, and ids that only simulated features have."""

from __future__ import annotations

from collections.abc import Sequence

from avgzsl_bench.data.audit.finding import Check, Finding, Severity
from avgzsl_bench.data.audit.survey import Survey
from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.layouts.marker import (
    FILE_NAME,
    Marker,
    marked_datasets,
    read_marker,
    simulated_video,
)
from avgzsl_bench.data.layouts.tree import FeatureTree
from avgzsl_bench.errors import DataError

_MARK = Check(
    "tree-mark",
    Severity.ERROR,
    "it is unknown which features these are: 'data import' refuses the tree",
    "export the features again with 'avbench data export'",
)


def read_mark(
    tree: FeatureTree, datasets: Sequence[Dataset]
) -> tuple[Marker | None, Sequence[Dataset], list[Finding]]:
    """Read the marker of a tree: the marker, the datasets that it may be of, and findings about it."""
    try:
        return read_marker(tree), marked_datasets(tree, datasets), []
    except DataError as error:
        return None, datasets, [_MARK.found(FILE_NAME, str(error).removeprefix(f"{tree.path / FILE_NAME}: "))]


def heed_mark(survey: Survey, mark: Marker | None) -> None:
    """Take the feature set from a marker, once the vectors are known; adds a finding where the two disagree."""
    ids = {video for vectors in survey.vectors.values() for video in vectors.video_id}
    if mark is None:
        if simulated_video(ids) is not None:
            text = "absent or unreadable, but ids are of the form sim_NNN_NNNNN: the features are simulated"
            survey.findings.append(_MARK.found(FILE_NAME, text))
            survey.simulated = True
        return
    survey.simulated = mark.simulated
    widths = [survey.vectors[m].width for m in ("audio", "visual") if m in survey.vectors]
    if widths == [mark.audio, mark.visual]:
        survey.features = mark.feature_set
    elif len(widths) > 1:
        text = f"says {mark.features} of widths {mark.audio}/{mark.visual}, found {widths[0]}/{widths[1]}"
        survey.findings.append(_MARK.found(FILE_NAME, text))
