"""Features and class texts in the space that one pre-trained model gives them, such as CLIP's and CLAP's.

A modality and a text encoder are taken to share a space if the encoder has the agreed name, `clip` for visual and
`clap` for audio features, and its vectors have the modality's width. Settings name the encoders of other sets.
"""

from __future__ import annotations

from typing import Annotated

import torch
from torch import Tensor

from avgzsl_bench import Classes, Field

VisualText = Annotated[str, Field(description="text encoder whose vectors lie in one space with visual features")]
AudioText = Annotated[str, Field(description="text encoder whose vectors lie in one space with audio features")]


def raw_videos(audio: Tensor, visual: Tensor) -> Tensor:
    """Put the features of videos side by side, visual first: `[N, Dv + Da]`."""
    return torch.cat([visual, audio], dim=1)


def raw_classes(classes: Classes, audio_text: str, visual_text: str) -> Tensor:
    """Put the two texts of each class side by side in the same way: `[K, Dv + Da]`."""
    return torch.cat([classes.text[visual_text], classes.text[audio_text]], dim=1)
