"""Paths on the command line."""

from __future__ import annotations

from typing import Any

import click

from avgzsl_bench.system.folders import user_path


class UserPath(click.Path):
    """A path in which `~` is expanded, whether or not the shell did that: not after `=`, nor in quotes."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Expand `~`, then convert as `click.Path`."""
        return super().convert(user_path(value), param, ctx)
