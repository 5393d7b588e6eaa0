"""Damaged and malicious files of every reader: read, or refused in one line; nothing crashes, hangs or is run."""

from __future__ import annotations

from pathlib import Path

import pytest
from campaign import campaign
from readers import READERS

FEW, MANY = 150, 10_000

ONCE_FAILED: dict[str, tuple[int, ...]] = {
    "avca": (9657, 9955),  # a length of text that no type can have
    "avca_ids": (6970,),
    "brought_csv": (20, 276, 858),  # a line of thousands of characters
    "brought_npz": (3, 65, 1244),  # damage that zipfile and NumPy tell with errors of other kinds
    "card": (4556, 7313),  # control characters in the name of a field
    "classes": (2051, 4501),  # a line of thousands of characters
    "clip": (387, 7702),  # a stream that appears late; frames that grow to half a gigabyte
    "clipclap": (5, 49),  # control characters in what a pickle asks for
    "dataset": (137, 235),  # too deep
    "decisions": (37, 137),  # a line of thousands of characters; half a gigabyte of zeros
    "defaults": (0, 1),  # no UTF-8; a message of several lines
    "mark": (266, 1791),  # control characters in the name of a field
    "record": (8625,),  # a line of thousands of characters
    "tcaf": (11, 39),  # control characters in what a pickle asks for
}
"""Seeds that brought a fault to light, by reader."""


@pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])
@pytest.mark.parametrize("reader", READERS)
def test_damaged_files(tmp_path: Path, reader: str, count: int) -> None:
    outcome = campaign(reader, 0, count, tmp_path)
    assert (outcome.faults, outcome.tried) == ({}, count)
    assert outcome.complaints > count / 5


@pytest.mark.parametrize(
    ("reader", "seed"), [(name, seed) for name, seeds in ONCE_FAILED.items() for seed in seeds]
)
def test_what_once_failed(tmp_path: Path, reader: str, seed: int) -> None:
    assert campaign(reader, seed, 1, tmp_path).faults == {}
