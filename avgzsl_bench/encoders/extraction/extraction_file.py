"""`extraction.json` beside a store: how its features were extracted, in full."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any

from avgzsl_bench.encoders.extraction.chosen import LoadedEncoder
from avgzsl_bench.encoders.extraction.recipe import Recipe
from avgzsl_bench.encoders.registry import REGISTRY

if TYPE_CHECKING:
    import torch

SCHEMA = 1

_LIBRARIES = ("av", "transformers", "torch", "pillow", "numpy")


def extraction_text(
    recipe: Recipe,
    encoders: Sequence[LoadedEncoder],
    *,
    device: torch.device,
    seconds: Mapping[str, float],
    reasons: Mapping[str, int],
    fingerprint: str,
    like: str | None,
) -> bytes:
    """Write the content of the file.

    Args:
        recipe: how clips and class names became vectors.
        encoders: those that were used.
        device: where they computed.
        seconds: that the work took, by what they were spent on.
        reasons: number of clips left out for each reason.
        fingerprint: of the store.
        like: the published set whose default settings methods use on this one; None: no set's.
    """
    from avgzsl_bench.system.device import device_name

    content = {
        "schema": SCHEMA,
        "recipe": recipe.content,
        "recipe_sha256": recipe.sha256,
        "encoders": [_encoder(part) for part in encoders],
        "libraries": {**{name: _version(name) for name in _LIBRARIES}, "ffmpeg": _ffmpeg()},
        "python": platform.python_version(),
        "device": device_name(device),
        "seconds": {name: round(value, 3) for name, value in seconds.items()},
        "left_out": dict(reasons),
        "like": like,
        "fingerprint": fingerprint,
    }
    return f"{json.dumps(content, indent=1)}\n".encode()


def _encoder(part: LoadedEncoder) -> dict[str, Any]:
    source = part.spec.weights
    distribution = REGISTRY.gather().owners.get(part.spec.name, "").partition(":")[0]
    return {
        "name": part.spec.name,
        "distribution": distribution,
        "version": _version(distribution),
        "repository": source.repository if source else "",
        "revision": source.revision if source else "",
        "weights": dict(part.hashes),
    }


def _version(distribution: str) -> str | None:
    try:
        return version(distribution)
    except (PackageNotFoundError, ValueError):
        return None


def _ffmpeg() -> dict[str, str]:
    """Give the versions of FFmpeg's libraries that PyAV brings."""
    from av import library_versions

    return {name: ".".join(map(str, numbers)) for name, numbers in library_versions.items()}
