"""Baselines of the benchmark: hook implementations only, so that listing the methods imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avgzsl_bench import AblationSpec, hookimpl, method_specs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avgzsl_bench import MethodSpec


@hookimpl
def avbench_methods() -> Sequence[MethodSpec]:
    """List the methods that papers compare with, and yardsticks: a closed form, rows without training, chance."""
    return method_specs("avgzsl_baselines")


@hookimpl
def avbench_ablations() -> Sequence[AblationSpec]:
    """Name the ablation of HSP-MoE."""
    return [AblationSpec("hsp_moe", "avgzsl_baselines:hsp_moe_ablation.toml")]
