"""The record of a fetched archive, kept beside each feature set that was imported from it.

The authors publish no checksums. The record keeps the SHA-256 that was seen, so that later downloads, here or
on another machine that has the record, can be compared with it.
"""

from __future__ import annotations

import datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from avgzsl_bench.data.cards.published import Link
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.store import StoreHeader
from avgzsl_bench.data.untrusted.json_file import JsonModel, Name, Sha256, read_json_model
from avgzsl_bench.system.files import write_atomically
from avgzsl_bench.system.folders import is_there

FILE_NAME = "fetched.json"

_LARGEST = 1 << 14


class Fetched(JsonModel):
    """An archive as it was fetched.

    Attributes:
        form: version of this file.
        source: its name in `published.json`.
        address: the address that it is published at.
        fetched: day, UTC.
        size: in bytes.
        sha256: of the archive.
        fingerprint: of the store that was imported from it.
    """

    form: Literal["avgzsl-bench fetched 1"] = "avgzsl-bench fetched 1"
    source: Name
    address: Link
    fetched: Annotated[datetime.date, Field(strict=False)]
    size: Annotated[int, Field(gt=0)]
    sha256: Sha256
    fingerprint: Sha256


def fetched_path(root: Path, dataset: str, feature_set: str) -> Path:
    """Give the place of the record of a feature set.

    Raises:
        DataError: a name that could lead out of the data folder.
    """
    return store_path(root, dataset, feature_set).with_name(FILE_NAME)


def read_fetched(path: Path) -> Fetched | None:
    """Read a record; None if there is none.

    Raises:
        DataError: it cannot be read, or is malformed.
    """
    if not is_there(path):
        return None
    return read_json_model(path, Fetched, _LARGEST, "record of a download", "remove it")


def fetched_from(root: Path, header: StoreHeader) -> Fetched | None:
    """Read the record of the archive that a store was imported from; None if it came from elsewhere.

    Raises:
        DataError: as `read_fetched`.
    """
    record = read_fetched(fetched_path(root, header.dataset, header.features))
    return record if record and record.fingerprint == header.fingerprint else None


def write_fetched(path: Path, record: Fetched) -> None:
    """Write a record whole or not at all.

    Raises:
        AvbenchError: the file cannot be written.
    """
    write_atomically(path, f"{record.model_dump_json(indent=1)}\n".encode())


def difference(before: Fetched, now: Fetched) -> str | None:
    """Describe how an archive differs from the one that was fetched before from the same source.

    Returns:
        None if nothing differs, or if the other one was of another source.
    """
    if before.source != now.source or before.sha256 == now.sha256:
        return None
    same = before.fingerprint == now.fingerprint
    return (
        f"{now.source}: SHA-256 {now.sha256}, {now.size:,} bytes, but on {before.fetched} it was {before.sha256}, "
        f"{before.size:,} bytes; the imported features are {'the same' if same else 'others'}"
    )
