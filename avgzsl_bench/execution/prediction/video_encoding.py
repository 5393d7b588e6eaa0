"""How the videos of a prediction become vectors: as those that the checkpoint was trained on."""

from __future__ import annotations

from typing import Literal

from avgzsl_bench.data.datasets.feature_sets import SIMULATED
from avgzsl_bench.encoders.decoding.frame_choice import FrameChoice
from avgzsl_bench.encoders.decoding.request import ClipRequest
from avgzsl_bench.encoders.extraction.chosen import choose_encoders
from avgzsl_bench.encoders.extraction.clip_encoders import ClipEncoders
from avgzsl_bench.encoders.extraction.recipe_encoders import Load, encoders_of
from avgzsl_bench.encoders.published import published_frames
from avgzsl_bench.errors import CheckpointError, ConfigError
from avgzsl_bench.execution.prediction.trained import Trained

PUBLISHED_ENCODERS = "clip", "wavcaps"
"""Those that the recipe `published` repeats the published extraction with."""

PUBLISHED_SET = "clip_clap"
"""The feature set that the published extraction made."""


def video_encoding(
    trained: Trained, encoders: str | None, recipe: Literal["published"] | None, load: Load
) -> tuple[ClipEncoders, ClipRequest]:
    """Load the encoders of a checkpoint's recipe, or those of the published one.

    Args:
        trained: the checkpoint.
        encoders: names with a comma between them, for the published recipe.
        recipe: `published` for a checkpoint that was trained on the published features, which no recipe was
            recorded for; None: the recipe in the checkpoint.
        load: loads an encoder.

    Returns:
        The encoders, and what is decoded of a video.

    Raises:
        CheckpointError: it was trained on features that no video here can be given.
        AvbenchError: encoders that are not installed, or not those of the recipe.
    """
    part, data = trained.part, trained.run.data
    if recipe is not None:
        _require_published(trained, encoders)
        visual, audio = choose_encoders(encoders or "")
        found = ClipEncoders(load(visual), load(audio))
        return found, found.request(FrameChoice(None), published_frames(data.dataset))
    if encoders is not None:
        raise ConfigError(
            "--encoders: the checkpoint names its encoders; leave it out, or give --recipe published"
        )
    if part.recipe is not None:
        found, request = encoders_of(part.recipe, data.dataset, load)
        if trained.shape.sequences and not found.sequences:
            raise CheckpointError(f"{trained.source}: made for sequences, and its recipe has one vector per video")
        return found, request
    if data.simulated:
        raise CheckpointError(
            f"{trained.source}: trained on simulated features, which no video has; train it on features of "
            f"'avbench extract', or predict rows of {SIMULATED} features with --dataset"
        )
    hint = (
        f"; --recipe published --encoders {','.join(PUBLISHED_ENCODERS)} encodes videos alike"
        if data.features == PUBLISHED_SET
        else "; train it on features of 'avbench extract', or give vectors with --arrays"
    )
    raise CheckpointError(
        f"{trained.source}: trained on {data.features} features, which were not extracted here, so that it is not "
        f"known how to encode a video{hint}"
    )


def _require_published(trained: Trained, encoders: str | None) -> None:
    """Refuse the published recipe for anything but the published features and its two encoders."""
    if trained.part.recipe is not None or trained.run.data.features != PUBLISHED_SET:
        raise ConfigError(
            f"--recipe published is for checkpoints that were trained on the published {PUBLISHED_SET} features; "
            f"this one was trained on {trained.run.data.features}"
        )
    if {name.strip() for name in (encoders or "").split(",")} != set(PUBLISHED_ENCODERS):
        raise ConfigError(f"--recipe published needs --encoders {','.join(PUBLISHED_ENCODERS)}")
