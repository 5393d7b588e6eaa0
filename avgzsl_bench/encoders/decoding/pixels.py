"""A decoded frame becomes pixels of the size that an encoder expects, in uint8."""

from __future__ import annotations

import av
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from avgzsl_bench.encoders.decoding.container import LARGEST_SIDE
from avgzsl_bench.encoders.decoding.unusable import UnusableClip
from avgzsl_bench.encoders.encoder import VisualInput

_LONGEST_SHAPE = 32
"""Long side over the short one, above which ends that would be cut away are not scaled first."""


def check_size(width: int, height: int) -> None:
    """Refuse frames that are too large.

    Raises:
        UnusableClip: a side is longer than 8192 pixels.
    """
    if max(width, height) > LARGEST_SIDE:
        raise UnusableClip(f"too large: {width} x {height} pixels")


def upright(frame: av.VideoFrame) -> NDArray[np.uint8]:
    """Turn a frame as its file says: uint8 `[h, w, 3]` in RGB."""
    return np.rot90(frame.to_ndarray(format="rgb24"), round(frame.rotation / 90) % 4)


def scaled_and_cut(frame: NDArray[np.uint8], wanted: VisualInput) -> NDArray[np.uint8]:
    """Scale a frame's short side, the long one in proportion, and cut a square from the middle.

    The long side becomes `int(short_side * long / short)`; the square begins at half of what is left over, rounded
    half to even, as torchvision's transforms have it, which CLIP's authors and ClipClap used.

    Args:
        frame: uint8 `[h, w, 3]`.
        wanted: size, side of the square, and interpolation, which is Pillow's.

    Returns:
        uint8 `[cut, cut, 3]`.
    """
    frame = _middle(frame)
    height, width = frame.shape[:2]
    short = min(height, width)
    height, width = (int(wanted.short_side * side / short) for side in (height, width))
    image = Image.fromarray(np.ascontiguousarray(frame)).resize(
        (width, height), Image.Resampling[wanted.interpolation.upper()]
    )
    top, left = (int(round((side - wanted.cut) / 2)) for side in (height, width))  # noqa: RUF046
    return np.asarray(image.crop((left, top, left + wanted.cut, top + wanted.cut)))


def _middle(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Cut the ends of a frame that is very long, so that scaling it takes no more memory than others do."""
    most = _LONGEST_SHAPE * min(frame.shape[:2])
    top, left = (max(0, (side - most) // 2) for side in frame.shape[:2])
    return frame[top : frame.shape[0] - top, left : frame.shape[1] - left]
