"""Features and class texts in the space that one pre-trained model gives them, such as CLIP's and CLAP's.

A modality and a text encoder are taken to share a space if the encoder has the agreed name, `clip` for visual and
`clap` for audio features, and its vectors have the modality's width. Settings name the encoders of other sets.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Annotated

import torch
from torch import Tensor
from typing_extensions import TypeVar

from avgzsl_bench import Classes, Field, Method, MethodConfig

VisualText = Annotated[str, Field(description="text encoder whose vectors lie in one space with visual features")]
AudioText = Annotated[str, Field(description="text encoder whose vectors lie in one space with audio features")]


class JointConfig(MethodConfig):
    """Settings of a method that compares features with texts."""

    @property
    @abstractmethod
    def joint(self) -> Mapping[str, str]:
        """The text encoder that each modality, `visual` or `audio`, is compared with."""


AnyJointConfig = TypeVar("AnyJointConfig", bound=JointConfig, default=JointConfig, covariant=True)


class JointMethod(Method[AnyJointConfig]):
    """A method that compares features with texts."""

    @classmethod
    def joint_text(
        cls,
        config: AnyJointConfig,  # type: ignore[misc]  # always its own Config
        offered: Mapping[str, str],
    ) -> Mapping[str, str]:
        """Name the encoders that the settings name."""
        return {modality: config.joint[modality] for modality in offered}


def raw_videos(audio: Tensor, visual: Tensor) -> Tensor:
    """Put the features of videos side by side, visual first: `[N, Dv + Da]`."""
    return torch.cat([visual, audio], dim=1)


def raw_classes(classes: Classes, audio_text: str, visual_text: str) -> Tensor:
    """Put the two texts of each class side by side in the same way: `[K, Dv + Da]`."""
    return torch.cat([classes.text[visual_text], classes.text[audio_text]], dim=1)
