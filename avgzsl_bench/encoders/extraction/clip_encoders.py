"""The encoders of frames and of sound together: what they want of a clip, and the vectors they give."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.encoders.decoding.frame_choice import FrameChoice
from avgzsl_bench.encoders.decoding.request import ClipInputs, ClipRequest, PublishedPicture
from avgzsl_bench.encoders.extraction.chosen import LoadedEncoder
from avgzsl_bench.encoders.extraction.decoding_pool import Failed
from avgzsl_bench.encoders.extraction.encoding import Encoded, encode_clips
from avgzsl_bench.errors import PluginError

VISUAL_STEP = 1.0
"""Seconds between the frames of a sequence."""


@dataclass(frozen=True)
class ClipEncoders:
    """The encoders that clips are encoded by: one of either modality, or one alone.

    Attributes:
        visual, audio: the encoders; None: the modality is not read, and a clip need not have it.
        sequences: a vector for each step, in place of one for a clip.
    """

    visual: LoadedEncoder | None
    audio: LoadedEncoder | None
    sequences: bool = False

    def request(self, frames: FrameChoice, published: PublishedPicture | None = None) -> ClipRequest:
        """Say what is wanted of a clip.

        Args:
            frames: which frames stand for it.
            published: the frame and colours of the published recipe; None: the default recipe.
        """
        return ClipRequest(
            visual=None if self.visual is None else self.visual.encoder.visual_input,
            audio=None if self.audio is None else self.audio.encoder.audio_input,
            frames=frames,
            sequences=self.sequences,
            published=published,
        )

    @property
    def step_seconds(self) -> tuple[float | None, float | None]:
        """Seconds between the steps of sound, and of frames; None: one vector per clip."""
        wanted = None if self.audio is None else self.audio.encoder.audio_input
        if not self.sequences or wanted is None:
            return None, None
        return wanted.step, VISUAL_STEP

    def encode(self, decoded: Sequence[ClipInputs | Failed]) -> Encoded:
        """Encode a few clips together, and remove the files that hold their frames and sound.

        Raises:
            PluginError: an encoder gives vectors of another width than its spec states.
        """
        visual, audio = (None if part is None else part.encoder for part in (self.visual, self.audio))
        encoded = encode_clips(decoded, visual, audio, sequences=self.sequences)
        for part, vectors in ((self.audio, encoded.audio), (self.visual, encoded.visual)):
            if part is not None:
                _require_width(part, vectors)
        for inputs in decoded:
            if isinstance(inputs, ClipInputs):
                inputs.discard()
        return encoded


def _require_width(part: LoadedEncoder, vectors: NDArray[np.float32]) -> None:
    """Refuse vectors of another width than the spec states, such as those of another model's weights."""
    width = part.spec.widths[part.spec.modality]
    if len(vectors) and vectors.shape[1] != width:
        raise PluginError(
            f"encoder {part.spec.name!r} gave vectors of {vectors.shape[1]} numbers, its spec says {width}"
        )
