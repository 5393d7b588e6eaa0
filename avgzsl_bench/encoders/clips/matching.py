"""Which file of a folder is which video of the lists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.video_list import VideoList
from avgzsl_bench.encoders.clips.annotations import Annotations, stretch_of
from avgzsl_bench.encoders.clips.clip import WHOLE, Clip, LeftOut, Stretch, shown_place
from avgzsl_bench.encoders.clips.naming import name_rule, stem_of, whole_video
from avgzsl_bench.encoders.clips.walk import Walk

STRAY = "not in the lists"
SECOND = "second file"
NO_FILE = "not a file"
MISSING = "missing"

Matched = tuple[list[Clip], list[LeftOut]]
"""The videos of the lists that have a file, and everything else."""


def make_clip(
    dataset: Dataset, lists: VideoList, row: int, folder: Path, place: str, stretch: Stretch = WHOLE
) -> Clip:
    """Make the clip of a video of the lists from a file below a folder."""
    label = int(lists.label[row])
    return Clip(
        video_id=lists.video_id[row],
        class_name=dataset.class_names[label],
        label=label,
        partition=int(lists.partition[row]),
        path=folder / place,
        place=shown_place(place),
        stretch=stretch,
    )


def left_out(dataset: Dataset, lists: VideoList, row: int | None, place: str, reason: str) -> LeftOut:
    """Leave out a video of the lists, or with no row a file that is none of them."""
    if row is None:
        return LeftOut("", "", shown_place(place), reason)
    return LeftOut(lists.video_id[row], dataset.class_names[lists.label[row]], shown_place(place), reason)


def match_files(
    found: Walk, folder: Path, dataset: Dataset, lists: VideoList, annotations: Annotations | None = None
) -> Matched:
    """Find the file of each video of the lists by its name.

    Where several lead to one id, the largest is taken and the others are reported. With annotations a whole video
    stands for those of its clips that have no file of their own.

    Args:
        found: the files below a folder.
        folder: the folder.
        dataset: its name decides how files are called.
        lists: the videos; class and partitions are theirs, never those of a folder's name.
        annotations: for whole videos of ActivityNet; None: every file is a clip.
    """
    rule = name_rule(dataset.name)
    row_of = {rule.of_id(video): row for row, video in enumerate(lists.video_id)}

    def row_by_name(place: str) -> int | None:
        key = rule.of_stem(stem_of(place))
        return None if key is None else row_of.get(key)

    own: dict[int, list[str]] = {}
    unmatched = []
    for place in found.files:
        row = row_by_name(place)
        if row is None:
            unmatched.append(place)
        else:
            own.setdefault(row, []).append(place)
    clips, out = [], []
    for row, places in own.items():
        chosen, *others = _largest_first(folder, places)
        clips.append(make_clip(dataset, lists, row, folder, chosen))
        out += [left_out(dataset, lists, row, place, SECOND) for place in others]
    done = set(own)
    if annotations is not None:
        cut, faults, unmatched = _cut(unmatched, done, folder, dataset, lists, annotations)
        clips += cut
        out += faults
    out += [left_out(dataset, lists, None, place, STRAY) for place in unmatched]
    no_files = {place: row_by_name(place) for place in found.no_files}
    out += [left_out(dataset, lists, row, place, NO_FILE) for place, row in no_files.items()]
    done.update(row for row in no_files.values() if row is not None)
    out += [left_out(dataset, lists, row, "", MISSING) for row in range(len(lists.video_id)) if row not in done]
    return clips, out


def _cut(
    places: Sequence[str],
    done: set[int],
    folder: Path,
    dataset: Dataset,
    lists: VideoList,
    annotations: Annotations,
) -> tuple[list[Clip], list[LeftOut], list[str]]:
    """Cut whole videos into the clips that are not done yet, and mark these as done.

    Returns:
        The clips, what is left out, and the files that are no whole video of the lists.
    """
    rows_of: dict[str, list[int]] = {}
    for row, video in enumerate(lists.video_id):
        rows_of.setdefault(video.rpartition("_")[0], []).append(row)
    whole: dict[str, list[str]] = {}
    others = []
    for place in places:
        recording = whole_video(stem_of(place))
        if recording is None or recording not in rows_of:
            others.append(place)
        else:
            whole.setdefault(recording, []).append(place)
    clips, out = [], []
    for recording, candidates in whole.items():
        chosen, *second = _largest_first(folder, candidates)
        rows = [row for row in rows_of[recording] if row not in done]
        for row in rows:
            stretch = stretch_of(annotations, lists.video_id[row], dataset.classes[lists.label[row]])
            if isinstance(stretch, str):
                out.append(left_out(dataset, lists, row, chosen, stretch))
            else:
                clips.append(make_clip(dataset, lists, row, folder, chosen, stretch))
        done.update(rows)
        out += [left_out(dataset, lists, None, place, SECOND) for place in (second if rows else candidates)]
    return clips, out, others


def _largest_first(folder: Path, places: Sequence[str]) -> list[str]:
    """Sort files by size, equal ones by path."""
    return list(places) if len(places) == 1 else sorted(places, key=lambda place: (-_size(folder / place), place))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return -1  # it went away, or cannot be looked at
