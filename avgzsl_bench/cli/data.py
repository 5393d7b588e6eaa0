"""`avbench data`: import, add, export and check features."""

from __future__ import annotations

import click

from avgzsl_bench.cli.data_add import add_command
from avgzsl_bench.cli.data_audit import audit_command
from avgzsl_bench.cli.data_export import export_command
from avgzsl_bench.cli.data_fetch import fetch_command
from avgzsl_bench.cli.data_import import import_command
from avgzsl_bench.cli.data_info import info_command
from avgzsl_bench.cli.data_list import list_command
from avgzsl_bench.cli.data_text import add_text_command
from avgzsl_bench.cli.data_verify import verify_command
from avgzsl_bench.cli.group import NearMissGroup


@click.group(cls=NearMissGroup)
def data() -> None:
    """Import, add, export and check features."""


for _command in (
    add_command,
    add_text_command,
    audit_command,
    export_command,
    fetch_command,
    import_command,
    info_command,
    list_command,
    verify_command,
):
    data.add_command(_command)
