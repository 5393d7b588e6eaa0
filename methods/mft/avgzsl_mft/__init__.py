"""Registers MFT, the multimodal fusion transformer, with avgzsl-bench."""

from __future__ import annotations

from avgzsl_bench import AblationSpec, MethodSpec, hookimpl


@hookimpl
def avbench_methods() -> list[MethodSpec]:
    """MFT."""
    return [
        MethodSpec(
            name="mft",
            target="avgzsl_mft.method:MFT",
            title="MFT",
            paper=(
                "Yang Jing, Li Xiaoyong, Ruan Xiaoli, Li Shaobo, Tang Xianghong, Xu Ji: An Audio-visual "
                "Generalized Zero-Shot Learning Method Based on Multimodal Fusion Transformer, Journal of "
                "Electronics & Information Technology 47(7), 2375-2384, 2025"
            ),
            venue="JEIT 2025",
            url="https://doi.org/10.11999/JEIT241090",
            follows="reconstruction",
            defaults="avgzsl_mft:defaults.toml",
            parameters=12_487_552,
            note=(
                "no program was published: ClipClap-GZSL is the base, the fusion and the two added losses "
                "are rebuilt from the abstract, the tables and a sister method's program"
            ),
        )
    ]


@hookimpl
def avbench_ablations() -> list[AblationSpec]:
    """Tables 3, 4 and 5 of the paper."""
    return [AblationSpec("mft", "avgzsl_mft:ablations.toml")]
