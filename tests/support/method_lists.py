"""Registered methods by what they can do, read from their specs and classes."""

from __future__ import annotations

import avgzsl_bench as ab
from avgzsl_bench.data.choose import lacking
from avgzsl_bench.data.simulated.simulated import SIMULATED_DIMS
from avgzsl_bench.method.registry import method_class

ON_SIMULATED = [
    spec.name for spec in ab.list_methods() if lacking(SIMULATED_DIMS, "ucf", "simulated", spec.needs) is None
]
"""Methods that need nothing which simulated features lack."""

NOT_ON_SIMULATED = [spec.name for spec in ab.list_methods() if spec.name not in ON_SIMULATED]

BY_GRADIENT = [
    spec.name
    for spec in ab.list_methods()
    if any(name.endswith("batch_size") for name in method_class(spec).Config.model_fields)
]
"""Methods trained by gradient descent, with the harness's training or their own: they draw batches."""

NOT_BY_GRADIENT = [spec.name for spec in ab.list_methods() if spec.name not in BY_GRADIENT]
