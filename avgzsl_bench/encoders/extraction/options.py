"""What an extraction is asked for."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, SEQUENCE_SUFFIX, SIMULATED
from avgzsl_bench.encoders.decoding.request import LONGEST
from avgzsl_bench.encoders.texts.templates import Recipe
from avgzsl_bench.errors import ConfigError, DataError
from avgzsl_bench.plugins.specs import EncoderSpec
from avgzsl_bench.system.identifiers import require_names

PUBLISHED_SUFFIX = "_published"


def default_workers() -> int:
    """Give the number of worker processes that leaves a core for the networks."""
    return max(1, (os.cpu_count() or 2) - 1)


@dataclass(frozen=True)
class ExtractOptions:
    """What to extract, from where, and how.

    Attributes:
        dataset: name.
        folder: of videos.
        root: the data folder.
        encoders: one of frames and one of sound, with a comma between them.
        features: name of the set; None: by its encoders.
        recipe: `default` or `published`.
        frames: which frames stand for a clip; None: as the encoder of frames has it.
        sequences: a vector for each second, in place of one for a clip.
        text: encoders of texts, or `NAME=FILE`.
        weights: folders of weights by encoder.
        fetch: download weights that are not here.
        prompts: file of templates.
        table, classes, splits, annotations: which file is which video, see `find_clips`.
        workers: processes that decode.
        batch: clips of a batch; a finished one is kept when the extraction is interrupted.
        device: of the networks, see `choose_device`.
        limit: take the first clips only; None: all.
        accept_damaged: take clips of which less than 90 % decodes.
        min_clips: share of the standard videos that has to be there, from 0 to 1.
        longest: seconds; a longer clip is left out.
        clip_timeout: seconds for decoding a clip.
        force: replace a set of this name.
    """

    dataset: str
    folder: Path
    root: Path
    encoders: str
    features: str | None = None
    recipe: Recipe = "default"
    frames: str | None = None
    sequences: bool = False
    text: tuple[str, ...] = ()
    weights: dict[str, Path] = field(default_factory=dict)
    fetch: bool = False
    prompts: Path | None = None
    table: Path | None = None
    classes: Path | None = None
    splits: Path | None = None
    annotations: Path | None = None
    workers: int = field(default_factory=default_workers)
    batch: int = 64
    device: str = "auto"
    limit: int | None = None
    accept_damaged: bool = False
    min_clips: float = 0.5
    longest: float = LONGEST
    clip_timeout: float = 300.0
    force: bool = False


def feature_set_name(options: ExtractOptions, visual: EncoderSpec, audio: EncoderSpec) -> str:
    """Name the feature set, so that a name stands for one recipe.

    Raises:
        ConfigError: an option that changes the recipe, without a name.
        DataError: a name that is not valid, or that of a published set or of simulated features.
    """
    ending = SEQUENCE_SUFFIX if options.sequences else ""
    if options.features is None:
        own_text = {spec.text for spec in (visual, audio) if spec.text}
        changes = {
            "--frames": options.frames not in (None, visual.frames),
            "--prompts": options.prompts is not None,
            "--text": bool(options.text and own_text) and set(options.text) != own_text,
        }
        changed = [name for name, differs in changes.items() if differs]
        if changed:
            raise ConfigError(
                f"{', '.join(changed)}: another recipe than the encoders' own; name it with --features"
            )
        base = f"{visual.name}_{audio.name}" + (PUBLISHED_SUFFIX if options.recipe == "published" else "")
        return base + ending
    name = options.features
    require_names(name)
    if name.endswith(SEQUENCE_SUFFIX):
        raise DataError(f"--features {name}: {SEQUENCE_SUFFIX!r} is added where there are sequences; leave it out")
    if name in (SIMULATED, "auto") or name in {known.name for known in PUBLISHED}:
        raise DataError(f"--features {name}: the name of another feature set; choose another name")
    return name + ending
