"""State of every installed plugin, with datasets, readers, encoders, reported figures, ablations and trackers."""

from __future__ import annotations

from avgzsl_bench.data.datasets import registry as datasets
from avgzsl_bench.data.layouts import readers
from avgzsl_bench.encoders import registry as encoders
from avgzsl_bench.execution import ablation
from avgzsl_bench.execution.trackers import registry as trackers
from avgzsl_bench.plugins.manager import PluginStatus
from avgzsl_bench.plugins.registry import plugin_statuses
from avgzsl_bench.report.reported import figures


def all_plugin_statuses() -> list[PluginStatus]:
    """Read whatever each entry point registers, and give its state."""
    modules = (datasets, readers, encoders, figures, ablation, trackers)
    return plugin_statuses([module.REGISTRY for module in modules])
