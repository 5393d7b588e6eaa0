"""Folders that are called after a class, and hold clips of another."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import PurePosixPath

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.encoders.clips.clip import Clip


def in_other_folders(clips: Iterable[Clip], dataset: Dataset) -> list[Clip]:
    """Find the clips in a folder with another class's name; of several folders the nearest with a name counts."""
    classes: dict[str, set[int]] = {}
    for label, names in enumerate(dataset.classes):
        for name in (names.name, names.listed, names.readable, names.clip):
            classes.setdefault(_plain(name), set()).add(label)

    def meant(clip: Clip) -> set[int]:
        folders = (_plain(name) for name in reversed(PurePosixPath(clip.place).parts[:-1]))
        return next((classes[name] for name in folders if name in classes), {clip.label})

    return [clip for clip in clips if clip.label not in meant(clip)]


def _plain(name: str) -> str:
    """Folders write blanks as such, as `_`, or not at all."""
    return "".join(c for c in name.casefold() if c.isalnum())
