"""The feature table of finished batches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.store.spilled import SpilledArray
from avgzsl_bench.data.store.table import Feature, Ragged
from avgzsl_bench.encoders.clips.clip import Clip, LeftOut, leave_out
from avgzsl_bench.encoders.extraction.batch_files import Batch


@dataclass
class Assembled:
    """What the batches of an extraction give together.

    Attributes:
        clips: those that were taken, in order.
        left_out: those that were not.
        notes: what is odd about clips that were taken.
        seconds: by what they were spent on.
    """

    clips: list[Clip] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)
    notes: list[tuple[Clip, str]] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)
    _audio: _Rows = field(default_factory=lambda: _Rows())
    _visual: _Rows = field(default_factory=lambda: _Rows())

    def features(self, audio_step: float | None, visual_step: float | None) -> tuple[Feature, Feature]:
        """Give the vectors of sound and of frames; there has to be a clip.

        Args:
            audio_step, visual_step: seconds between steps; None: one vector a clip.
        """
        return self._audio.feature(audio_step), self._visual.feature(visual_step)


def assemble(batches: Iterable[tuple[Sequence[Clip], Batch]]) -> Assembled:
    """Put batches together. Their vectors are spilled to disk, so that memory does not grow with their number."""
    found = Assembled()
    for clips, batch in batches:
        for clip, outcome in zip(clips, batch.outcomes, strict=True):
            if outcome.reason:
                found.left_out.append(leave_out(clip, outcome.reason))
                continue
            found.clips.append(clip)
            found.notes += [(clip, note) for note in outcome.notes]
            found._audio.steps.append(outcome.audio_steps)
            found._visual.steps.append(outcome.visual_steps)
        found._audio.append(batch.audio)
        found._visual.append(batch.visual)
        for name, seconds in batch.seconds.items():
            found.seconds[name] = found.seconds.get(name, 0.0) + seconds
    return found


class _Rows:
    """Vectors of one modality, one after another."""

    def __init__(self) -> None:
        self.steps: list[int] = []
        self._rows: SpilledArray | None = None

    def append(self, rows: NDArray[np.float32]) -> None:
        if len(rows):
            self._rows = self._rows or SpilledArray(rows.shape[1])
            self._rows.append(rows)

    def feature(self, step: float | None) -> Feature:
        assert self._rows is not None
        values = self._rows.finished()
        if step is None:
            return values
        return Ragged(values, np.concatenate(([0], np.cumsum(self.steps, dtype=np.int64))), step)
