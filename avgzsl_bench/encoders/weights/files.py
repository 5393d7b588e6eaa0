"""The files of weights in a folder, and their hashes for the recipe."""

from __future__ import annotations

import hashlib
from fnmatch import fnmatchcase
from pathlib import Path

from avgzsl_bench.errors import DataError
from avgzsl_bench.plugins.specs import WeightsSource
from avgzsl_bench.system.files import os_reason

_KINDS = ((".safetensors",), (".bin", ".pt", ".pth"))
"""Endings of files of weights. The first kind that a folder has is what is loaded, and the others are not."""


def required(folder: Path | None) -> Path:
    """Give the folder of weights that an encoder cannot do without.

    Raises:
        DataError: none is given.
    """
    if folder is None:
        raise DataError("this encoder needs a folder with its weights, and none is given")
    return folder


def weight_files(folder: Path, source: WeightsSource) -> list[Path]:
    """List the files of weights that are loaded from a folder, sorted: safetensors if there are any, else pickles.

    Only those that one of the source's patterns names count, if it has patterns.
    """
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    if source.files:
        names = {path: path.relative_to(folder).as_posix() for path in files}
        files = [path for path in files if any(fnmatchcase(names[path], pattern) for pattern in source.files)]
    for endings in _KINDS:
        if found := [path for path in files if path.suffix in endings]:
            return found
    return []


def weight_hashes(folder: Path, source: WeightsSource) -> dict[str, str]:
    """Hash the files of weights in a folder: sha256 in hexadecimal by path below the folder.

    Raises:
        DataError: there is none, or one cannot be read.
    """
    hashes = {}
    for path in weight_files(folder, source):
        try:
            with path.open("rb") as stream:
                hashes[path.relative_to(folder).as_posix()] = hashlib.file_digest(stream, "sha256").hexdigest()
        except OSError as error:
            raise DataError(f"{path}: cannot be read: {os_reason(error)}") from error
    if not hashes:
        wanted = ", ".join(source.files) or ", ".join(ending for endings in _KINDS for ending in endings)
        raise DataError(f"{folder}: holds no file of weights ({wanted})")
    return hashes
