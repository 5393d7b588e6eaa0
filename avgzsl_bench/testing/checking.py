"""How checks fail: with the plugin, the check and the rule that was broken, in one message."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import torch
from torch import Tensor

from avgzsl_bench.errors import AvbenchError

Tried = TypeVar("Tried")


def run_checks(plugin: str, checks: Iterable[Callable[[Tried], None]], trial: Tried) -> None:
    """Run checks in their order, up to the first broken rule.

    Raises:
        AssertionError: a rule is broken; the message names plugin, check and rule.
    """
    for check in checks:
        try:
            check(trial)
        except (AssertionError, AvbenchError) as error:
            raise AssertionError(f"{plugin}: {check.__name__}: {error}") from error


def require(condition: bool, rule: str) -> None:
    """Raise `AssertionError` with the rule unless the condition holds."""
    if not condition:
        raise AssertionError(rule)


def require_close(actual: Tensor, expected: Tensor, rule: str) -> None:
    """Raise `AssertionError` with the rule unless two tensors agree within rounding."""
    try:
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)
    except AssertionError as error:
        raise AssertionError(f"{rule}: {str(error).splitlines()[0]}") from error
