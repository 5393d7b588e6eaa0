from __future__ import annotations

import pytest

from avgzsl_bench.report.tables.table import Cell, Column, make_table, value_table


def test_columns_are_chosen_by_their_keys() -> None:
    rows = [{"a": Cell("1", 1), "b": "x", "c": "not shown"}, {"a": Cell("2", 2), "b": Cell("y"), "c": ""}]
    table = make_table([Column("b", "B", "left"), Column("a", "A")], rows, notes=(note for note in ("n",)))
    assert [[cell.text for cell in row] for row in table.rows] == [["x", "1"], ["y", "2"]]
    assert table.rows[0] == (Cell("x"), Cell("1", 1))
    assert table.notes == ("n",)
    with pytest.raises(KeyError):
        make_table([Column("d", "D")], rows)


def test_a_brief_column_shows_the_first_part() -> None:
    cell = Cell("1.00 ± 0.10", 0.01, ("1.00", "± 0.10"), place=1)
    (row,) = make_table([Column("a", "A", brief=True), Column("a", "A")], [{"a": cell}]).rows
    assert row == (Cell("1.00", 0.01), cell)
    assert [c.lines for c in row] == [("1.00",), ("1.00", "± 0.10")]


def test_values_keep_their_types() -> None:
    table = value_table([{"a": 1, "b": None, "c": True}, {"a": 2.5, "b": "x", "c": False}])
    assert [column.key for column in table.columns] == ["a", "b", "c"]
    assert [[cell.value for cell in row] for row in table.rows] == [[1, None, True], [2.5, "x", False]]
