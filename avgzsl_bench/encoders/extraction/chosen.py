"""The encoders of an extraction: one of frames and one of sound, by name; and loading encoders, each once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from avgzsl_bench.encoders.registry import REGISTRY, encoder_class
from avgzsl_bench.encoders.weights.fetching import fetch_weights
from avgzsl_bench.encoders.weights.files import weight_hashes
from avgzsl_bench.encoders.weights.places import find_weights
from avgzsl_bench.errors import ConfigError

if TYPE_CHECKING:
    import torch

    from avgzsl_bench.encoders.encoder import Encoder
    from avgzsl_bench.plugins.specs import EncoderSpec


@dataclass(frozen=True)
class LoadedEncoder:
    """An encoder with its network.

    Attributes:
        spec: as registered.
        encoder: ready to encode.
        folder: of its weights; None: it has none.
        hashes: sha256 of each file of weights, by path below the folder.
    """

    spec: EncoderSpec
    encoder: Encoder
    folder: Path | None
    hashes: Mapping[str, str]


def choose_encoders(names: str) -> tuple[EncoderSpec, EncoderSpec]:
    """Find the encoder of frames and the encoder of sound among two names with a comma between them.

    Raises:
        UnknownNameError: no encoder of that name is registered.
        ConfigError: not one of either.
    """
    specs = [REGISTRY.item(name.strip()) for name in names.split(",")]
    visual = [spec for spec in specs if spec.modality == "visual"]
    audio = [spec for spec in specs if spec.modality == "audio"]
    if len(visual) == len(audio) == 1 and len(specs) == 2:
        return visual[0], audio[0]
    have = ", ".join(f"{spec.name} ({spec.modality})" for spec in specs)
    raise ConfigError(
        f"--encoders {names}: one encoder of frames and one of sound are needed, and these are {have}; "
        "see 'avbench encoders'"
    )


def load_encoder(spec: EncoderSpec, weights: Mapping[str, Path], device: torch.device) -> LoadedEncoder:
    """Load an encoder's network.

    Args:
        spec: as registered.
        weights: folders that the user named, by encoder.
        device: of the network.

    Raises:
        PluginError: a package that it needs is not installed, or its class cannot be used.
        DataError: weights are missing, cut short, or those of another model.
    """
    kind = encoder_class(spec)
    folder = find_weights(spec, weights)
    hashes = weight_hashes(folder, spec.weights) if folder is not None and spec.weights is not None else {}
    return LoadedEncoder(spec, kind(folder, device), folder, hashes)


class EncoderLoader:
    """Loads encoders, each once.

    Args:
        weights: folders that the user named, by encoder.
        device: of the networks.
        fetch: download weights that are not here.
    """

    def __init__(self, weights: Mapping[str, Path], device: torch.device, *, fetch: bool = False) -> None:
        self.device = device
        self._weights = weights
        self._fetch = fetch
        self._loaded: dict[str, LoadedEncoder] = {}

    def __call__(self, spec: EncoderSpec) -> LoadedEncoder:
        """Give an encoder with its network.

        Raises:
            AvbenchError: as `load_encoder`, or its weights cannot be downloaded.
        """
        if spec.name not in self._loaded:
            if self._fetch and spec.name not in self._weights and spec.weights and spec.weights.repository:
                fetch_weights(spec)
            self._loaded[spec.name] = load_encoder(spec, self._weights, self.device)
        return self._loaded[spec.name]

    @property
    def loaded(self) -> list[LoadedEncoder]:
        """The encoders that were loaded so far."""
        return list(self._loaded.values())
