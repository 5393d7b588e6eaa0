"""What is wanted of a clip, and what comes of it. Both can be sent to another process."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Literal, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.encoders.decoding.file_arrays import FileArrays
from avgzsl_bench.encoders.decoding.frame_choice import FrameChoice
from avgzsl_bench.encoders.encoder import AudioInput, VisualInput


class PublishedPicture(Protocol):
    """The picture of a clip in the published recipe, which differs by dataset."""

    def choose(self, decoded: int, stated: int) -> int | Literal["black", "blank", "none"]:
        """Choose a frame by the numbers of decoded and of stated frames.

        Returns:
            Its index; `black` for one that is stated and not there; `blank` for a picture of zeros after
            normalisation; `none` where the clip is left out.
        """

    def recolour(self, frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Give a frame, uint8 `[h, w, 3]` in RGB and before it is scaled, the colours of the recipe."""


LAST_SECOND = 1e9
"""Of any file: more is no time."""

LONGEST = 3600.0
"""Seconds: a longer clip is left out, unless another bound is asked for."""


@dataclass(frozen=True)
class ClipRequest:
    """What is wanted of a clip.

    Attributes:
        visual: size of the frames; None: no frames are wanted, and the file need not have any.
        audio: rate and windows of the sound; None: no sound is wanted, and the file need not have any.
        frames: which frames stand for the clip; without meaning with `sequences` or `published`.
        sequences: frames and sound of the steps of a sequence, in place of those that stand for the clip.
        start, end: of the stretch that is the clip, in seconds from the file's start; None: the file's own.
        published: the published recipe's frame, with 16-bit sound and its middle; None: the default recipe.
        accept_damaged: take clips of which less than 90 % decodes.
        longest: seconds; a longer clip is left out.

    Raises:
        ValueError: neither frames nor sound, an impossible stretch, or sequences of the published recipe.
    """

    visual: VisualInput | None = None
    audio: AudioInput | None = None
    frames: FrameChoice = field(default_factory=lambda: FrameChoice(8))
    sequences: bool = False
    start: float | None = None
    end: float | None = None
    published: PublishedPicture | None = None
    accept_damaged: bool = False
    longest: float = LONGEST

    def __post_init__(self) -> None:
        if self.visual is None and self.audio is None:
            raise ValueError("neither frames nor sound are wanted of the clip")
        if self.sequences and self.published:
            raise ValueError("the published recipe has no sequences")
        if not 0 <= (self.start or 0) < (LAST_SECOND if self.end is None else self.end) <= LAST_SECOND:
            raise ValueError(f"no clip lasts from {self.start} to {self.end} s")

    @property
    def first_second(self) -> Fraction:
        """Beginning of the clip in its file, as its decimal number has it."""
        return Fraction(str(self.start or 0))

    @property
    def last_second(self) -> Fraction | None:
        """End of the stretch; None: that of the file."""
        return None if self.end is None else Fraction(str(self.end))

    @property
    def is_stretch(self) -> bool:
        """Whether the clip is a stretch of its file."""
        return self.start is not None or self.end is not None


ChosenFrames: TypeAlias = NDArray[np.uint8] | FileArrays[np.uint8]
"""Uint8 `[h, w, 3]` each: an array of all of them, or a file where they are large together."""

WindowsOfSound: TypeAlias = tuple[NDArray[np.float32], ...] | FileArrays[np.float32]
"""Float32 `[L]` each, in memory, or in a file where they are large together."""


@dataclass(frozen=True)
class ClipInputs:
    """What encoders are given of a clip.

    Attributes:
        frames: uint8 `[n, cut, cut, 3]` in RGB, or as the published recipe colours them: the chosen ones, or one
            for each step; None: not asked for.
        sound: float32 `[L]` each, mono: windows, the whole sound, or one for each step; None: not asked for.
        is_zero_picture: the frame stands for a picture of zeros after normalisation (published recipe, for a
            clip of one frame).
        frame_count: decoded frames of the clip; 0 where none were asked for.
        seconds: length of the picture, or of the sound where no frames were asked for.
        notes: what is odd about the clip, for the report.
    """

    frames: ChosenFrames | None
    sound: WindowsOfSound | None
    is_zero_picture: bool
    frame_count: int
    seconds: float
    notes: tuple[str, ...]

    def discard(self) -> None:
        """Remove the files of frames and sound, if there are any."""
        for arrays in (self.frames, self.sound):
            if isinstance(arrays, FileArrays):
                arrays.path.unlink(missing_ok=True)
