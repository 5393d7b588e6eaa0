"""`avbench verify`: recompute every figure of every record from its decisions."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from avgzsl_bench.cli.paths import UserPath

if TYPE_CHECKING:
    from avgzsl_bench.records.run_spec import RunSpec


@click.command(short_help="Recompute every figure of records from their decisions.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=UserPath(path_type=Path))
def verify(paths: tuple[Path, ...]) -> None:
    """Check records, or folders of them, against the decisions that lie beside them, and against each other.

    Every record is checked and every failure is listed before the command fails. Models that were saved with a
    record are checked against its hash of them, where they are there. Runs of one method with one
    configuration that were made by several codes are named; they are no failure, as boards keep codes apart.
    """
    from avgzsl_bench.errors import RecordError
    from avgzsl_bench.records.collect import StoredRecord, find_records, require_one_test
    from avgzsl_bench.records.mixtures import mixtures
    from avgzsl_bench.records.verify import has_weights, read_verified

    passed, failures = 0, []
    of_data: dict[tuple[str, str], StoredRecord] = {}
    for path in paths:
        try:
            records = find_records(path) if os.path.isdir(path) else [path]
        except RecordError as error:
            failures.append(error)
            click.echo(f"FAILED {error}")
            continue
        checked: list[RunSpec] = []
        for record in records:
            try:
                stored = StoredRecord(record, *read_verified(record))
                data = stored.record.data
                whole = stored.record.weights is None or has_weights(record, stored.record)
                require_one_test([of_data.setdefault((data.fingerprint, data.split_hash), stored), stored])
            except RecordError as error:
                failures.append(error)
                click.echo(f"FAILED {error}")
            else:
                passed += 1
                checked.append(stored.record)
                click.echo(f"ok {record}" + ("" if whole else " (its models are not there)"))
        for line in mixtures(checked):
            click.echo(line)
    click.echo(f"{passed} ok, {len(failures)} failed")
    if failures:
        first, others = failures[0], len(failures) - 1
        raise RecordError(f"{first}" + (f" (and {others} more, listed above)" if others else ""))
