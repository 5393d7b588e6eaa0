"""Scores by encoders alone: nothing is trained, and any words can be classes.

    S_m[c] = cosine of the vector of modality m and the vector of class c in the space of m's encoder

The score is that of the one modality, or the mean of both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.compare.cosines import unit
from avgzsl_bench.encoders.decoding.frame_choice import FrameChoice, parse_frame_choice
from avgzsl_bench.encoders.decoding.request import ClipRequest
from avgzsl_bench.encoders.extraction.chosen import EncoderLoader
from avgzsl_bench.encoders.extraction.clip_encoders import ClipEncoders
from avgzsl_bench.encoders.registry import REGISTRY
from avgzsl_bench.encoders.texts.class_texts import class_texts
from avgzsl_bench.encoders.texts.names import free_words
from avgzsl_bench.encoders.texts.templates import templates_for
from avgzsl_bench.encoders.videos.video import EncodedVideo
from avgzsl_bench.errors import ConfigError
from avgzsl_bench.execution.prediction.prediction import Candidates
from avgzsl_bench.plugins.specs import EncoderSpec

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class EncodersOnly:
    """One or two encoders, with classes in the spaces of their texts.

    Attributes:
        encoders: of frames, of sound, or of both.
        request: what is decoded of a video.
        candidates: the classes.
        audio_texts, visual_texts: float64 `[K, D]` of unit length, the vectors of the classes; None: the modality
            is not read.
    """

    encoders: ClipEncoders
    request: ClipRequest
    candidates: Candidates
    audio_texts: NDArray[np.float64] | None
    visual_texts: NDArray[np.float64] | None

    def raw_scores(self, video: EncodedVideo) -> NDArray[np.float64]:
        """Give the cosine with each class, the mean of both modalities: float64 `[K]`."""
        cosines = []
        for vectors, texts in ((video.audio, self.audio_texts), (video.visual, self.visual_texts)):
            if texts is not None:
                assert vectors is not None
                cosines.append(texts @ unit(vectors[0]))
        return np.asarray(np.mean(cosines, axis=0), np.float64)


def by_encoders(
    names: str, classes: Sequence[str], weights: Mapping[str, Path], device: torch.device
) -> EncodersOnly:
    """Load encoders, and encode the names of the classes.

    Args:
        names: an encoder of frames, one of sound, or one of each with a comma between them; each with an encoder
            of texts in its own space.
        classes: names.
        weights: folders that the user named, by encoder.
        device: of the networks.

    Raises:
        UnknownNameError: no encoder of that name is registered.
        ConfigError: two of one modality, or one without texts in its space.
        DataError: weights that cannot be used.
        PluginError: an encoder that cannot be used.
    """
    visual, audio = _chosen(names)
    load = EncoderLoader(weights, device)
    words = [free_words(name) for name in classes]

    def texts(spec: EncoderSpec | None) -> NDArray[np.float64] | None:
        if spec is None:
            return None
        text = REGISTRY.item(spec.text)
        return unit(class_texts(load(text).encoder, words, templates_for(None, text.modality)))

    audio_texts, visual_texts = texts(audio), texts(visual)
    encoders = ClipEncoders(
        visual=None if visual is None else load(visual), audio=None if audio is None else load(audio)
    )
    frames = FrameChoice(None) if visual is None else parse_frame_choice(visual.frames)
    return EncodersOnly(encoders, encoders.request(frames), Candidates(tuple(classes)), audio_texts, visual_texts)


def _chosen(names: str) -> tuple[EncoderSpec | None, EncoderSpec | None]:
    """Find the encoder of frames and that of sound among one or two names."""
    specs = [REGISTRY.item(name.strip()) for name in names.split(",")]
    by_modality = {spec.modality: spec for spec in specs}
    if "text" in by_modality or len(by_modality) < len(specs):
        have = ", ".join(f"{spec.name} ({spec.modality})" for spec in specs)
        raise ConfigError(
            f"--encoders {names}: one encoder of frames, one of sound, or one of each are needed, and these are "
            f"{have}; see 'avbench encoders'"
        )
    for spec in specs:
        if not spec.text:
            usable = ", ".join(s.name for s in REGISTRY.items().values() if s.modality != "text" and s.text)
            raise ConfigError(
                f"--encoders {spec.name}: no encoder of texts has its space, so that it cannot be compared "
                f"with names of classes; encoders that can be used alone are {usable}"
            )
    return by_modality.get("visual"), by_modality.get("audio")
