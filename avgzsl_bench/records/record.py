"""The record of a run: one JSON file and one small table of decisions beside it.

`results/<dataset>/<features>/<split>/<method>/<run id>.json` holds everything needed to audit the figures;
`<run id>.npz` beside it holds, for each test video, its label, best seen class, best unseen class and gap.
The metrics follow from the decisions, so `verification` can recompute them without running anything.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from avgzsl_bench.errors import AvbenchError, RecordError, first_fault
from avgzsl_bench.gzsl.metrics import Decisions
from avgzsl_bench.method.precision import Precision
from avgzsl_bench.system.files import atomic_file, content_of

SCHEMA: Literal[1] = 1
_COLUMNS = ("label", "best_seen", "best_unseen", "gap")
_WIDEST, _LARGEST_HEADER = 8, 1 << 12
"""Bytes of a number of a column, and of what stands before the numbers, at most."""
_UNREADABLE = (
    *(ValueError, KeyError, IndexError, OSError, EOFError, MemoryError, RuntimeError),
    *(SyntaxError, TokenError, zipfile.BadZipFile, zlib.error),
)
"""What NumPy and zipfile raise on an archive that is damaged, encrypted, made to be too large, or none."""

_Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,39}$")]
"""What may become a part of a file name."""
_Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:+ -]{0,79}$")]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class MethodInfo(_Part):
    """Which method ran, from which distribution, with which settings."""

    name: str
    title: str
    follows: str
    distribution: str
    version: str
    config: dict[str, Any]
    changed: dict[str, Any] = Field(description="settings that differ from the method's defaults here")
    preset: str | None = Field(None, description="the preset that the configuration is the same as, if any")
    parameters: int | None = Field(ge=0, lt=2**63)


class DataInfo(_Part):
    """What it ran on."""

    dataset: _Name
    features: _Name
    simulated: bool
    split: _Name
    sequences: bool = Field(False, description="the method was given the steps beside their mean")
    text_order: _Name
    added_text: dict[_Name, _Token] = Field(
        {}, description="fingerprint of each text of the dataset that the user added and the method read"
    )
    fingerprint: _Token
    split_hash: _Token
    counts: dict[str, int]


class Figures(_Part):
    """The figures, as fractions."""

    seen: float
    unseen: float
    hm: float
    zsl: float
    ausuc: float
    bias: float


class ClassResult(_Part):
    """One class of the test: its role, its videos, and the share of them predicted right at the bias."""

    name: str
    role: Literal["seen", "unseen"]
    videos: int = Field(ge=0)
    accuracy: float | None


class EpochTrace(_Part):
    """One epoch of stage 1: learning rate, losses, validation figures at their best bias, and the bias that
    the epoch would hand on to the test."""

    epoch: int = Field(ge=1)
    learning_rate: float | None
    losses: dict[str, float]
    seen: float
    unseen: float
    hm: float
    zsl: float
    bias: float


class DecisionsFile(_Part):
    """The decisions beside the record: file name, number of videos, sha256 of the file."""

    file: str = Field(pattern=r"^[\w.-]+\.npz$")
    videos: int = Field(ge=1)
    sha256: str


class Record(_Part):
    """One finished run."""

    schema_version: Literal[1] = SCHEMA
    run_id: str = Field(pattern=r"^[\w.-]{1,100}$")
    method: MethodInfo
    data: DataInfo
    calibration: _Token
    seed: int = Field(ge=0, lt=2**32)
    device: str
    precision: Precision = Field("full", description="of training; scores are in full precision whatever it is")
    best_epoch: int = Field(ge=1)
    metrics: Figures
    classes: list[ClassResult]
    trace: list[EpochTrace]
    decisions: DecisionsFile
    environment: dict[str, str | None]
    timing: dict[str, Annotated[float, Field(ge=0, lt=1e12)] | str]
    peak_device_memory: int | None = Field(ge=0, description="bytes; None on devices that do not count it")

    @property
    def own_run_id(self) -> str:
        """The name that follows from what the record says was run."""
        method, data = self.method, self.data
        return run_id_of(
            method=method.name,
            distribution=(method.distribution, method.version),
            config=method.config,
            dataset=data.dataset,
            features=data.features,
            fingerprint=data.fingerprint,
            split_hash=data.split_hash,
            added_text=data.added_text,
            precision=self.precision,
            seed=self.seed,
        )

    def to_json(self) -> str:
        """The record as indented JSON, fields in a fixed order, with a final line feed."""
        return self.model_dump_json(indent=1) + "\n"


@dataclass(frozen=True)
class DecisionTable:
    """What the decisions file holds, as arrays.

    Attributes:
        label: int64 `[N]`, true class of each test video: a position in the record's `classes`.
        decisions: best seen and best unseen class (positions likewise) and gap, in the order of the store.
    """

    label: NDArray[np.int64]
    decisions: Decisions

    def to_bytes(self) -> bytes:
        """The table as an `.npz` archive, the same bytes for the same content."""
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            label=self.label.astype(np.int32),
            best_seen=self.decisions.best_seen.astype(np.int32),
            best_unseen=self.decisions.best_unseen.astype(np.int32),
            gap=self.decisions.gap,
        )
        return buffer.getvalue()

    def class_accuracies(self, classes: int, bias: float) -> list[tuple[int, float | None]]:
        """Number of videos of each class, and the share of them that is right at a bias; None without videos."""
        hit = self.decisions.predict(bias) == self.label
        count = np.bincount(self.label, minlength=classes).tolist()
        right = np.bincount(self.label, weights=hit, minlength=classes).tolist()
        return [(n, r / n if n else None) for n, r in zip(count, right, strict=True)]


def run_id_of(
    *,
    method: str,
    distribution: tuple[str, str],
    config: Mapping[str, Any],
    dataset: str,
    features: str,
    fingerprint: str,
    split_hash: str,
    added_text: Mapping[str, str],
    precision: Precision,
    seed: int,
) -> str:
    """A name for a run that follows from what was run, and tells it from every other.

    Args:
        method, config: the method, and its full configuration as plain values.
        distribution: name and version of what brought the method.
        dataset, features, fingerprint, split_hash, added_text: what it ran on, as in `DataInfo`.
        precision: of its training.
        seed: of the run.
    """
    identity: dict[str, Any] = {
        "method": method,
        "distribution": distribution,
        "config": config,
        "dataset": dataset,
        "features": features,
        "fingerprint": fingerprint,
        "split": split_hash,
        "seed": seed,
    }
    if added_text:
        identity["added_text"] = added_text
    if precision != "full":
        identity["precision"] = precision
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return f"seed{seed}-{digest[:10]}"


def class_results(
    table: DecisionTable, names: list[str], seen: NDArray[np.bool_], bias: float
) -> list[ClassResult]:
    """Accuracy of each class at a bias."""
    return [
        ClassResult(name=name, role="seen" if is_seen else "unseen", videos=videos, accuracy=accuracy)
        for name, is_seen, (videos, accuracy) in zip(
            names, seen, table.class_accuracies(len(names), bias), strict=True
        )
    ]


def write_record(path: Path, record: Record, table: bytes) -> None:
    """Write the decisions, then the record, each atomically: a record on disk always has its decisions.

    A record that is replaced goes once both are on disk under other names, and before either takes its place: a
    full disk leaves what was there, and an interruption none rather than one that contradicts its decisions.

    Raises:
        AvbenchError: the folder cannot be written to.
    """
    with atomic_file(path) as new:
        new.write_bytes(record.to_json().encode())
        with atomic_file(path.with_name(record.decisions.file)) as decisions:
            decisions.write_bytes(table)
            path.unlink(missing_ok=True)


def read_record(path: Path) -> Record:
    """Read a record.

    Raises:
        RecordError: missing, no JSON, of another schema, with a field missing, of the wrong kind or out of
            bounds, or with text that cannot be written again.
    """
    try:
        text = _bytes_of(path).decode()
        content = json.loads(text)
        if "\\ud" in text.lower():
            json.dumps(content, ensure_ascii=False).encode()  # JSON can spell half a character, UTF-8 cannot
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path}: not a record: {error}") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA:
        raise RecordError(f"{path}: not a record of schema {SCHEMA} (schema_version is {version!r})")
    try:
        return Record.model_validate(content)
    except ValidationError as error:
        raise RecordError(f"{path}: {first_fault(error)}") from error


def _bytes_of(path: Path) -> bytes:
    try:
        content = content_of(path)
    except AvbenchError as error:
        raise RecordError(str(error)) from error
    if content is None:
        raise RecordError(f"{path}: cannot be read: no such file")
    return content


def read_decisions(path: Path, record: Record) -> DecisionTable:
    """Read the decisions of the record at `path`, checked against its hash and its classes.

    Raises:
        RecordError: missing, altered or damaged.
    """
    file = path.with_name(record.decisions.file)
    content = _bytes_of(file)
    if hashlib.sha256(content).hexdigest() != record.decisions.sha256:
        raise RecordError(f"{file}: altered: its sha256 is not the one in {path.name}")
    n, k = record.decisions.videos, len(record.classes)
    try:
        _require_small(content, len(_COLUMNS) * (n * _WIDEST + _LARGEST_HEADER))
        archive = np.load(io.BytesIO(content), allow_pickle=False)
        columns = {name: np.asarray(archive[name]) for name in _COLUMNS}
    except _UNREADABLE as error:
        reason = " ".join(str(error).split())[:200]
        raise RecordError(f"{file}: not a decisions file: {reason}") from error
    gap = columns.pop("gap")
    whole = all(c.shape == (n,) and c.dtype.kind == "i" for c in columns.values())
    if not (whole and gap.shape == (n,) and gap.dtype.kind == "f"):
        raise RecordError(f"{file}: {path.name} says {n} videos, the columns are of other lengths or kinds")
    if not np.isfinite(gap).all() or any(c.min() < 0 or c.max() >= k for c in columns.values()):
        raise RecordError(f"{file}: a gap is not finite or a class is not among the record's {k}")
    label, best_seen, best_unseen = (column.astype(np.int64) for column in columns.values())
    seen = np.array([c.role == "seen" for c in record.classes])
    if not seen[best_seen].all() or seen[best_unseen].any():
        raise RecordError(f"{file}: the role of a best seen or best unseen class is another in {path.name}")
    return DecisionTable(label=label, decisions=Decisions(best_seen, best_unseen, gap.astype(np.float64)))


def _require_small(archive: bytes, limit: int) -> None:
    """Refuse an archive that unpacks to more bytes than the decisions take."""
    with zipfile.ZipFile(io.BytesIO(archive)) as listed:
        size = sum(item.file_size for item in listed.infolist())
    if size > limit:
        raise ValueError(f"it unpacks to {size} bytes")
