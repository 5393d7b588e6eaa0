"""The marker of an exported tree: the name of its feature set, and whether that is simulated.

The published layouts name neither, and widths distinguish only the published sets. So the export puts a small
file beside `audio`, `video` and `text`, where the published code does not look, and the readers use it.
Simulated features cannot come back as real ones: their widths are of no published set, and without the mark
their video ids are refused.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, SIMULATED, FeatureSet
from avgzsl_bench.data.layouts.tree import FeatureTree, refuse_link_out
from avgzsl_bench.data.untrusted.json_file import JsonModel, Name, read_json_model
from avgzsl_bench.errors import DataError

FILE_NAME = "avgzsl-bench.json"

_LARGEST = 1 << 14

_SIMULATED_ID = re.compile(r"sim_[0-9]{3,4}_[0-9]{5}")
"""Form of simulated video ids; no id of the known datasets has it."""

_Width = Annotated[int, Field(gt=0, le=1 << 20)]
_Seconds = Annotated[float, Field(gt=0, le=3600, allow_inf_nan=False)]
_FileName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]{1,100}\.npy$")]


class Marker(JsonModel):
    """Content of an exported tree.

    Attributes:
        form: version of this file.
        dataset, features, simulated: as in `FeatureTable`.
        audio, visual: widths.
        text: width of each text encoder's vectors, in the encoders' order.
        audio_seconds, visual_seconds: of sequences, from one step to the next.
        text_files: file of each text encoder, where widths do not distinguish the encoders.
        added: the vectors were added by hand.
    """

    form: Literal["avgzsl-bench tree 1"] = "avgzsl-bench tree 1"
    dataset: Name
    features: Name
    simulated: bool
    audio: _Width
    visual: _Width
    text: Annotated[dict[Name, _Width], Field(min_length=1, max_length=8)]
    audio_seconds: _Seconds | None = None
    visual_seconds: _Seconds | None = None
    text_files: Annotated[dict[Name, _FileName], Field(max_length=8)] | None = None
    added: bool = False

    @model_validator(mode="after")
    def _honest(self) -> Marker:
        if self.simulated != (self.features == SIMULATED):
            raise ValueError(f"only {SIMULATED!r} is simulated, and it always is")
        known = next((f for f in PUBLISHED if f.name == self.features), None)
        if known is not None and self.feature_set != known:
            raise ValueError(
                f"{self.features!r} is a published feature set of other widths, text encoders or steps"
            )
        if (self.audio_seconds is None) != (self.visual_seconds is None):
            raise ValueError("one modality holds sequences and the other does not")
        if self.text_files is not None and list(self.text_files) != list(self.text):
            raise ValueError("text_files and text name different encoders")
        return self

    @property
    def feature_set(self) -> FeatureSet:
        """The feature set to read the tree as."""
        return FeatureSet(
            self.features,
            self.audio,
            self.visual,
            MappingProxyType(dict(self.text)),
            self.audio_seconds,
            self.visual_seconds,
            simulated=self.simulated,
        )

    def content(self) -> bytes:
        """Give the bytes of the file; what does not apply is left out."""
        values = self.model_dump(mode="json", exclude_none=True, exclude=set() if self.added else {"added"})
        return f"{json.dumps(values, indent=1)}\n".encode()


def read_marker(tree: FeatureTree) -> Marker | None:
    """Read the marker of a tree; None if it has none.

    Raises:
        DataError: it cannot be read, or contradicts itself.
    """
    path = tree.path / FILE_NAME
    if not os.path.lexists(path):
        return None
    refuse_link_out(path, tree.path)
    return read_json_model(path, Marker, _LARGEST, "marker", "export the features again")


def marked_datasets(tree: FeatureTree, datasets: Sequence[Dataset]) -> Sequence[Dataset]:
    """Select the dataset that a tree is marked as; all of them if it has no marker.

    Raises:
        DataError: as `read_marker`, or the tree is of a dataset that is not known.
    """
    marker = read_marker(tree)
    if marker is None:
        return datasets
    found = [dataset for dataset in datasets if dataset.name == marker.dataset]
    if not found:
        known = ", ".join(d.name for d in datasets) or "none"
        raise DataError(
            f"{tree.path}: exported from dataset {marker.dataset!r}, which is not known here ({known})"
        )
    return found


def simulated_video(video_ids: Iterable[str]) -> str | None:
    """Give the first id that only simulated videos have; None if there is none."""
    return next((video for video in video_ids if _SIMULATED_ID.fullmatch(video)), None)


def refuse_simulated(video_ids: Iterable[str], *, simulated: bool, where: Path | str) -> None:
    """Fail if features that are not called simulated have videos that only simulated ones have.

    Raises:
        DataError: they do; it names the file or folder `where`.
    """
    video = None if simulated else simulated_video(video_ids)
    if video is not None:
        raise DataError(
            f"{where}: video {video!r} is of simulated features, which may not pass for real ones; "
            f"the export marks them in {FILE_NAME}, which is missing or changed"
        )
