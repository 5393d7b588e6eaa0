"""Checks of values: do they carry information, and do they fit the feature set of these widths?"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from avgzsl_bench.data.audit.finding import Finding, finding, some
from avgzsl_bench.data.audit.survey import Survey, Vectors
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, FeatureSet

_UNIT = 0.02
"""Tolerance of vectors of length 1: half precision was used for some."""
_FAR = 100.0
"""A vector of more than so many times the median length is an outlier; published ones vary by less than ten."""
_OVERFLOWS = 1e18
"""Squares of such lengths overflow in single precision."""
_DURATION = 2.0
"""Audio and visual sequences of a video cover the same time, but for steps that are cut off."""


def check_values(survey: Survey) -> Iterator[Finding]:
    """Check the numbers of each modality by itself, then whether they fit the feature set."""
    for modality, vectors in survey.vectors.items():
        yield from _check_information(modality, vectors)
    for modality, vectors in survey.vectors.items():
        yield from _check_outliers(modality, vectors)
    if survey.simulated or len(survey.vectors) < 2:
        return
    if survey.features in PUBLISHED:
        yield from _check_published(survey, survey.features)
    elif survey.features is None and survey.kind != "store":
        audio, visual = survey.vectors["audio"], survey.vectors["visual"]
        known = ", ".join(f"{f.audio}/{f.visual} ({f.name})" for f in PUBLISHED)
        text = f"widths {audio.width}/{visual.width}; known: {known}"
        yield finding("unknown-feature-set", "audio and visual", text)


def _check_information(modality: str, vectors: Vectors) -> Iterator[Finding]:
    broken = sorted({vectors.video_id[i] for i in np.flatnonzero(~vectors.finite)})
    if broken:
        text = f"{len(broken)} videos hold a value that is not finite: {some(broken)}"
        yield finding("not-finite", modality, text)
    zero = sorted({vectors.video_id[i] for i in np.flatnonzero(vectors.finite & (vectors.norm == 0))})
    if zero:
        yield finding("zero-vector", modality, f"{len(zero)} videos are all zero: {some(zero)}")
    constant = np.flatnonzero(vectors.low == vectors.high)
    if len(constant) and np.count_nonzero(vectors.finite) > 1:
        zeros = int((vectors.high[constant] == 0).sum())
        text = f"{len(constant)} of {vectors.width} dimensions never change, {zeros} of them are always zero"
        yield finding("constant-dimension", modality, f"{text}: {some([str(d) for d in constant])}")


def _check_outliers(modality: str, vectors: Vectors) -> Iterator[Finding]:
    sound = vectors.norm[vectors.finite & (vectors.norm > 0)]
    if not len(sound):
        return
    usual = float(np.median(sound))
    far = sorted({vectors.video_id[i] for i in np.flatnonzero(vectors.norm > min(_FAR * usual, _OVERFLOWS))})
    if far:
        text = f"{len(far)} videos have lengths up to {sound.max():.4g}, the median is {usual:.4g}"
        yield finding("value-range/outlier", modality, f"{text}: {some(far)}")


def _check_published(survey: Survey, features: FeatureSet) -> Iterator[Finding]:
    if features.name.startswith("c3d_vggish"):
        yield from _check_c3d_vggish(survey, features)
    for name, vectors in survey.vectors.items():
        yield from _check_lengths(features, name, vectors)
    if features.sequences:
        yield from _check_durations(survey, features)
    audio, visual = survey.vectors["audio"], survey.vectors["visual"]
    set_name = "main" if features.name.startswith("selavi") else "cls"
    if survey.split and survey.split != set_name:
        text = f"{survey.folder} holds {features.name} (widths {audio.width}/{visual.width})"
        yield finding("folder-name", survey.folder, text)
    if survey.dataset.name == "vggsound" and set_name == "main":
        yield finding("pre-training", features.name, f"widths {audio.width}/{visual.width}")


def _check_c3d_vggish(survey: Survey, features: FeatureSet) -> Iterator[Finding]:
    audio, visual = survey.vectors["audio"], survey.vectors["visual"]
    for name, v, highest in (("audio", audio, 255.0), ("visual", visual, np.inf)):
        if v.low.min() < 0 or v.high.max() > highest:
            wanted = "VGGish codes are 0 to 255" if name == "audio" else "C3D's are not negative"
            yield finding("value-range", name, f"values from {v.low.min():.4g} to {v.high.max():.4g}; {wanted}")
    if audio.finite.any() and audio.high.max() <= 1:
        yield finding("value-range", "audio", f"values up to {audio.high.max():.4g}; VGGish codes are 0 to 255")
    elif features.sequences and not audio.whole:
        yield finding(
            "value-range", "audio", "values with fractions; VGGish codes are whole before they are averaged"
        )


def _check_lengths(features: FeatureSet, name: str, vectors: Vectors) -> Iterator[Finding]:
    """Check lengths: CLIP and CLAP vectors have length 1, steps of no other feature set do."""
    if features.name == "clip_clap":
        sound = vectors.norm[vectors.finite & (vectors.norm > 0)]
        off = int((np.abs(sound - 1) > _UNIT).sum())
        if off:
            text = f"{off} of {len(sound)} vectors do not have length 1 ({sound.min():.4g} to {sound.max():.4g})"
            yield finding("value-range", name, text)
    elif max(abs(length - 1) for length in vectors.step_norm) <= _UNIT:
        what = "steps" if features.sequences else "vectors"
        yield finding(
            "value-range", name, f"all {what} have length 1; those of {features.name} were not normalised"
        )


def _check_durations(survey: Survey, features: FeatureSet) -> Iterator[Finding]:
    audio, visual = survey.vectors["audio"], survey.vectors["visual"]
    audio_steps = dict(zip(audio.video_id, audio.steps.tolist(), strict=True))
    visual_steps = dict(zip(visual.video_id, visual.steps.tolist(), strict=True))
    both = sorted(audio_steps.keys() & visual_steps.keys())
    if not both or not features.audio_seconds or not features.visual_seconds:
        return
    seconds = features.audio_seconds / features.visual_seconds
    ratio = float(np.median([audio_steps[i] / visual_steps[i] for i in both])) * seconds
    if not 1 / _DURATION <= ratio <= _DURATION:
        rates = f"a step each {features.audio_seconds} s of audio and {features.visual_seconds} s of video"
        text = f"audio covers {ratio:.2g} times the time of the visual steps (median; {rates})"
        yield finding("value-range", "audio and visual", text)
