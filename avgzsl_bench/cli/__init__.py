"""The command line: one thin file a group of commands, imported when the command is called."""

from __future__ import annotations

import errno
import io
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any

import click

from avgzsl_bench.cli.group import NearMissGroup
from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.system.signals import Terminated, raise_on_signal

_COMMANDS = {
    "run": "avgzsl_bench.cli.run:run",
    "sweep": "avgzsl_bench.cli.sweep:sweep",
    "evaluate": "avgzsl_bench.cli.evaluate:evaluate",
    "ablate": "avgzsl_bench.cli.ablate:ablate",
    "leaderboard": "avgzsl_bench.cli.leaderboard:leaderboard",
    "compare": "avgzsl_bench.cli.compare:compare",
    "predictions": "avgzsl_bench.cli.predictions:predictions",
    "methods": "avgzsl_bench.cli.listing:methods",
    "datasets": "avgzsl_bench.cli.listing:datasets",
    "extract": "avgzsl_bench.cli.extract:extract",
    "predict": "avgzsl_bench.cli.predict:predict",
    "encoders": "avgzsl_bench.cli.encoders:encoders",
    "plugins": "avgzsl_bench.cli.listing:plugins",
    "data": "avgzsl_bench.cli.data:data",
    "checkpoint": "avgzsl_bench.cli.checkpoint:checkpoint",
    "verify": "avgzsl_bench.cli.verify:verify",
    "doctor": "avgzsl_bench.cli.doctor:doctor",
}

_NO_ARGUMENTS: Any = getattr(click.exceptions, "NoArgsIsHelpError", ())
"""What click 8.2 and later raise to show the help of a group that is called without a command."""

_OUTPUT_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)


class _LazyGroup(NearMissGroup):
    """Imports a command's module when it is called, and turns what goes wrong into one line and an exit code."""

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
            _say(f"error: {error}")
            ctx.exit(2)
        except KeyboardInterrupt as interruption:
            ctx.exit(_interrupted(interruption))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        **extra: Any,
    ) -> Any:
        if not standalone_mode:
            return super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="replace")
        try:
            with raise_on_signal():
                code = super().main(args, prog_name, complete_var, standalone_mode=False, **extra)
        except _NO_ARGUMENTS as help_text:
            help_text.show()
            code = help_text.exit_code
        except click.ClickException as error:
            _say(f"error: {_usage_error(error)}")
            code = error.exit_code
        except click.Abort as interruption:
            code = _interrupted(interruption.__cause__)
        except OSError as error:
            if error.errno not in _OUTPUT_FAULTS:
                raise
            _drop_output()
            _say(f"error: cannot write the output: {os.strerror(error.errno)}")
            code = 2
        sys.exit(code)


def _say(line: str) -> None:
    click.echo(" ".join(line.split()), err=True)


def _interrupted(interruption: BaseException | None) -> int:
    """Say so, and give the exit code that shells expect."""
    _say("interrupted: nothing half-written was left; the same command starts again or goes on")
    return 128 + (interruption.number if isinstance(interruption, Terminated) else signal.SIGINT)


def _usage_error(error: click.ClickException) -> str:
    message = error.format_message().rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{message}; see '{context.command_path} --help'" if context else message


def _drop_output() -> None:
    """Let the interpreter flush what could not be written to where it does no harm."""
    with suppress(OSError, ValueError):
        sink = os.open(os.devnull, os.O_WRONLY)
        os.dup2(sink, sys.stdout.fileno())
        os.close(sink)


@click.group(
    "avbench", cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}
)
@click.version_option(package_name="avgzsl-bench", prog_name="avbench")
def main() -> None:
    """Benchmark toolkit for audio-visual generalized zero-shot learning.

    Try:  avbench run --method mft --dataset ucf,  then:  avbench leaderboard
    """
