"""ClipClap-GZSL with anchored scoring: its distances, mixed with those of the raw features and texts.

Ours: what the raw half of HSP-MoE's decision gives to ClipClap-GZSL as it is. To be read beside `clipclap` and
`clipclap_zeroshot` with `epochs = 1` and `scale = none`. Learnt embeddings are not normalised.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from typing_extensions import TypeVar

from avgzsl_baselines.clipclap import ClipClap, ClipClapConfig
from avgzsl_baselines.families.anchored_scoring import AnchoredConfig, AnchoredScoring
from avgzsl_bench import FeatureDims


class ClipClapFarConfig(AnchoredConfig, ClipClapConfig):
    """Settings of ClipClap-GZSL and of anchored scoring."""


AnyFarConfig = TypeVar("AnyFarConfig", bound=ClipClapFarConfig, default=ClipClapFarConfig, covariant=True)


class ClipClapFar(AnchoredScoring[AnyFarConfig], ClipClap[AnyFarConfig]):
    """ClipClap-GZSL, anchored; both modalities with both texts."""

    official_names: ClassVar[Mapping[str, str]] = {}  # the scale of raw distances is in no released checkpoint

    @classmethod
    def check(cls, config: AnyFarConfig, shape: FeatureDims) -> None:  # type: ignore[misc]  # always its own Config
        """Refuse to compare raw features with raw texts where the network reads only a part of them."""
        super().check(config, shape)
        part = next((f"{name}={v}" for name, v in _parts(config).items() if v not in ("both", "all")), None)
        if part and cls.raw_settings(config):
            raise cls.refusal(config, f"{part} leaves a part of them out")


def _parts(config: ClipClapFarConfig) -> dict[str, str]:
    return {"modality": config.modality, "text": config.text}
