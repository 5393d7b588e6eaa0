"""Vectors of classes, made of their names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.compare.cosines import unit
from avgzsl_bench.encoders.encoder import Encoder
from avgzsl_bench.encoders.texts.prompts import fill
from avgzsl_bench.errors import PluginError

_PROMPTS_AT_ONCE = 256


def class_texts(encoder: Encoder, names: Sequence[str], templates: Sequence[str]) -> NDArray[np.float32]:
    """Encode class names, each as the mean over templates: float32 `[K, d]`, of unit length.

    Each prompt's vector is brought to unit length, then their mean is, as CLIP's authors do (Radford et al.,
    ICML 2021, section 3.1.4).

    Args:
        names: one per class, at least one.
        templates: at least one, each with one `{}`.

    Raises:
        PluginError: the encoder does not give one vector per prompt, or one without a direction.
    """
    at_once = max(1, _PROMPTS_AT_ONCE // len(templates))
    groups = [names[first : first + at_once] for first in range(0, len(names), at_once)]
    return np.concatenate([_means(encoder, group, templates) for group in groups]).astype(np.float32)


def _means(encoder: Encoder, names: Sequence[str], templates: Sequence[str]) -> NDArray[np.float64]:
    """Encode a few names: float64 `[k, d]`."""
    prompts = [fill(template, name) for name in names for template in templates]
    owner = f"{type(encoder).__name__}.encode_text"
    vectors = np.asarray(encoder.encode_text(prompts), np.float64)
    if vectors.ndim != 2 or len(vectors) != len(prompts):
        raise PluginError(f"{owner} gave an array {vectors.shape} for {len(prompts)} texts")
    _require_directions(vectors, owner)
    means = unit(vectors).reshape(len(names), len(templates), -1).mean(1)
    _require_directions(means, owner)
    return unit(means)


def _require_directions(vectors: NDArray[np.float64], owner: str) -> None:
    if not (np.isfinite(vectors).all() and vectors.any(axis=1).all()):
        raise PluginError(f"{owner} gave a vector of zeros, or one that is not finite")
