"""Check for scored videos with other parts of their recording in training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.audit.finding import Finding, finding, some
from avgzsl_bench.data.audit.survey import Survey, Vectors
from avgzsl_bench.data.datasets.facts import STAGE1_BITS, STAGES
from avgzsl_bench.data.datasets.recordings import UNKNOWN, recordings, shared

_VGGSOUND_SECONDS = 10
"""Duration of a VGGSound clip; its id ends with the second at which it starts."""


def check_recordings(survey: Survey) -> Iterator[Finding]:
    """Check for recordings that training and scored videos share."""
    vectors = next(iter(survey.vectors.values()), None)
    if vectors is None or survey.simulated:
        return
    numbers = recordings(survey.dataset, vectors.video_id)
    unnamed = [vectors.video_id[i] for i in np.flatnonzero(numbers == UNKNOWN)]
    if unnamed:
        text = f"{len(set(unnamed))} ids do not name the recording: {some(sorted(set(unnamed)), 3)}"
        check = "recordings-unknown/no-rule" if survey.dataset.recording is None else "recordings-unknown/ids"
        yield finding(check, survey.dataset.name, text)
    for training, seen, unseen in STAGES:
        trained = vectors.inside(training)
        if training == "stage2_train":
            trained = trained | ((vectors.mask & STAGE1_BITS) != 0)
        for scored, check in ((seen, "shared-recordings/seen"), (unseen, "shared-recordings/unseen")):
            rows = np.flatnonzero(vectors.inside(scored))
            sharing = rows[shared(numbers[rows], numbers[trained])]
            if len(sharing):
                text = f"{len(sharing)} of {len(rows)} videos are of recordings that are also in {training}"
                close = _overlapping(survey, vectors, numbers, sharing, np.flatnonzero(trained))
                text += f"; {close} of them even overlap in time" if close else ""
                yield finding(check, scored, f"{text}, such as {vectors.video_id[sharing[0]]}")
    yield from _last_clips(survey, vectors)


def _overlapping(
    survey: Survey,
    vectors: Vectors,
    numbers: NDArray[np.int64],
    scored: NDArray[np.int64],
    training: NDArray[np.int64],
) -> int:
    """Count VGGSound's scored clips that overlap in time with a training clip of their recording."""
    if survey.dataset.name != "vggsound":
        return 0
    known = training[numbers[training] != UNKNOWN]
    # One line of seconds for all recordings, far apart from each other.
    start = np.array([int(vectors.video_id[i][-6:]) for i in np.concatenate([known, scored])])
    time = start + numbers[np.concatenate([known, scored])] * 10_000_000
    trained, own = np.sort(time[: len(known)]), time[len(known) :]
    at = np.searchsorted(trained, own)
    before = np.abs(own - trained[np.maximum(at - 1, 0)])
    after = np.abs(own - trained[np.minimum(at, len(trained) - 1)])
    return int((np.minimum(before, after) < _VGGSOUND_SECONDS).sum())


def _last_clips(survey: Survey, vectors: Vectors) -> Iterator[Finding]:
    """Check for the 21 clips of UCF's last class that are in no published csv."""
    ids = [i for i in vectors.ids("stage2_test_unseen") if i.startswith("v_WritingOnBoard_g")]
    if survey.dataset.name == "ucf" and len(set(ids)) == 131 and not any(i[16:20] >= "_g23" for i in ids):
        yield finding("ucf-last-clips", "WritingOnBoard", "131 clips, none of groups 23 to 25, which have 21")
