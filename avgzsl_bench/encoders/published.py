"""The frame of a clip as the published extraction scripts made it, with their faults, for the recipe `published`.

ClipClap-GZSL's scripts hand the network one frame per clip, its channels in the order blue, green, red. The script
for UCF also converts values from 0 to 255 as if they were from 0 to 1, so that its network sees a negative.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from avgzsl_bench.encoders.encoder import VisualInput
from avgzsl_bench.errors import UnknownNameError

if TYPE_CHECKING:
    import numpy as np
    import torch

PublishedFrame = int | Literal["black", "blank", "none"]
"""Index of a frame from 0, or `black`, a frame of zeros that is scaled and recoloured as any other; `blank`, a
picture of zeros after normalisation; `none`, no vector, so that the clip is left out."""


@dataclass(frozen=True)
class PublishedFrames:
    """Choice and colours of the frame of a clip in one dataset.

    Attributes:
        negative: whether the network sees (256 - v) mod 256 for a value v.
        stated: whether the middle is that of the number of frames that the container states, or of those decoded.
        back: frames before the middle.
        single: what is taken of a clip of one frame.
    """

    negative: bool
    stated: bool
    back: int
    single: PublishedFrame

    def choose(self, decoded: int, stated: int) -> PublishedFrame:
        """Choose the frame of a clip by its numbers of decoded and stated frames."""
        frames = stated if self.stated else decoded
        if decoded < 1 or frames < 1:
            return "none"
        if frames == 1:
            return self.single
        index = frames // 2 - self.back
        return index if index < decoded else "black"

    def recolour(self, frame: np.ndarray) -> np.ndarray:
        """Give a frame, uint8 `[h, w, 3]` in RGB and before scaling, the colours that the network saw."""
        turned = frame[..., ::-1]
        return -turned if self.negative else turned.copy()


PUBLISHED = {
    "ucf": PublishedFrames(negative=True, stated=True, back=0, single=0),
    "vggsound": PublishedFrames(negative=False, stated=False, back=1, single="blank"),
    "activitynet": PublishedFrames(negative=False, stated=False, back=1, single="none"),
}
"""By dataset; `tests/encoders/models/test_published_frames.py` has worked numbers."""


def published_frames(dataset: str) -> PublishedFrames:
    """Give the choice of frames for a dataset.

    Raises:
        UnknownNameError: nothing was published for it.
    """
    if dataset not in PUBLISHED:
        raise UnknownNameError("dataset of the published recipe", dataset, PUBLISHED)
    return PUBLISHED[dataset]


def blank_pixels(visual: VisualInput, device: torch.device) -> torch.Tensor:
    """Make the pixels of a `blank` frame: zeros, float32 `[1, 3, cut, cut]`."""
    import torch

    return torch.zeros((1, 3, visual.cut, visual.cut), device=device)
