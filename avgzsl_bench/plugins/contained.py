"""Calling code of plugins, so that it changes neither what other methods compute nor what a command prints."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

from avgzsl_bench.system.process_state import process_state_kept


@contextmanager
def contained() -> Iterator[None]:
    """Run code of a plugin in the block: it prints to standard error, and the state of the process is put back.

    Standard output is for results: that of `--json` is one JSON document.
    """
    with redirect_stdout(sys.stderr), process_state_kept():
        yield
