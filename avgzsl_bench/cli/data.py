"""`avbench data`: import, add, export and check features."""

from __future__ import annotations

import click

from avgzsl_bench.cli.data_add import add_command, add_text_command
from avgzsl_bench.cli.data_audit import audit_command
from avgzsl_bench.cli.data_fetch import fetch_command
from avgzsl_bench.cli.data_info import info_command, list_command
from avgzsl_bench.cli.data_layouts import export_command, import_command
from avgzsl_bench.cli.data_verify import verify_command
from avgzsl_bench.cli.group import NearMissGroup

_COMMANDS = (add_command, add_text_command, audit_command, export_command, fetch_command, import_command)


@click.group(cls=NearMissGroup, commands=[*_COMMANDS, info_command, list_command, verify_command])
def data() -> None:
    """Import, add, export and check features."""
