"""The card of an extracted feature set, filled from the specs of its encoders."""

from __future__ import annotations

from collections.abc import Sequence

from avgzsl_bench.data.cards.cards import Card, ModalityCard
from avgzsl_bench.encoders.encoder import AudioInput
from avgzsl_bench.encoders.extraction.chosen import LoadedEncoder
from avgzsl_bench.encoders.extraction.class_vectors import ClassVectors
from avgzsl_bench.encoders.extraction.recipe import Recipe


def extracted_card(
    features: str,
    recipe: Recipe,
    visual: LoadedEncoder,
    audio: LoadedEncoder,
    texts: Sequence[ClassVectors],
    *,
    widths: tuple[int, int],
    left_out: int,
) -> Card:
    """Fill a card.

    Args:
        features: name of the set.
        recipe: how it was made.
        visual, audio: the encoders.
        texts: vectors of the classes.
        widths: of the vectors of frames and of sound.
        left_out: number of videos of the lists that are not in it.
    """
    sequences = recipe.content["sequences"]
    of_frames, of_sound = widths
    missing = f"{left_out:,} videos of the lists are left out; left_out.csv beside the store says which and why"
    cites = dict.fromkeys(part.spec.cite for part in (visual, audio) if part.spec.cite)
    return Card(
        features=features,
        title=f"{visual.spec.title} and {audio.spec.title}, extracted",
        audio=_modality(audio, of_sound, _sound_rate(audio.encoder.audio_input, sequences), sequences),
        visual=_modality(visual, of_frames, f"frames: {recipe.content['frames']}", sequences),
        text=tuple(text.card for text in texts),
        overlap=" ".join(f"{part.spec.title}: {part.spec.overlap or 'not known'}." for part in (visual, audio)),
        licence="; ".join(f"{part.spec.title}: {part.spec.licence or 'not stated'}" for part in (visual, audio)),
        obtain="made on this machine from videos with 'avbench extract'",
        cite=tuple(cites),
        caveats=(
            f"made on this machine, not published; recipe {recipe.short}, in full in extraction.json",
            *((missing,) if left_out else ()),
        ),
    )


def _modality(part: LoadedEncoder, width: int, rate: str, sequences: bool) -> ModalityCard:
    unit = part.encoder.unit_length
    mean = "mean of vectors of unit length, brought to unit length" if unit else "mean of vectors"
    return ModalityCard(
        backbone=part.spec.title,
        pretraining=part.spec.pretraining or "not stated",
        width=width,
        rate=rate,
        pooling="none, a vector for each step" if sequences else mean,
        values="of unit length" if unit else "as the network gives them",
    )


def _sound_rate(wanted: AudioInput | None, sequences: bool) -> str:
    assert wanted is not None
    if sequences:
        return f"steps of {wanted.step:g} s at {wanted.rate:,} Hz"
    window = "the whole sound" if wanted.window is None else f"windows of {wanted.window:g} s"
    return f"{window} at {wanted.rate:,} Hz"
