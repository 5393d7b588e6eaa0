"""The methods that are measured by default: those that need nothing which simulated features lack."""

from __future__ import annotations


def simulated_methods() -> list[str]:
    """Names of the registered methods that run on simulated features."""
    from avgzsl_bench import list_methods
    from avgzsl_bench.data.choose import lacking
    from avgzsl_bench.data.simulated.simulated import SIMULATED_DIMS

    specs = list_methods()
    return [spec.name for spec in specs if lacking(SIMULATED_DIMS, "ucf", "simulated", spec.needs) is None]
