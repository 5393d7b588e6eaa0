"""Class names in a line or in a file."""

from __future__ import annotations

from pathlib import Path

import pytest

from avgzsl_bench.encoders.texts.given_names import given_names
from avgzsl_bench.errors import AvbenchError


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("surfing", ("surfing",)),
        (" surfing,rowing a boat , ", ("surfing", "rowing a boat")),
        ("ApplyEyeMakeup,{0.__class__}", ("ApplyEyeMakeup", "{0.__class__}")),
    ],
)
def test_names_in_a_line(text: str, names: tuple[str, ...]) -> None:
    assert given_names(text) == names


def test_names_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "names.txt"
    file.write_bytes(b"\xef\xbb\xbfsurfing\r\n\r\nsalt, and pepper\n")
    assert given_names(f"@{file}") == ("surfing", "salt, and pepper")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (" , ", "no class name"),
        ("Air Horn,air_horn", "is there twice, first as 'Air Horn'"),
        ("a\x1bb", "control characters"),
        ("surfing, ...", "'...' is not a class name: it has no letter and no digit"),
        ("a" * 301, "too long"),
        ("@nowhere.txt", "cannot be read: No such file"),
        ("@.", "cannot be read: Is a directory"),
    ],
)
def test_what_is_refused(text: str, expected: str) -> None:
    with pytest.raises(AvbenchError, match=expected) as raised:
        given_names(text)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("content", "expected"), [(b"\xff\xfe", "not text in UTF-8"), (b"a" * (1 << 20) + b"b", "refused: larger")]
)
def test_files_that_hold_no_names(tmp_path: Path, content: bytes, expected: str) -> None:
    file = tmp_path / "names.txt"
    file.write_bytes(content)
    with pytest.raises(AvbenchError, match=expected):
        given_names(f"@{file}")
