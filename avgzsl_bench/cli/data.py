"""`avbench data`: fetch, import, add, export, compare and check features."""

from __future__ import annotations

import click

from avgzsl_bench.cli.data_add import add_command, add_text_command
from avgzsl_bench.cli.data_audit import audit_command
from avgzsl_bench.cli.data_compare import compare_command
from avgzsl_bench.cli.data_fetch import fetch_command
from avgzsl_bench.cli.data_info import info_command, list_command
from avgzsl_bench.cli.data_layouts import export_command, import_command
from avgzsl_bench.cli.data_verify import verify_command
from avgzsl_bench.cli.group import NearMissGroup

_COMMANDS = (add_command, add_text_command, audit_command, compare_command, export_command, fetch_command)


@click.group(cls=NearMissGroup, commands=[*_COMMANDS, import_command, info_command, list_command, verify_command])
def data() -> None:
    """Fetch, import, add, export, compare and check features."""
