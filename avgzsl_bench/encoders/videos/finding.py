"""Which videos some paths stand for."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from avgzsl_bench.encoders.clips.walk import walk
from avgzsl_bench.encoders.videos.video import UnusableVideo
from avgzsl_bench.errors import DataError


def find_videos(given: Iterable[Path]) -> list[Path | UnusableVideo]:
    """Find videos by path, each once: files as given, whatever their endings, and all videos below folders.

    Args:
        given: files and folders. Below a folder, files with the ending of a video are taken in sorted order.

    Returns:
        In the order given. Of what cannot be used, the path and the reason.
    """
    found: dict[str, Path | UnusableVideo] = {}
    for path in given:
        for video in _below(path) if path.is_dir() else [_file(path)]:
            found.setdefault(video.name if isinstance(video, UnusableVideo) else str(video), video)
    return list(found.values())


def _file(path: Path) -> Path | UnusableVideo:
    try:
        fault = None if path.is_file() else "not a file" if path.exists() else "no such file"
    except OSError as error:
        fault = f"cannot be looked at: {error.strerror}"
    return path if fault is None else UnusableVideo(str(path), fault)


def _below(folder: Path) -> list[Path | UnusableVideo]:
    try:
        found = walk(folder)
    except DataError as error:
        return [UnusableVideo(str(folder), str(error).removeprefix(f"{folder}: "))]
    videos: list[Path | UnusableVideo] = [folder / place for place in found.files]
    videos += [UnusableVideo(str(folder / place), "not a file") for place in found.no_files]
    videos += [UnusableVideo(str(folder / place), f"cannot be listed: {why}") for place, why in found.closed]
    return videos or [UnusableVideo(str(folder), "no video in this folder")]
