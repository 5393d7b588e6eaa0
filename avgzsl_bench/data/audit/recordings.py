"""Check for scored videos with other parts of their recording in training."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.audit.finding import Check, Finding, Severity, some
from avgzsl_bench.data.audit.survey import Survey, Vectors
from avgzsl_bench.data.datasets.facts import partition_bit
from avgzsl_bench.data.datasets.recordings import UNKNOWN, recordings, shared

SHARED_SEEN = Check(
    "shared-recordings",
    Severity.NOTE,
    "seen accuracy is inflated: a method may recognise the recording rather than the class",
    "read S with this in mind; --split cls-disjoint (or main-disjoint) leaves these videos out, if any remain",
)
SHARED_UNSEEN = Check(
    "shared-recordings",
    Severity.NOTE,
    "hardly any: the video is of another class than its recording's other parts",
    "nothing; source-disjoint views leave out videos of seen classes only",
)
_NO_RULE = Check(
    "recordings-unknown",
    Severity.NOTE,
    "none; but it is unknown whether scored videos share their recording with training",
    "use the published ids; source-disjoint views are refused without them",
)
_NO_PATTERN = Check(
    "recordings-unknown",
    Severity.NOTE,
    "none; but it is unknown whether scored videos share their recording with training",
    "keep videos of one recording in one partition; the dataset has no rule that finds the recording by the id",
)
_LAST_CLIPS = Check(
    "ucf-last-clips",
    Severity.NOTE,
    "the unseen class is tested on 131 clips rather than 152, in every published figure",
    "nothing; expect these clips in an extraction of your own, and leave them out",
)

_STAGES = (
    ("stage1_val_seen", "stage1_train", SHARED_SEEN),
    ("stage1_val_unseen", "stage1_train", SHARED_UNSEEN),
    ("stage2_test_seen", "stage2_train", SHARED_SEEN),
    ("stage2_test_unseen", "stage2_train", SHARED_UNSEEN),
)
_STAGE1 = sum(partition_bit(p) for p in ("stage1_train", "stage1_val_seen", "stage1_val_unseen"))
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
        check = _NO_PATTERN if survey.dataset.recording is None else _NO_RULE
        yield check.found(survey.dataset.name, text)
    for scored, training, check in _STAGES:
        inside, trained = vectors.inside(scored), vectors.inside(training)
        if training == "stage2_train":
            trained = trained | ((vectors.mask & _STAGE1) != 0)
        rows = np.flatnonzero(inside)
        sharing = rows[shared(numbers[rows], numbers[trained])]
        if len(sharing):
            text = f"{len(sharing)} of {len(rows)} videos are of recordings that are also in {training}"
            close = _overlapping(survey, vectors, numbers, sharing, np.flatnonzero(trained))
            text += f"; {close} of them even overlap in time" if close else ""
            yield check.found(scored, f"{text}, such as {vectors.video_id[sharing[0]]}")
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
        yield _LAST_CLIPS.found("WritingOnBoard", "131 clips, none of groups 23 to 25, which have 21")
