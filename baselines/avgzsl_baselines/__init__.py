"""Baselines of the benchmark: hook implementations only, so that listing the methods imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avgzsl_bench import hookimpl, method_specs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avgzsl_bench import MethodSpec


@hookimpl
def avbench_methods() -> Sequence[MethodSpec]:
    """List the methods that papers compare with, and two yardsticks: a closed form and chance."""
    return method_specs("avgzsl_baselines")
