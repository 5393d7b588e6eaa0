"""Data frames as CSV and Parquet, without their index."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from avgzsl_bench.errors import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

    import pandas as pd


def csv_bytes(frame: pd.DataFrame) -> bytes:
    """Write a data frame as CSV, numbers in full."""
    return frame.to_csv(index=False, lineterminator="\n").encode()


def parquet_bytes(frame: pd.DataFrame) -> bytes:
    """Write a data frame as Parquet."""
    buffer = io.BytesIO()
    frame.to_parquet(buffer, index=False, engine="pyarrow")
    return buffer.getvalue()


def require_parquet(path: Path) -> None:
    """Refuse a Parquet file where the library that writes it is missing.

    Raises:
        ConfigError: it is.
    """
    try:
        import pyarrow  # noqa: F401
    except ImportError as error:
        raise ConfigError(f"{path}: Parquet needs pyarrow: pip install 'pyarrow>=15', or write CSV") from error
