"""Csv files beside an exported tree have the columns of the published ones."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from published_tree import BY_NAME, FOLDERS

from avgzsl_bench.data.layouts.published_columns import name_table, video_columns, video_rows


def published(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.reader(stream))


def shown(rows: list[tuple[object, ...]]) -> list[list[str]]:
    return [[str(cell) for cell in row] for row in rows]


@pytest.mark.parametrize("name", list(BY_NAME))
def test_lists_of_videos_are_the_published_ones(shared: Path, name: str) -> None:
    """All lists at hand, row by row; what is left blank is the flag `split` of VGGSound alone."""
    dataset = BY_NAME[name]
    paths = sorted((shared / "data/official" / FOLDERS[name] / "class-split/main_split").glob("*.csv"))
    assert len(paths) == (4 if name == "vggsound" else 6)
    for path in paths:
        header, *rows = published(path)
        assert tuple(header) == video_columns(dataset)
        at = {column: i for i, column in enumerate(header)}
        videos = [(row[at["filename"]], int(row[at["label_code"]])) for row in rows]
        ours = shown(list(video_rows(dataset, videos)))
        if name == "vggsound":
            flag = at["split"]
            for mine, theirs in zip(ours, rows, strict=True):
                assert mine[flag] in ("", theirs[flag])
                mine[flag] = theirs[flag]
        assert ours == rows


@pytest.mark.parametrize("name", list(BY_NAME))
def test_tables_of_names_are_the_published_ones(shared: Path, name: str) -> None:
    folder = shared / "data/official" / FOLDERS[name] / "class-split"
    header, *rows = published(folder / f"{name}_w2v_class_names.csv")
    ours_header, ours = name_table(BY_NAME[name])
    assert tuple(header) == ours_header
    assert sorted(rows) == sorted(shown(list(ours)))


def test_columns() -> None:
    assert video_columns(BY_NAME["ucf"]) == ("filename", "label", "label_code")
    assert video_columns(BY_NAME["activitynet"]) == ("filename", "label_code", "label")
    assert video_columns(BY_NAME["ucf"].model_copy(update={"name": "mine"})) == ("filename", "label", "label_code")


def test_a_row_of_vggsound() -> None:
    dataset = BY_NAME["vggsound"]
    unseen, seen = dataset.class_id("cow lowing"), dataset.class_id("barn swallow calling")
    assert unseen is not None
    assert seen is not None
    videos = [("-0pJqpNjft4_000267", unseen), ("a-_b-_c-_d__000000", seen), ("sim_053_00001", unseen)]
    assert list(video_rows(dataset, videos)) == [
        ("-0pJqpNjft4", 267, "cow lowing", "test", "-0pJqpNjft4_000267", 53, "animals"),
        ("a-_b-_c-_d_", 0, "barn swallow calling", "", "a-_b-_c-_d__000000", seen, "animals"),
        ("", "", "cow lowing", "", "sim_053_00001", 53, "animals"),
    ]
