"""The record of a run: one JSON file, and one small file of decisions beside it.

`results/<dataset>/<features>/<split>/<method>/<run id>.json` holds everything needed to audit the metrics;
`<run id>.npz` beside it holds the decisions (see `decisions_file`). The metrics follow from the decisions, so
that `verify` recomputes them without running anything.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
)

from avgzsl_bench.data.data_spec import DataSpec, FileName, Token
from avgzsl_bench.data.datasets.standard import Differences, PartitionDifference
from avgzsl_bench.data.store.origin import Origin
from avgzsl_bench.errors import RecordError, first_fault, one_line
from avgzsl_bench.gzsl.curve import SeenUnseenCurve, curve_of
from avgzsl_bench.gzsl.metrics import Metrics
from avgzsl_bench.records.decisions_file import DecisionTable, bytes_of, read_decision_table
from avgzsl_bench.records.epoch_result import EpochResult
from avgzsl_bench.records.predictions import Predictions
from avgzsl_bench.records.run_spec import MethodIdentity, RunSpec
from avgzsl_bench.system.files import atomic_file

if TYPE_CHECKING:
    import pandas as pd

SCHEMA: Literal[1] = 1
_FIRST = ("schema_version", "run_id", "method", "data", "calibration", "seed", "device", "precision", "numerics")
"""The fields that a record's file begins with, in this order."""
_TRAINING = ("selection_seconds", "final_seconds")
"""Durations that add up to training: stage 1 with its selection of an epoch, and stage 2."""
LONGEST_LAYOUT = 80
"""Characters of the name of a layout."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class RecordedMethod(MethodIdentity):
    """The method of a finished run."""

    parameters: int | None = Field(ge=0, lt=2**63, description="number of trained parameters")


class RecordedData(DataSpec):
    """The data of a finished run."""

    counts: dict[str, int] = Field(description="videos per partition")
    differences: dict[FileName, PartitionDifference] | None = Field(
        None, description="partitions whose videos differ from the dataset's standard; None: not recorded"
    )
    origin: Origin | None = Field(None, description="where the vectors came from; None: not recorded")
    layout: str | None = Field(
        None, max_length=LONGEST_LAYOUT, description="of the files that they were imported from, if they were"
    )
    like: FileName | None = Field(
        None, description="published feature set whose default settings the method used; None: no other's"
    )


class ClassResult(_Part):
    """One class of the test: its role, its number of videos, and its accuracy at the bias."""

    name: str
    role: Literal["seen", "unseen"]
    videos: int = Field(ge=0)
    accuracy: float | None


class EpochTrace(_Part):
    """One epoch of stage 1 in a record: learning rate, losses, and validation metrics at their best bias."""

    epoch: int = Field(ge=1)
    learning_rate: float | None
    losses: dict[str, float]
    seen: float
    unseen: float
    hm: float
    zsl: float
    bias: float = Field(description="the bias that the epoch would hand on to stage 2")

    @classmethod
    def of(cls, result: EpochResult) -> EpochTrace:
        """Take over the result of a validated epoch."""
        assert result.validation is not None, "epochs of stage 1 are validated"
        assert result.bias is not None
        figures = {name: getattr(result.validation, name) for name in ("seen", "unseen", "hm", "zsl")}
        own = {name: getattr(result, name) for name in ("epoch", "learning_rate", "losses", "bias")}
        return cls(**own, **figures)


class DecisionsFile(_Part):
    """The decisions beside the record: file name, number of videos, sha256 of the file."""

    file: str = Field(pattern=r"^[\w.-]+\.npz$")
    videos: int = Field(ge=1)
    sha256: str


Stage = Literal["stage1", "stage2"]
"""A stage of a run: after its best epoch stage 1, after its last one stage 2."""

STAGES: tuple[Stage, ...] = get_args(Stage)


class WeightsFile(_Part):
    """A checkpoint beside the record: file name, sha256 of the file."""

    file: str = Field(pattern=r"^[\w.-]+\.safetensors$")
    sha256: str


@dataclass(frozen=True)
class _Place:
    """Where a record lies, if anywhere. All places are equal: records are compared by their content."""

    path: Path | None = field(default=None, compare=False)


class Record(RunSpec):
    """One finished run: what it is, and what it gave.

    Its methods read the decisions that lie beside its file.
    """

    method: RecordedMethod
    data: RecordedData
    schema_version: Literal[1] = SCHEMA
    run_id: str = Field(pattern=r"^[\w.-]{1,100}$")
    calibration: Token
    device: str
    best_epoch: int = Field(ge=1)
    metrics: Metrics
    classes: list[ClassResult]
    trace: list[EpochTrace]
    decisions: DecisionsFile
    weights: dict[Stage, WeightsFile] | None = Field(None, description="checkpoints by stage; None: not saved")
    environment: dict[str, str | None]
    timing: dict[str, Annotated[float, Field(ge=0, lt=1e12)] | str]
    peak_device_memory: int | None = Field(ge=0, description="bytes; None on devices that do not count it")
    _place: _Place = PrivateAttr(default_factory=_Place)

    @classmethod
    def of(
        cls,
        spec: RunSpec,
        *,
        parameters: int | None,
        counts: Mapping[str, int],
        differences: Differences | None = None,
        origin: Origin | None = None,
        layout: str | None = None,
        like: str | None = None,
        **results: Any,
    ) -> Record:
        """Make the record of a run.

        Args:
            spec: what the run is.
            parameters: of the method.
            counts, differences, origin, layout, like: of the data, as in `RecordedData`.
            results: the other fields, but for those that follow from `spec`.
        """
        identity = spec.model_dump()
        identity["method"]["parameters"] = parameters
        identity["data"] |= {
            "counts": dict(counts),
            "differences": None if differences is None else dict(differences),
            "origin": origin,
            "layout": None if layout is None else one_line(layout, LONGEST_LAYOUT),
            "like": like,
        }
        return cls(**identity, run_id=spec.id, **results)

    @model_serializer(mode="wrap")
    def _in_order(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        content: dict[str, Any] = serialize(self)
        return {name: content[name] for name in _FIRST if name in content} | content

    def __repr__(self) -> str:
        data = f"{self.data.dataset}, {self.data.features}, split {self.data.split}"
        options = "".join(f", {name} {value}" for name, value in self.options.items())
        mark = ", SIMULATED" if self.data.simulated else ""
        return f"Record({self.method.name} on {data}, seed {self.seed}{options}: {self.metrics}{mark})"

    @property
    def is_seen(self) -> list[bool]:
        """For each class, whether it is a seen class."""
        return [c.role == "seen" for c in self.classes]

    @property
    def training_seconds(self) -> float | None:
        """Seconds of both stages, a share of those of seeds that trained together; None if not recorded."""
        parts = [value for name in _TRAINING if isinstance(value := self.timing.get(name), int | float)]
        return float(sum(parts)) if parts else None

    def predictions(self, data_root: Path | str | None = None) -> pd.DataFrame:
        """Read what the run predicted for each test video.

        Args:
            data_root: where to look for the ids of the videos if the decisions were written before they held them;
                default `AVBENCH_DATA`, else the platform's.

        Returns:
            A row for each video, in the order of the store: `video` (its id, or its number, with a warning, where
            the id is not known), `true_class`, its `role`, `best_seen`, `best_unseen`, the `gap` between their
            scores, the class `predicted` at the bias, and whether that is `correct`.

        Raises:
            RecordError: the record has no file, or its decisions are missing, altered or damaged.
        """
        return self._predictions().by_video(self.data, data_root)

    def curve(self) -> SeenUnseenCurve:
        """Compute S and U of the test videos at every bias.

        Raises:
            RecordError: as `predictions`.
        """
        table = self._table()
        return curve_of(table.decisions, table.ground_truth(self.is_seen))

    def confusion_matrix(self) -> pd.DataFrame:
        """Count the videos of each true class (rows) by predicted class (columns), seen classes first.

        Raises:
            RecordError: as `predictions`, or there are thousands of classes.
        """
        return self._predictions().confusion_matrix()

    def class_accuracies(self) -> pd.DataFrame:
        """Read how well the run classifies each class.

        Returns:
            By class, seen ones first: `role`, number of `videos`, `accuracy` (NaN without videos), and the other
            class that its videos are most often `taken_for`, with the number of these, `taken_for_videos`.

        Raises:
            RecordError: as `confusion_matrix`.
        """
        return self._predictions().by_class()

    def _table(self) -> DecisionTable:
        if self._place.path is None:
            raise RecordError(f"{self}: this record was neither read from a file nor written: it has no decisions")
        return read_decisions(self._place.path, self)

    def _predictions(self) -> Predictions:
        return Predictions(self._table(), [c.name for c in self.classes], self.is_seen, self.metrics.bias)

    def to_json(self) -> str:
        """Encode the record as indented JSON, fields in a fixed order, with a final line feed."""
        return self.model_dump_json(indent=1) + "\n"


def class_results(
    table: DecisionTable, names: list[str], seen: NDArray[np.bool_], bias: float
) -> list[ClassResult]:
    """Accuracy of each class at a bias."""
    found = zip(names, seen, table.class_accuracies(len(names), bias), strict=True)
    return [
        ClassResult(name=name, role="seen" if is_seen else "unseen", videos=videos, accuracy=accuracy)
        for name, is_seen, (videos, accuracy) in found
    ]


def weights_path(path: Path, stage: Stage) -> Path:
    """Path of the checkpoint of a stage beside the record at `path`."""
    return path.with_name(f"{path.stem}.{stage}.safetensors")


def unfinished_path(path: Path) -> Path:
    """Path of what a run that is not finished goes on from, beside the place of its record at `path`."""
    return path.with_suffix(".unfinished")


def write_record(path: Path, record: Record, table: bytes, weights: Mapping[Stage, bytes] | None = None) -> None:
    """Write decisions and weights, then the record, each atomically: a record on disk always has what it names.

    A record that is replaced goes once all are on disk under other names, and before one takes its place: a full
    disk leaves what was there, and an interruption none rather than one that contradicts its decisions. Weights
    of the replaced record go too.

    Args:
        path: of the record.
        record: with the names and hashes of the other files.
        table: the decisions.
        weights: the checkpoints that the record names.

    Raises:
        AvbenchError: the folder cannot be written to.
    """
    beside = {path.with_name(record.decisions.file): table}
    beside |= {weights_path(path, stage): content for stage, content in (weights or {}).items()}
    with ExitStack() as files:
        files.enter_context(atomic_file(path)).write_bytes(record.to_json().encode())
        for place, content in beside.items():
            files.enter_context(atomic_file(place)).write_bytes(content)
        path.unlink(missing_ok=True)
    for stage in STAGES:
        if stage not in (weights or {}):
            weights_path(path, stage).unlink(missing_ok=True)
    record._place = _Place(path.absolute())


def read_record(path: Path) -> Record:
    """Read a record.

    Raises:
        RecordError: missing, no JSON, of another schema, with a field missing, of the wrong kind or out of
            bounds, or with text that cannot be written again.
    """
    try:
        text = bytes_of(path).decode()
        content = json.loads(text)
        if "\\ud" in text.lower():
            json.dumps(content, ensure_ascii=False).encode()  # JSON can spell half a character, UTF-8 cannot
    except (ValueError, RecursionError) as error:
        raise RecordError(f"{path}: not a record: {error}") from error
    version = content.get("schema_version") if isinstance(content, dict) else None
    if version != SCHEMA:
        raise RecordError(f"{path}: not a record of schema {SCHEMA} (schema_version is {version!r})")
    try:
        record = Record.model_validate(content)
    except ValidationError as error:
        raise RecordError(f"{path}: {first_fault(error)}") from error
    record._place = _Place(path.absolute())
    return record


def read_decisions(path: Path, record: Record) -> DecisionTable:
    """Read the decisions of the record at `path`.

    Raises:
        RecordError: missing, altered or damaged.
    """
    stored = record.decisions
    return read_decision_table(path.with_name(stored.file), stored.sha256, stored.videos, record.is_seen)
