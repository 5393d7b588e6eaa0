"""Class names that a user gives: in a line, or in a file."""

from __future__ import annotations

from collections.abc import Sequence

from avgzsl_bench.data.datasets.class_names import plain_name, shown
from avgzsl_bench.encoders.texts.names import free_words
from avgzsl_bench.errors import ConfigError, DataError
from avgzsl_bench.system.files import os_reason
from avgzsl_bench.system.folders import user_path

_LARGEST = 1 << 20
_LONGEST = 300
"""Bytes of a file of names, and characters of a name."""


def given_names(text: str) -> tuple[str, ...]:
    """Read class names from `a, b`, or from `@FILE` with one name per line; empty ones are passed over.

    Raises:
        DataError: the file cannot be read, or is none of names.
        ConfigError: as `checked_names`.
    """
    if not text.startswith("@"):
        return checked_names(text.split(","))
    path = user_path(text[1:])
    try:
        if path.stat().st_size > _LARGEST:
            raise DataError(f"{path}: refused: larger than the {_LARGEST:,} bytes that a file of names may have")
        return checked_names(path.read_text(encoding="utf-8-sig").splitlines(), f"{path}: ")
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {os_reason(error)}") from error
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: not text in UTF-8; write one class name per line") from error


def checked_names(names: Sequence[str], where: str = "") -> tuple[str, ...]:
    """Check class names, and bring them to the form in which names are compared.

    Args:
        names: empty ones are passed over.
        where: begins messages.

    Raises:
        ConfigError: no name, two that mean the same, or one that is too long, not printable, or without a
            letter or digit.
    """
    kept: dict[str, str] = {}
    for name in filter(None, map(plain_name, names)):
        if len(name) > _LONGEST or not name.isprintable():
            raise ConfigError(f"{where}{shown(name)} is not a class name: too long, or with control characters")
        words = free_words(name)
        if not any(map(str.isalnum, words)):
            raise ConfigError(f"{where}{shown(name)} is not a class name: it has no letter and no digit")
        if words in kept:
            raise ConfigError(f"{where}class {shown(name)} is there twice, first as {shown(kept[words])}")
        kept[words] = name
    if not kept:
        raise ConfigError(f"{where}no class name; write --classes 'surfing, rowing a boat', or @FILE")
    return tuple(kept.values())
