"""Parameter names in checkpoints that the authors of the AVCA benchmark released, and ours for each.

AVCA, TCAF and ClipClap-GZSL come from one group; their published code names the layers of a block alike.
"""

from __future__ import annotations

from collections.abc import Mapping

LINEAR_BLOCK: Mapping[str, str] = {"fc.0": "linear", "fc.1": "norm"}
"""Layers of a `LinearBlock`."""

TWO_LAYER_BLOCK: Mapping[str, str] = {"fc.0": "0.linear", "fc.1": "0.norm", "fc.4": "1.linear", "fc.5": "1.norm"}
"""Layers of a `TwoLayerBlock`; without its hidden layer the second two are not there."""


def released_layers(layers: str) -> dict[str, str]:
    """Name the layers of a transformer in checkpoints, and ours for each; the published have at most eight."""
    return {f"{layers}.{number}": f"transformer.{number}" for number in range(12)}


def released_names(networks: Mapping[str, str], layers: Mapping[str, str]) -> dict[str, str]:
    """Combine the released names of networks, and ours for each, with those of their layers.

    >>> released_names({"W_proj": "text_projection"}, LINEAR_BLOCK)
    {'W_proj.fc.0': 'text_projection.linear', 'W_proj.fc.1': 'text_projection.norm'}
    """
    return {
        f"{network}.{layer}": f"{own_network}.{own_layer}"
        for network, own_network in networks.items()
        for layer, own_layer in layers.items()
    }
