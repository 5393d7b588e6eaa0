"""CLAP zero-shot: cosines of sounds with class texts, both encoded by CLAP; nothing is trained.

Elizalde, Deshmukh, Al Ismail, Wang: "CLAP: Learning Audio Concepts From Natural Language Supervision", ICASSP
2023.
"""

from __future__ import annotations

from collections.abc import Mapping

from avgzsl_baselines.families.joint_spaces import AudioText, JointConfig
from avgzsl_baselines.families.zero_shot import ZeroShot


class ClapZeroShotConfig(JointConfig):
    """Which texts sounds are compared with."""

    audio_text: AudioText = "clap"

    @property
    def joint(self) -> Mapping[str, str]:
        """The text encoder of the audio features."""
        return {"audio": self.audio_text}


class ClapZeroShot(ZeroShot[ClapZeroShotConfig]):
    """Cosines of the audio features."""
