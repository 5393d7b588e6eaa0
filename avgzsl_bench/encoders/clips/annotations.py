"""The annotations of ActivityNet: which stretch of a whole video is its k-th clip.

An id ends in k. That k counts the annotations of a video in the published file is most likely, and not stated
anywhere, so the annotation's label has to be the class that the lists give.
"""

from __future__ import annotations

import math
import re
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from avgzsl_bench.data.datasets.facts import ClassNames
from avgzsl_bench.data.untrusted.json_file import read_json_model
from avgzsl_bench.encoders.clips.clip import Stretch

_ID = re.compile(r"(.{11})_([0-9]{1,6})")

_LARGEST = 1 << 27
"""Bytes; the published file has some 10 MB."""


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


class _Annotation(_Model):
    segment: tuple[float, float]
    label: str


class _Video(_Model):
    annotations: list[_Annotation]


class Annotations(_Model):
    """The annotations by YouTube id: `database[id].annotations`, each a segment in seconds with a label."""

    database: dict[str, _Video]


def read_annotations(path: Path) -> Annotations:
    """Read a file such as `activity_net.v1-3.min.json`.

    Raises:
        DataError: unreadable, too large or of another form.
    """
    return read_json_model(path, Annotations, _LARGEST, "file of annotations", "bring that of ActivityNet 1.3")


def stretch_of(annotations: Annotations, video_id: str, names: ClassNames) -> Stretch | str:
    """Find the stretch of a clip, or the reason why there is none.

    Args:
        annotations: those of all videos.
        video_id: `<id>_<k>`.
        names: of the class that the lists give it.
    """
    parts = _ID.fullmatch(video_id)
    video = annotations.database.get(parts[1]) if parts else None
    if parts is None or video is None or int(parts[2]) >= len(video.annotations):
        return "no annotation"
    annotation = video.annotations[int(parts[2])]
    if _plain(annotation.label) not in {_plain(n) for n in (names.name, names.listed, names.readable, names.clip)}:
        return "label differs"
    start, end = annotation.segment
    if not (0 <= start < end and math.isfinite(end)):
        return "no proper segment"
    return Stretch(start, end)


def _plain(label: str) -> str:
    """Leave out blanks, as the lists do in their labels."""
    return "".join(label.casefold().split())
