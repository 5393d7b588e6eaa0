"""CLIP zero-shot: cosines of frames with class texts, both encoded by CLIP; nothing is trained.

Radford et al.: "Learning Transferable Visual Models From Natural Language Supervision", ICML 2021.
"""

from __future__ import annotations

from collections.abc import Mapping

from avgzsl_baselines.families.joint_spaces import JointConfig, VisualText
from avgzsl_baselines.families.zero_shot import ZeroShot


class ClipZeroShotConfig(JointConfig):
    """Which texts frames are compared with."""

    visual_text: VisualText = "clip"

    @property
    def joint(self) -> Mapping[str, str]:
        """The text encoder of the visual features."""
        return {"visual": self.visual_text}


class ClipZeroShot(ZeroShot[ClipZeroShotConfig]):
    """Cosines of the visual features."""
