"""The table of classes and videos of each partition, next to the standard numbers."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from avgzsl_bench.cli.console import plain_console, plain_table, print_table

if TYPE_CHECKING:
    from avgzsl_bench.data.datasets.counts import PartitionCount


def print_counts(counts: Iterable[PartitionCount]) -> None:
    """Print one line for each partition and split."""
    table = plain_table("partition", "split", "classes", "standard", "videos", "standard")
    for n in counts:
        row = (n.partition, n.split, n.classes, n.standard_classes, n.videos, n.standard_videos)
        table.add_row(*map(str, row))
    print_table(plain_console(), table)
