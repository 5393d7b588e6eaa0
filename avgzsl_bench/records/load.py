"""Records for programs: one by its path, or all below a folder as a data frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avgzsl_bench.records.collect import collect
from avgzsl_bench.records.record import Record
from avgzsl_bench.records.verify import verify
from avgzsl_bench.system.folders import user_path

if TYPE_CHECKING:
    import pandas as pd

    from avgzsl_bench.records.collect import StoredRecord

SETTING = "setting."
"""Columns of settings begin with it."""
_TYPES = {"numerics": "Int64", "parameters": "Int64", "seconds": "float64"}
"""Columns of numbers that a record may lack."""
_OF_SETTINGS = {frozenset({bool}): "boolean", frozenset({int}): "Int64", frozenset({int, float}): "Float64"}
"""Types of columns by those of their values."""


def load_record(path: Path | str) -> Record:
    """Read a record and recompute every figure in it from its decisions.

    Args:
        path: of its JSON file; the decisions lie beside it.

    Raises:
        RecordError: missing, damaged, altered, or with figures that do not follow from the decisions.
    """
    return verify(user_path(path))


def load_records(folder: Path | str = "results") -> pd.DataFrame:
    """Read and check all records below a folder.

    Returns:
        A row for each record, in the order of their paths: what identifies the run, its figures as fractions
        (`seen`, `unseen`, `hm`, `zsl`, `ausuc`) at its `bias`, `best_epoch`, `parameters`, `device`, `seconds` of
        training, `path`, and each setting of the method as `setting.<name>`, missing where a method lacks it.

    Raises:
        RecordError: no records, a file that is none, one that was altered, or two that contradict each other.
    """
    import pandas as pd

    stored = sorted(
        (one for table in collect(user_path(folder)) for one in table.stored), key=lambda one: one.path.parts
    )
    rows = [_row(one) for one in stored]
    names = dict.fromkeys(name for row in rows for name in row)
    columns = {name: [row.get(name) for row in rows] for name in names}
    return pd.DataFrame({name: pd.Series(values, dtype=_dtype(name, values)) for name, values in columns.items()})


def _dtype(name: str, values: Sequence[Any]) -> str | None:
    """Choose the type of a column that records may lack, one with room for that; None: the usual one."""
    if name in _TYPES:
        return _TYPES[name]
    if not name.startswith(SETTING) or any(isinstance(value, int) and abs(value) >= 2**63 for value in values):
        return None
    kinds = {type(value) for value in values if value is not None}
    return next((dtype for kind, dtype in _OF_SETTINGS.items() if kinds and kinds <= kind), None)


def _row(stored: StoredRecord) -> dict[str, Any]:
    record = stored.record
    method, data = record.method, record.data
    return {
        "method": method.name,
        "title": method.title,
        "dataset": data.dataset,
        "features": data.features,
        "split": data.split,
        "seed": record.seed,
        "precision": record.precision,
        "simulated": data.simulated,
        "code": method.code,
        "numerics": record.numerics,
        "run_id": record.run_id,
        **asdict(record.metrics),
        "best_epoch": record.best_epoch,
        "parameters": method.parameters,
        "device": record.device,
        "seconds": record.training_seconds,
        "path": str(stored.path),
        **{f"{SETTING}{name}": value for name, value in method.config.items()},
    }
