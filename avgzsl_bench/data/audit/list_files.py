"""Reading the class lists and csvs beside a feature tree."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

from avgzsl_bench.data.audit.finding import some
from avgzsl_bench.data.audit.survey import ClassList, Survey
from avgzsl_bench.data.datasets.facts import PARTITIONS
from avgzsl_bench.data.layouts.tree import disk_name, refuse_link_out
from avgzsl_bench.errors import DataError
from avgzsl_bench.system.files import os_reason

_FOLDERS = ("class-split", "class_split")
_LARGEST = 1 << 26
"""Bytes of a list; the largest published one has 6 MB."""


def read_lists(tree: Path, survey: Survey) -> None:
    """Read the lists beside a feature-set folder (an absolute path) into its survey, if there are any."""
    for parent in (tree.parent, tree.parent.parent):
        for folder in (parent / name for name in _FOLDERS):
            if folder.is_dir():
                _read_folder(folder, survey)
                return


def _read_folder(folder: Path, survey: Survey) -> None:
    names = _read(folder / "all_class.txt", folder, survey)
    survey.class_names = None if names is None else names.splitlines()
    for key, columns in (("w2v", ("original", "manual")), ("clip", ("original", "manual", "clip_class_name"))):
        table = folder / f"{survey.dataset.name}_{key}_class_names.csv"
        named = _table(table, folder, survey, columns)
        if named is not None:
            survey.names[table.name] = named
    for split in survey.dataset.splits:
        place = folder / f"{split}_split"
        found = []
        missing = []
        for partition in PARTITIONS:
            stem = place / disk_name(partition)
            files = (stem.with_suffix(".txt"), stem.with_suffix(".csv"))
            missing += [file.name for file in files if not os.path.lexists(file)]
            txt = _read(stem.with_suffix(".txt"), folder, survey)
            columns = ("filename", "label", "label_code")
            rows = _table(stem.with_suffix(".csv"), folder, survey, columns)
            if txt is not None or rows is not None:
                found.append(
                    ClassList(
                        where=f"{folder.name}/{split}_split/{disk_name(partition)}",
                        partition=partition,
                        listed=None if txt is None else txt.splitlines(),
                        rows=None if rows is None else [(v, c, _number(code)) for v, c, code in rows],
                        ends=txt is None or txt.endswith("\n"),
                    )
                )
        if found:
            survey.lists[split] = found
        if missing and place.is_dir():
            survey.findings.add("list-missing", f"{folder.name}/{split}_split", f"no {some(missing, 3)}")


def _read(path: Path, folder: Path, survey: Survey) -> str | None:
    """Read a file's text; None if there is none, or with a finding if it cannot be read."""
    if not path.is_file():
        return None
    where = f"{folder.name}/{path.relative_to(folder)}"
    try:
        refuse_link_out(path, folder)
        if path.stat().st_size > _LARGEST:
            raise DataError(f"larger than {_LARGEST >> 20} MiB")
        return path.read_bytes().decode("utf-8-sig")
    except DataError as error:
        reason = str(error).removeprefix(f"{path}: ")
    except OSError as error:
        reason = os_reason(error)
    except UnicodeDecodeError:
        reason = "not UTF-8"
    survey.findings.add("list-unreadable", where, reason)
    return None


def _table(path: Path, folder: Path, survey: Survey, columns: tuple[str, ...]) -> list[tuple[str, ...]] | None:
    """Read columns of a csv, by heading."""
    text = _read(path, folder, survey)
    if text is None:
        return None
    try:
        reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        lacking = [name for name in columns if name not in (reader.fieldnames or ())]
        if lacking:
            raise csv.Error(f"has no column {lacking[0]!r}")
        return [tuple(row[name] or "" for name in columns) for row in reader]
    except csv.Error as error:
        where = f"{folder.name}/{path.relative_to(folder)}"
        survey.findings.add("list-unreadable", where, str(error))
        return None


def _number(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
