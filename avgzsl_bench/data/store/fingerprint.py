"""The fingerprint of a feature table: sha256 of its content, wherever and however that is stored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.store.blocks import blocks
from avgzsl_bench.data.store.table import FeatureTable, Ragged


def fingerprint(table: FeatureTable) -> str:
    """Compute the sha256 of a table's names, flags, seconds per step, and type, shape and bytes of each array.

    It does not depend on how or where the content is stored, nor on which layout it came from.
    """
    digest = begin_digest(table)
    for name, values in named_arrays(table).items():
        for _ in digested(digest, name, values):
            pass
    return digest.hexdigest()


def begin_digest(table: FeatureTable) -> hashlib._Hash:
    """Begin a fingerprint with all that is not an array."""
    names = [table.dataset, table.features, bool(table.simulated), list(table.text), table.video_id]
    return hashlib.sha256(json.dumps(names).encode() + b"\n")


def named_arrays(table: FeatureTable) -> dict[str, NDArray[Any]]:
    """Give all arrays of a table in the fingerprint's order, by the names they have there."""
    arrays: dict[str, NDArray[Any]] = {}
    for modality, feature in (("audio", table.audio), ("visual", table.visual)):
        if isinstance(feature, Ragged):
            arrays[f"{modality} offsets"] = feature.offsets
            arrays[f"{modality} seconds"] = np.array([feature.seconds])
        arrays[modality] = feature.values if isinstance(feature, Ragged) else feature
    arrays |= {"label": table.label, "partition": table.partition}
    return arrays | {f"text {encoder}": vectors for encoder, vectors in table.text.items()}


def digested(digest: hashlib._Hash, name: str, values: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Yield the blocks of an array, each once it is in the fingerprint."""
    little = values.dtype.newbyteorder("<")
    digest.update(f"{name} {little.str} {values.shape}\n".encode())
    for block in blocks(values):
        digest.update(np.ascontiguousarray(block, dtype=little).reshape(-1).view(np.uint8).data)
        yield block
