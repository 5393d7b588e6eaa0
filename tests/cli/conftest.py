"""Commands that must be refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from click.testing import Result


@pytest.fixture
def refused(avbench: Callable[..., Result]) -> Callable[..., str]:
    """Call a command that must end with one line on standard error; give the line."""

    def refused(*arguments: object) -> str:
        result = avbench(*arguments)
        assert result.exit_code == 2, result.output
        assert "Traceback" not in result.output
        (line,) = [line for line in result.stderr.splitlines() if line.strip()]
        return line

    return refused
