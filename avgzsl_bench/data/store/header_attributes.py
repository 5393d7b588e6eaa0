"""Version and header of our HDF5 files, kept as attributes of the root.

They are text of fixed length: the HDF5 library may hang on damaged text of variable length.
"""

from __future__ import annotations

from typing import TypeVar

import h5py
import numpy as np
from pydantic import BaseModel, ValidationError

from avgzsl_bench.errors import DataError, first_fault, one_line

Header = TypeVar("Header", bound=BaseModel)


def write_header(file: h5py.File, schema: str, header: BaseModel) -> None:
    """Write the version of a file's layout, and its header as JSON."""
    file.attrs["schema"] = np.bytes_(schema.encode())
    file.attrs["header"] = np.bytes_(header.model_dump_json().encode())


def parse_header(file: h5py.File, schema: str, form: type[Header]) -> Header:
    """Read the header of an open file.

    Raises:
        DataError: another version, or a header that is missing or malformed.
    """
    found = _fixed_text(file, "schema")
    if found != schema:
        shown = None if found is None else one_line(found, 60)
        raise DataError(f"{file.filename}: not a file of this version (schema {shown!r}, expected {schema!r})")
    try:
        return form.model_validate_json(_fixed_text(file, "header") or "")
    except ValidationError as error:
        raise DataError(f"{file.filename}: damaged: {first_fault(error, 'header')}") from error


def _fixed_text(file: h5py.File, name: str) -> str | None:
    """Read an attribute of fixed-length text; None if there is no such attribute."""
    if name not in file.attrs or file.attrs.get_id(name).dtype.kind != "S" or file.attrs.get_id(name).shape:
        return None
    return bytes(file.attrs[name]).decode()
