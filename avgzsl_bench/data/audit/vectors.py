"""Vectors: are they numbers, of the feature set they seem to be, and different for different videos?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.audit.finding import Check, Finding, Severity, some
from avgzsl_bench.data.audit.survey import Survey, Vectors
from avgzsl_bench.data.feature_sets import PUBLISHED

NEAR = Check(
    "near-duplicate",
    Severity.WARNING,
    "a video that is scored is, to a method, one that was trained on: S is flattered, or a label is wrong",
    "look at the two videos; remove one if they are the same",
)
_NOT_FINITE = Check(
    "not-finite",
    Severity.ERROR,
    "losses become NaN; 'data import' refuses the tree (a clip without decodable frames averages to NaN)",
    "leave the clips out of both modalities, or extract them again",
)
_ZERO = Check(
    "zero-vector",
    Severity.WARNING,
    "the clips say nothing in this modality and cannot be told from each other",
    "look at the clips; extract them again if they are not silent or black",
)
_DEAD_DIMENSION = Check(
    "constant-dimension",
    Severity.WARNING,
    "the dimensions carry nothing; many of them betray a damaged or padded feature set",
    "compare with another copy of the archive",
)
_UNKNOWN_SET = Check(
    "unknown-feature-set",
    Severity.ERROR,
    "'data import' does not know them, and no published figure is of such features",
    "check that audio and visual are of one archive; 'avbench data import' names the widths that it knows",
)
_RANGE = Check(
    "value-range",
    Severity.WARNING,
    "these are other features than their widths say, or scaled ones: figures do not compare",
    "compare with the published archive; nothing is rescaled by avbench unless a method's setting says so",
)
_SWAPPED = Check(
    "folder-name",
    Severity.WARNING,
    "avbench goes by widths, and so by what is there; code that goes by folder names takes one feature set for "
    "another (a published splitting script swaps the two for UCF)",
    "rename the folder",
)
_PRETRAINED = Check(
    "pre-training",
    Severity.NOTE,
    "SeLaVi was pre-trained on VGGSound, videos of unseen classes among them (without labels): U and ZSL are not "
    "of classes that the features never saw",
    "prefer C3D/VGGish or CLIP/CLAP features on VGGSound, and say which were used",
)

_CLOSE = 0.02
"""Near: a distance below this share of the root mean square distance between two videos."""
_UNIT = 0.02
"""Lengths of vectors that pass for 1: half precision was used for some."""


def check_vectors(survey: Survey) -> Iterator[Finding]:
    """Findings about the numbers."""
    for modality, vectors in survey.vectors.items():
        yield from _check_numbers(survey, modality, vectors)
    if not survey.simulated:
        yield from _check_set(survey)
    yield from _check_near(survey)


def _check_numbers(survey: Survey, modality: str, vectors: Vectors) -> Iterator[Finding]:
    broken = sorted({vectors.video_id[i] for i in np.flatnonzero(~vectors.finite)})
    if broken:
        yield _NOT_FINITE.found(modality, f"{len(broken)} videos hold a value that is not finite: {some(broken)}")
    zero = sorted({vectors.video_id[i] for i in np.flatnonzero(vectors.finite & (vectors.norm == 0))})
    if zero:
        yield _ZERO.found(modality, f"{len(zero)} videos are all zero: {some(zero)}")
    constant = np.flatnonzero(vectors.low == vectors.high)
    if len(constant) and np.count_nonzero(vectors.finite) > 1:
        zeros = int((vectors.high[constant] == 0).sum())
        text = f"{len(constant)} of {vectors.width} dimensions never change, {zeros} of them are always zero"
        yield _DEAD_DIMENSION.found(modality, f"{text}: {some([str(d) for d in constant])}")


def _check_set(survey: Survey) -> Iterator[Finding]:
    if len(survey.vectors) < 2:
        return
    audio, visual = survey.vectors["audio"], survey.vectors["visual"]
    features = survey.features
    if features is None:
        known = ", ".join(f"{f.audio}/{f.visual} ({f.name})" for f in PUBLISHED)
        if survey.kind != "store":
            yield _UNKNOWN_SET.found("audio and visual", f"widths {audio.width}/{visual.width}; known: {known}")
        return
    if features.name.startswith("c3d_vggish"):
        for name, v, lowest, highest in (
            ("audio", audio, 0.0, 255.0),
            ("visual", visual, 0.0, np.inf),
        ):
            if v.low.min() < lowest or v.high.max() > highest:
                wanted = "VGGish codes are 0 to 255" if name == "audio" else "C3D's are not negative"
                yield _RANGE.found(name, f"values from {v.low.min():.4g} to {v.high.max():.4g}; {wanted}")
        if audio.high.max() <= 1 and audio.finite.any():
            yield _RANGE.found("audio", f"values up to {audio.high.max():.4g}; VGGish codes are 0 to 255")
    for name, v in survey.vectors.items():
        sound = v.norm[v.finite & (v.norm > 0)]
        if not len(sound):
            continue
        off = int((np.abs(sound - 1) > _UNIT).sum())
        if features.name == "clip_clap" and off:
            yield _RANGE.found(
                name, f"{off} of {len(sound)} vectors have not length 1 ({sound.min():.4g} to {sound.max():.4g})"
            )
        if features.name != "clip_clap" and not off:
            yield _RANGE.found(name, f"all vectors have length 1; those of {features.name} were not normalised")
    set_name = "main" if features.name.startswith("selavi") else "cls"
    if survey.split and survey.split != set_name:
        text = f"{survey.folder} holds {features.name} (widths {audio.width}/{visual.width})"
        yield _SWAPPED.found(survey.folder, text)
    if survey.dataset.name == "vggsound" and set_name == "main":
        yield _PRETRAINED.found(features.name, f"widths {audio.width}/{visual.width}")


def _check_near(survey: Survey) -> Iterator[Finding]:
    """Scored videos that are, in both modalities, almost the same as a training video of another id."""
    if len(survey.vectors) < 2:
        return
    from scipy.spatial import cKDTree

    sketch, mask, ids = _joint(survey)
    for stage, training in (("stage1", "stage1_train"), ("stage2", "stage2_train")):
        trained = np.flatnonzero(mask[training])
        scored = np.flatnonzero(
            np.any([m for p, m in mask.items() if p.startswith(stage) and p != training], axis=0)
        )
        scored = np.setdiff1d(scored, trained)
        if not len(trained) or not len(scored):
            continue
        unique, first = np.unique(sketch[trained], axis=0, return_index=True)
        distance, nearest = cKDTree(unique).query(sketch[scored], distance_upper_bound=_CLOSE)
        near = np.flatnonzero(np.isfinite(distance))
        if len(near):
            pairs = [f"{ids[scored[i]]} and {ids[trained[first[nearest[i]]]]}" for i in near]
            yield NEAR.found(
                f"{training} and what is scored",
                f"{len(near)} scored videos are as a training video: {some(pairs, 3)}",
            )


def _joint(survey: Survey) -> tuple[NDArray[np.float32], dict[str, NDArray[np.bool_]], list[str]]:
    """Sketches of both modalities side by side, in units of their usual distances, each video once."""
    first: list[dict[str, int]] = []
    for vectors in survey.vectors.values():
        sound = np.flatnonzero(vectors.finite & (vectors.norm > 0))
        places: dict[str, int] = {}
        for i in sound:
            places.setdefault(vectors.video_id[i], int(i))
        first.append(places)
    ids = sorted(first[0].keys() & first[1].keys())
    parts = []
    for places, vectors in zip(first, survey.vectors.values(), strict=True):
        rows = vectors.sketch[[places[i] for i in ids]]
        spread = float(np.sqrt(2 * rows.var(axis=0, dtype=np.float64).sum())) if len(ids) else 1.0
        parts.append(rows / (spread or 1.0))
    audio = next(iter(survey.vectors.values()))
    position = {video: k for k, video in enumerate(ids)}
    mask = {}
    for partition in (
        "stage1_train",
        "stage1_val_seen",
        "stage1_val_unseen",
        "stage2_test_seen",
        "stage2_test_unseen",
    ):
        mask[partition] = np.zeros(len(ids), bool)
        mask[partition][[position[i] for i in audio.ids(partition) if i in position]] = True
    mask["stage2_train"] = np.any([m for p, m in mask.items() if p.startswith("stage1")], axis=0)
    mask["stage2_train"][[position[i] for i in audio.ids("stage2_train") if i in position]] = True
    return np.concatenate(parts, axis=1), mask, ids
