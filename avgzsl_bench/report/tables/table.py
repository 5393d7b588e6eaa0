"""Tables as data: what a builder makes of results, and what a renderer writes in its format."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

Value = float | int | str | bool | None
Align = Literal["left", "right"]


@dataclass(frozen=True)
class Cell:
    """One cell.

    Attributes:
        text: on one line, for readers.
        value: unrounded, for programs and to sort by.
        parts: the text in parts, the most important one first, for formats with little room; empty for one part.
        place: 1 for the best value of a column among those that compete, 2 for the second best.
        tied: not significantly worse than the best, without being it.
    """

    text: str
    value: Value = None
    parts: tuple[str, ...] = ()
    place: int | None = None
    tied: bool = False

    @property
    def lines(self) -> tuple[str, ...]:
        """The parts, or the text where there is only one."""
        return self.parts or (self.text,)


@dataclass(frozen=True)
class Column:
    """One column: its name in programs, its title for readers, and how its cells are aligned.

    Attributes:
        group: title above those of neighbouring columns; may be empty.
        brief: only the first part of each cell is shown.
        lowest_first: its lowest number is the best, so that sorting starts with it.
    """

    key: str
    title: str
    align: Align = "right"
    group: str = ""
    brief: bool = False
    lowest_first: bool = False


METHOD = Column("method", "Method", "left")
SOURCE = Column("source", "Source", "left")


@dataclass(frozen=True)
class Table:
    """A table; the first cell of each row is its header, and each row has a cell per column.

    Attributes:
        title: a few words, for a heading above it; may be empty.
        caption: complete sentences or one line that says what it shows; may be empty.
        notes: sentences that a reader needs.
        label: name for references to it; may be empty.
    """

    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    title: str = ""
    caption: str = ""
    notes: tuple[str, ...] = ()
    label: str = ""


NO_TABLE = Table((), ())


def columns(titles: Mapping[str, str], align: Align = "right", group: str = "") -> list[Column]:
    """Make columns of one alignment and group, by their titles."""
    return [Column(key, title, align, group) for key, title in titles.items()]


def make_table(
    columns: Sequence[Column],
    rows: Iterable[Mapping[str, Cell | str]],
    *,
    title: str = "",
    caption: str = "",
    notes: Iterable[str] = (),
    label: str = "",
) -> Table:
    """Make a table of some columns of rows.

    Args:
        columns: in their order; cells under other keys are left out.
        rows: cells by the key of their column; plain text is a cell without a value.
        title, caption, notes, label: of the table.

    Examples:
        >>> table = make_table([Column("b", "B")], [{"a": "1", "b": "2"}])
        >>> [cell.text for cell in table.rows[0]]
        ['2']
    """
    cells = tuple(tuple(_cell(row[column.key], column) for column in columns) for row in rows)
    return Table(tuple(columns), cells, title, caption, tuple(notes), label)


def value_table(records: Sequence[Mapping[str, Value]]) -> Table:
    """Make a table of unrounded values by the names of their columns; all records have the same names."""
    names = tuple(Column(name, name) for name in records[0])
    return Table(names, tuple(tuple(Cell(str(value), value) for value in row.values()) for row in records))


def _cell(cell: Cell | str, column: Column) -> Cell:
    if isinstance(cell, str):
        return Cell(cell)
    return Cell(cell.lines[0], cell.value) if column.brief else cell
