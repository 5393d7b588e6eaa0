"""MFT, the multimodal fusion transformer: hook implementations only, so that listing it imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avgzsl_bench import AblationSpec, hookimpl, method_specs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from avgzsl_bench import MethodSpec


@hookimpl
def avbench_methods() -> Sequence[MethodSpec]:
    """List MFT."""
    return method_specs("avgzsl_mft")


@hookimpl
def avbench_ablations() -> list[AblationSpec]:
    """List the ablation of tables 3, 4 and 5 of the paper."""
    return [AblationSpec("mft", "avgzsl_mft:ablations.toml")]
