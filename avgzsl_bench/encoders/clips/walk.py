"""The video files below a folder."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from avgzsl_bench.errors import DataError
from avgzsl_bench.system.files import folder_fault, os_reason

ENDINGS = frozenset(
    (".avi", ".mp4", ".mkv", ".webm", ".mov", ".m4v", ".mpg", ".mpeg", ".flv", ".wmv", ".3gp", ".ts")
)
"""Endings of video files, in any case."""


@dataclass
class Walk:
    """What lies below a folder; paths are relative to it, with `/`, and sorted.

    Attributes:
        files: files, or links to files, with the ending of a video.
        no_files: what has such an ending and is neither a file nor a folder, such as a link that leads nowhere.
        closed: folders that cannot be listed, with the reason.
    """

    files: list[str] = field(default_factory=list)
    no_files: list[str] = field(default_factory=list)
    closed: list[tuple[str, str]] = field(default_factory=list)


def walk(folder: Path) -> Walk:
    """List the video files below a folder. Links to files are followed, links to folders are not.

    Raises:
        DataError: there is no such folder, or it cannot be listed.
    """
    fault = folder_fault(folder)
    if fault is not None:
        raise DataError(f"{folder}: {fault}")
    found = Walk()
    waiting = [""]
    while waiting:
        below = waiting.pop()
        try:
            with os.scandir(folder / below) as entries:
                for entry in entries:
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(f"{below}{entry.name}/")
                    elif os.path.splitext(entry.name)[1].lower() in ENDINGS:
                        _sort_in(found, entry, f"{below}{entry.name}")
        except OSError as error:
            if not below:
                raise DataError(f"{folder}: cannot be listed: {os_reason(error)}") from error
            found.closed.append((below, os_reason(error)))
    for places in (found.files, found.no_files):
        places.sort()
    found.closed.sort()
    return found


def _sort_in(found: Walk, entry: os.DirEntry[str], place: str) -> None:
    try:
        if entry.is_file():
            found.files.append(place)
            return
        if entry.is_dir():  # by a link, which is not followed
            return
    except OSError:
        pass  # a link that leads in a circle, or to where nobody may look
    found.no_files.append(place)
