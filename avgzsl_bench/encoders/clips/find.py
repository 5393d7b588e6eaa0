"""The clips of a dataset in a folder: lists or a table, names of files, and what differs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.registry import known_dataset, registered_datasets
from avgzsl_bench.data.datasets.video_list import VideoList, packaged_videos
from avgzsl_bench.data.own.class_vectors import class_ids
from avgzsl_bench.data.own.own_classes import find_dataset
from avgzsl_bench.data.store.verify import Finding, Severity, list_findings
from avgzsl_bench.encoders.clips.annotations import read_annotations
from avgzsl_bench.encoders.clips.class_folders import in_other_folders
from avgzsl_bench.encoders.clips.clip import Clip, ClipList, shown_place
from avgzsl_bench.encoders.clips.clip_table import match_rows, read_clip_table
from avgzsl_bench.encoders.clips.lists import listed_videos
from avgzsl_bench.encoders.clips.matching import STRAY, Matched, match_files
from avgzsl_bench.encoders.clips.naming import RULES, name_rule, stem_of, whole_video
from avgzsl_bench.encoders.clips.walk import ENDINGS, Walk, walk
from avgzsl_bench.errors import ConfigError, DataError, UnknownNameError
from avgzsl_bench.system.files import folder_fault

_ANNOTATED = "activitynet"
"""The dataset whose clips are cut from whole videos by annotations."""


def find_clips(
    dataset: str,
    folder: Path,
    *,
    root: Path,
    table: Path | None = None,
    classes: Path | None = None,
    splits: Path | None = None,
    annotations: Path | None = None,
) -> ClipList:
    """Find out which file of a folder is which video of a dataset. Nothing is decoded or written.

    Args:
        dataset: a known dataset, or with a table of classes a new one.
        folder: the folder of videos.
        root: the data folder.
        table: which file is which video, with class and partitions; see `read_clip_table`.
        classes: for a new dataset; see `own_classes`.
        splits: folder of the published lists; see `read_split_lists`.
        annotations: of ActivityNet, to cut whole videos by; see `read_annotations`.

    Raises:
        ConfigError: options that exclude each other.
        UnknownNameError: no such dataset.
        DataError: no folder, no video in it or none of the dataset, no partitions, or a file that cannot be used.
    """
    _require_fit(table, classes, splits, annotations)
    if fault := folder_fault(folder):
        raise DataError(f"{folder}: {fault}")
    if table is not None:
        return _by_table(dataset, folder, root, table, classes)
    facts = _known(dataset, root)
    if annotations is not None and facts.name != _ANNOTATED:
        raise ConfigError(f"--annotations cuts the videos of {_ANNOTATED} only; leave it out for {facts.name}")
    lists = listed_videos(facts, root, splits)
    cuts = None if annotations is None else read_annotations(annotations)
    found = walk(folder)
    matched = match_files(found, folder, facts, lists, cuts)
    _require_some(found, matched, folder, facts)
    findings = [
        *list_findings(lists, facts),
        *_closed(found),
        *_whole(matched, facts, annotations),
        *_folders(matched[0], facts),
    ]
    return _clip_list(facts, None, lists, matched, findings)


def _by_table(name: str, folder: Path, root: Path, path: Path, classes: Path | None) -> ClipList:
    table = read_clip_table(path)
    dataset, new_file = find_dataset(root, name, classes, table.videos, path)
    lists = VideoList(
        table.videos.video_id, class_ids(table.videos, dataset, path), table.videos.partition, str(path)
    )
    matched = match_rows(table, folder, dataset, lists)
    if not matched[0]:
        raise DataError(
            f"{path}: none of its {len(table.place):,} files is in {folder}, such as {table.place[0][:80]!r}"
        )
    return _clip_list(dataset, new_file, lists, matched, list(list_findings(lists, dataset)))


def _clip_list(
    dataset: Dataset, new_file: Path | None, lists: VideoList, matched: Matched, findings: Sequence[Finding]
) -> ClipList:
    clips, out = matched
    return ClipList(
        dataset=dataset,
        dataset_file=new_file,
        source=lists.source,
        clips=tuple(sorted(clips, key=lambda clip: (clip.label, clip.video_id))),
        left_out=tuple(sorted(out, key=lambda item: (item.reason, item.video_id, item.place))),
        findings=tuple(findings),
    )


def _require_fit(table: Path | None, classes: Path | None, splits: Path | None, annotations: Path | None) -> None:
    if table is None and classes is not None:
        raise ConfigError("--classes describes a new dataset, and its videos come with --table FILE; give both")
    if table is not None and splits is not None:
        raise ConfigError("--table has the partitions of each video, so that --splits has no use; leave one out")
    if table is not None and annotations is not None:
        raise ConfigError("--table has columns start and end, so that --annotations has no use; leave one out")


def _known(name: str, root: Path) -> Dataset:
    try:
        return known_dataset(name, root)
    except UnknownNameError as error:
        raise DataError(f"{error}; describe a new dataset with --table FILE and --classes FILE") from error


def _require_some(found: Walk, matched: Matched, folder: Path, dataset: Dataset) -> None:
    """Refuse a folder without a video of the lists, and say which dataset it may be of."""
    if not found.files:
        raise DataError(f"{folder}: no video in it (known endings: {', '.join(sorted(ENDINGS))})")
    if len([item for item in matched[1] if item.reason == STRAY]) < len(found.files):
        return
    other = _fitting(found.files, dataset.name)
    if dataset.name == _ANNOTATED and any(whole_video(stem_of(place)) for place in found.files):
        hint = "whole videos need --annotations FILE, the published annotations"
    elif other:
        hint = f"they are called as those of {other} are"
    else:
        hint = "is it another dataset, or are they called otherwise? --table FILE says which file is which video"
    raise DataError(
        f"{folder}: no file leads to a video of {dataset.name} (files: {len(found.files):,}, such as "
        f"{shown_place(found.files[0])}); {hint}"
    )


def _fitting(places: Sequence[str], name: str) -> str | None:
    """Find the other dataset that most of some files are called after; where the package has its list, are in."""
    best, most = None, len(places) / 2
    for other, dataset in registered_datasets().items():
        if other == name or other not in RULES:
            continue
        rule = name_rule(other)
        keys = [rule.of_stem(stem_of(place)) for place in places]
        lists = packaged_videos(dataset)
        known = None if lists is None else {rule.of_id(video) for video in lists.video_id}
        fitting = sum(key is not None and (known is None or key in known) for key in keys)
        if fitting > most:
            best, most = other, fitting
    return best


def _closed(found: Walk) -> Iterator[Finding]:
    for place, reason in found.closed:
        yield _finding("folders", f"{shown_place(place)} cannot be listed: {reason}")


def _folders(clips: Sequence[Clip], dataset: Dataset) -> Iterator[Finding]:
    other = in_other_folders(clips, dataset)
    if other:
        text = f"{len(other):,} videos lie in a folder with the name of another class than the lists give them"
        yield _finding("folders", f"{text}, such as {other[0].place}, which is {other[0].class_name}")


def _whole(matched: Matched, dataset: Dataset, annotations: Path | None) -> Iterator[Finding]:
    """Report whole videos of ActivityNet that nothing says how to cut."""
    if dataset.name != _ANNOTATED or annotations is not None:
        return
    whole = [item.place for item in matched[1] if item.reason == STRAY and whole_video(stem_of(item.place))]
    if whole:
        text = f"{len(whole):,} are called as whole videos, such as {whole[0]}"
        yield _finding("files", f"{text}; cut them with --annotations FILE, the published annotations")


def _finding(name: str, text: str) -> Finding:
    return Finding(Severity.DIFFERENCE, name, text)
