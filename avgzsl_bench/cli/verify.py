"""`avbench verify`: recompute every figure of every record from its decisions."""

from __future__ import annotations

import os
from pathlib import Path

import click


@click.command(short_help="Recompute every figure of records from their decisions.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=click.Path(path_type=Path))
def verify(paths: tuple[Path, ...]) -> None:
    """Check records, or folders of them, against the decisions that lie beside them.

    Every record is checked and every failure is listed before the command fails.
    """
    from avgzsl_bench.errors import RecordError
    from avgzsl_bench.leaderboard.collect import find_records
    from avgzsl_bench.record import verify as verify_record

    passed, failures = 0, []
    for path in paths:
        try:
            records = find_records(path) if os.path.isdir(path) else [path]
        except RecordError as error:
            failures.append(error)
            click.echo(f"FAILED {error}")
            continue
        for record in records:
            try:
                verify_record(record)
            except RecordError as error:
                failures.append(error)
                click.echo(f"FAILED {error}")
            else:
                passed += 1
                click.echo(f"ok {record}")
    click.echo(f"{passed} ok, {len(failures)} failed")
    if failures:
        first, others = failures[0], len(failures) - 1
        raise RecordError(f"{first}" + (f" (and {others} more, listed above)" if others else ""))
