"""Baselines of the benchmark: hook implementations only, so that listing the methods imports no torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avgzsl_bench import MethodSpec, hookimpl

if TYPE_CHECKING:
    from collections.abc import Sequence


@hookimpl
def avbench_methods() -> Sequence[MethodSpec]:
    """Baselines that a paper compares with, and two yardsticks: a closed form and chance."""
    return (
        MethodSpec(
            "clipclap",
            target="avgzsl_baselines.clipclap:ClipClap",
            title="ClipClap-GZSL",
            paper=(
                "Kurzendörfer, Mercea, Koepke, Akata: Audio-Visual Generalized Zero-Shot Learning using "
                "Pre-Trained Large Multi-Modal Models, CVPR Workshops 2024"
            ),
            venue="CVPRW 2024",
            url="https://doi.org/10.1109/CVPRW63382.2024.00269",
            follows="published code",
            defaults="avgzsl_baselines:clipclap.toml",
        ),
        MethodSpec(
            "devise",
            target="avgzsl_baselines.devise:DeViSE",
            title="DeViSE",
            paper=(
                "Frome, Corrado, Shlens, Bengio, Dean, Ranzato, Mikolov: DeViSE: A Deep Visual-Semantic "
                "Embedding Model, NeurIPS 2013"
            ),
            venue="NeurIPS 2013",
            url="https://papers.nips.cc/paper/2013/hash/7cce53cf90577442771720a370c3c723-Abstract.html",
            follows="published code",
            defaults="avgzsl_baselines:devise.toml",
            note="as the AVCA benchmark (Mercea et al., CVPR 2022) adapted it to audio-visual features",
        ),
        MethodSpec(
            "eszsl",
            target="avgzsl_baselines.eszsl:ESZSL",
            title="ESZSL",
            paper=("Romera-Paredes, Torr: An Embarrassingly Simple Approach to Zero-Shot Learning, ICML 2015"),
            venue="ICML 2015",
            url="https://proceedings.mlr.press/v37/romera-paredes15.html",
            follows="reference",
            defaults="avgzsl_baselines:eszsl.toml",
            note="closed form; an epoch is one pair of regularisation strengths",
        ),
        MethodSpec(
            "chance",
            target="avgzsl_baselines.chance:Chance",
            title="Chance",
            follows="reference",
            note="uniform pseudo-random scores that depend on the seed, the video and the class alone",
        ),
    )
