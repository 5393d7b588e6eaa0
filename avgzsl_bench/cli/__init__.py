"""The command line: one thin file a group of commands, imported when the command is called."""

from __future__ import annotations

from importlib import import_module

import click

from avgzsl_bench.errors import AvbenchError

_COMMANDS = {
    "run": "avgzsl_bench.cli.run:run",
    "evaluate": "avgzsl_bench.cli.evaluate:evaluate",
    "leaderboard": "avgzsl_bench.cli.leaderboard:leaderboard",
    "methods": "avgzsl_bench.cli.listing:methods",
    "datasets": "avgzsl_bench.cli.listing:datasets",
    "plugins": "avgzsl_bench.cli.listing:plugins",
    "data": "avgzsl_bench.cli.data:data",
    "checkpoint": "avgzsl_bench.cli.checkpoint:checkpoint",
    "verify": "avgzsl_bench.cli.verify:verify",
    "doctor": "avgzsl_bench.cli.doctor:doctor",
}


class _LazyGroup(click.Group):
    """Imports a command's module when it is called, and turns our errors into one line and exit code 2."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        target = _COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, attribute = target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except AvbenchError as error:
            click.echo(f"error: {' '.join(str(error).split())}", err=True)
            ctx.exit(2)
        except KeyboardInterrupt:
            click.echo("interrupted: nothing half-written was left; the same command starts again", err=True)
            ctx.exit(130)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="avgzsl-bench", prog_name="avbench")
def main() -> None:
    """Benchmark toolkit for audio-visual generalized zero-shot learning.

    Try:  avbench run --method mft --dataset ucf,  then:  avbench leaderboard
    """
