"""Refusing weights: in one line that says what is wrong with which file or tensors."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from pickle import UnpicklingError

from avgzsl_bench.errors import AvbenchError, DataError, one_line
from avgzsl_bench.system.files import folder_fault

_NAMED = 3
"""Names of tensors that a message gives."""


def require_files(folder: Path, what: str, *groups: tuple[str, ...]) -> None:
    """Refuse a folder that has the files of none of the groups.

    Raises:
        DataError: no such folder, or files are missing.
    """
    if (fault := folder_fault(folder)) is not None:
        raise DataError(f"weights folder {folder}: {fault}")
    if not any(all((folder / name).is_file() for name in group) for group in groups):
        wanted = " or ".join(" and ".join(group) for group in groups)
        raise DataError(f"{folder}: {wanted} is missing, which {what} needs: fetch or copy the folder whole")


def refuse_tensors(what: str, faults: Mapping[str, Collection[str]]) -> None:
    """Refuse weights with the names of tensors that do not fit, by what is wrong with them.

    Raises:
        DataError: there are such tensors.
    """
    parts = []
    for fault, names in faults.items():
        if names:
            more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            parts.append(f"{fault}: {one_line(', '.join(list(names)[:_NAMED]), 300)}{more}")
    if parts:
        raise DataError(f"{what} do not fit, tensors {'; '.join(parts)}; they are damaged or of another model")


@contextmanager
def explained(what: str) -> Iterator[None]:
    """Report whatever foreign files make a library raise in the block, in one line that says what they are.

    Raises:
        DataError: anything was raised that is not an `AvbenchError`.
    """
    from safetensors import SafetensorError

    try:
        yield
    except AvbenchError:
        raise
    except SafetensorError as error:
        raise DataError(
            f"{what}: cut short or damaged: {one_line(str(error), 200)}; fetch or copy them anew"
        ) from error
    except UnpicklingError as error:
        raise DataError(f"{what}: refused: the file holds more than tensors, or is damaged") from error
    except Exception as error:  # a damaged file makes the libraries raise anything
        raise DataError(f"{what}: cannot be read: {one_line(str(error), 200) or type(error).__name__}") from error
