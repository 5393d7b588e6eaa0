"""A group of commands that is helpful about mistakes in typing."""

from __future__ import annotations

import difflib
from typing import Any

import click


class NearMissGroup(click.Group):
    """Names the command that was probably meant, and knows of each usage error which command it is about."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that the first argument names; a usage error if there is none."""
        known = self.list_commands(ctx)
        name = args[0]
        if name not in known and not name.startswith("-"):
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            meant = f"did you mean {near[0]!r}?" if near else f"known: {', '.join(known)}"
            ctx.fail(f"No such command {name!r} ({meant})")
        found, command, rest = super().resolve_command(ctx, args)
        if command is not None and not ctx.resilient_parsing:  # which a shell that completes words asks for
            _refuse_repeated(click.Context(command, parent=ctx, info_name=found), rest)
        return found, command, rest

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command; errors of the option parser, which name no context, are given the command's."""
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            command = self.get_command(ctx, ctx.invoked_subcommand or "")
            if error.ctx is None and command is not None:
                error.ctx = click.Context(command, parent=ctx, info_name=ctx.invoked_subcommand)
            raise


def _refuse_repeated(ctx: click.Context, args: list[str]) -> None:
    """Refuse an option with one value that is given twice: the first value would be dropped silently."""
    try:
        order = ctx.command.make_parser(ctx).parse_args(list(args))[2]
    except click.UsageError:
        return  # the command itself says so
    if any(parameter.is_eager for parameter in order):
        return  # help is asked for
    for option in order:
        if isinstance(option, click.Option) and _has_one_value(option) and order.count(option) > 1:
            name = "/".join([*option.opts[:1], *option.secondary_opts[:1]])
            several = any(f"{name}s" in other.opts for other in ctx.command.params)
            ctx.fail(f"{name} is given twice; give it once" + (f" (for several: {name}s)" if several else ""))


def _has_one_value(option: click.Option) -> bool:
    """Check whether an option would lose a value if it came twice; one that is only switched on would not."""
    return not (option.multiple or option.count or (option.is_flag and not option.secondary_opts))
