"""The picture of a clip: frames are counted while they are decoded, and the chosen ones kept."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.encoders.decoding.damage import picture_loss
from avgzsl_bench.encoders.decoding.decoder import PacketCount
from avgzsl_bench.encoders.decoding.file_arrays import LARGE, FileArrays
from avgzsl_bench.encoders.decoding.frame_choice import step_indices
from avgzsl_bench.encoders.decoding.pixels import check_size, scaled_and_cut, upright
from avgzsl_bench.encoders.decoding.request import ChosenFrames, ClipRequest
from avgzsl_bench.encoders.decoding.survey import PictureSurvey
from avgzsl_bench.encoders.decoding.timeline import Timeline
from avgzsl_bench.encoders.decoding.unusable import UnusableClip
from avgzsl_bench.encoders.encoder import VisualInput


class Pictures:
    """The frames of a clip, given one by one.

    Which are wanted depends on how many there are and when they are shown, and the packets tell that beforehand.
    Where the decoded frames tell otherwise, they are right, and another pass over the file takes the right ones.

    Args:
        survey: of the packets.
        request: what is wanted.
        visual: size of the pictures.

    Raises:
        UnusableClip: the packets promise no frame, or too long a clip.
    """

    def __init__(self, survey: PictureSurvey, request: ClipRequest, visual: VisualInput) -> None:
        self._survey, self._request, self._visual = survey, request, visual
        self.notes: list[str] = []
        self.is_zero_picture = False
        self._choose(survey.timeline)
        self.begin()

    def begin(self) -> None:
        """Begin a pass over the file."""
        self._times: list[int | None] = []
        self._taken: dict[int, NDArray[np.uint8]] = {}

    def add(self, frame: av.VideoFrame) -> None:
        """Count a frame, and keep it if it is wanted.

        Raises:
            UnusableClip: it is too large.
        """
        index = len(self._times)
        self._times.append(frame.pts)
        if index in self._among:
            check_size(frame.width, frame.height)
            picture = upright(frame)
            if self._request.published is not None:
                picture = self._request.published.recolour(picture)
            self._taken[index] = scaled_and_cut(picture, self._visual)

    @property
    def seconds(self) -> Fraction:
        """Length of the clip's picture."""
        return self.timeline.seconds

    @property
    def is_past_end(self) -> bool:
        """Whether all frames of the stretch that is asked for have been given."""
        end, timeline = self._request.last_second, self._survey.timeline
        if end is None or not self._times:
            return False
        shown = self._times[-1]
        if timeline.times is not None and shown is not None:
            return shown * timeline.tick - self._survey.origin >= end
        return len(self._times) > end * (timeline.rate or 0) > 0

    def finish(self, count: PacketCount) -> bool:
        """End a pass; tell whether another is needed.

        Args:
            count: of the packets in this pass.

        Raises:
            UnusableClip: no frame, too few of them, or too long a clip.
        """
        promised = self.timeline
        self._choose(self._survey.decoded(self._times))
        decoded, request = self.timeline.count, self._request
        if request.is_stretch:
            loss = picture_loss(decoded, max(decoded, promised.count), 0, 0)
        else:
            loss = picture_loss(decoded, count.shown, self._survey.packets, self._survey.stated)
        self.notes = loss.notes(accept=request.accept_damaged)
        if promised.varies:
            self.notes.append("variable frame rate")
        return not self._among <= self._taken.keys()

    def frames(self, file: Path | None) -> ChosenFrames:
        """Give the chosen frames, uint8 `[n, cut, cut, 3]`; a black one for one that is not there.

        Args:
            file: for frames that are large together; None: they are kept in memory.

        Raises:
            AvbenchError: the file cannot be written.
        """
        if not self._wanted:
            return np.zeros((1, self._visual.cut, self._visual.cut, 3), np.uint8)
        chosen = [self._taken[index] for index in self._wanted]
        if file is not None and sum(frame.nbytes for frame in chosen) > LARGE:
            return FileArrays.write(file, chosen)
        return np.stack(chosen)

    def _choose(self, whole: Timeline) -> None:
        """Choose among the frames of a file."""
        request, span = self._request, range(whole.count)
        if request.is_stretch:
            span = whole.between(request.first_second, request.last_second, self._survey.origin)
        if not span:
            raise UnusableClip("no frame")
        self.timeline = whole.part(span)
        if self.seconds > request.longest:
            raise UnusableClip(f"too long: {float(self.seconds):.0f} s")
        self._wanted = [span.start + index for index in self._indices()]
        self._among = set(self._wanted)

    def _indices(self) -> list[int]:
        """Choose among the frames of the clip."""
        if self._request.sequences:
            return step_indices(self.timeline)
        if self._request.published is None:
            return self._request.frames.indices(self.timeline)
        count = self.timeline.count
        stated = 0 if self._request.is_stretch else self._survey.stated
        choice = self._request.published.choose(count, stated or count)
        if choice == "none":
            raise UnusableClip(f"no frame: the published recipe takes none of {count}")
        self.is_zero_picture = choice == "blank"
        return [choice] if isinstance(choice, int) else []
