"""From a folder of videos to an installed feature set."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from avgzsl_bench.data.cards.own import card_text
from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.own.installing import install_features, require_free
from avgzsl_bench.data.store.extraction import FILE_NAME
from avgzsl_bench.data.store.fingerprint import fingerprint
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.origin import EXTRACTED
from avgzsl_bench.data.store.spilled import spill_folder
from avgzsl_bench.data.store.table import FeatureTable
from avgzsl_bench.data.store.verify import Finding
from avgzsl_bench.encoders.clips.clip import Clip, ClipList
from avgzsl_bench.encoders.clips.coverage import Coverage, coverage, left_out_csv
from avgzsl_bench.encoders.decoding.frame_choice import FrameChoice, parse_frame_choice
from avgzsl_bench.encoders.decoding.request import ClipRequest
from avgzsl_bench.encoders.extraction.assembled import Assembled, assemble
from avgzsl_bench.encoders.extraction.batches import Progress, batches_of, run_batches
from avgzsl_bench.encoders.extraction.card import extracted_card
from avgzsl_bench.encoders.extraction.chosen import EncoderLoader, LoadedEncoder, choose_encoders
from avgzsl_bench.encoders.extraction.class_vectors import (
    ClassVectors,
    TextSource,
    class_vectors,
    text_sources,
)
from avgzsl_bench.encoders.extraction.clip_encoders import ClipEncoders
from avgzsl_bench.encoders.extraction.clip_work import decode, decoded_clips, room_for_clips
from avgzsl_bench.encoders.extraction.decoding_pool import decoding_pool
from avgzsl_bench.encoders.extraction.encoding import PORTION
from avgzsl_bench.encoders.extraction.extraction_file import extraction_text
from avgzsl_bench.encoders.extraction.found import found_clips
from avgzsl_bench.encoders.extraction.options import ExtractOptions, feature_set_name
from avgzsl_bench.encoders.extraction.recipe import Recipe, recipe_of
from avgzsl_bench.encoders.published import published_frames
from avgzsl_bench.encoders.registry import REGISTRY
from avgzsl_bench.encoders.texts.prompts import read_prompts
from avgzsl_bench.errors import ConfigError, DataError
from avgzsl_bench.plugins.specs import EncoderSpec
from avgzsl_bench.system.device import choose_device
from avgzsl_bench.system.files import nearest_folder, require_writable
from avgzsl_bench.system.locks import writing_alone

if TYPE_CHECKING:
    import torch

LIKE_CLIP_CLAP = "clip_clap"
"""The published set whose settings fit every set with texts of CLIP and of a CLAP model."""


@dataclass(frozen=True)
class Extracted:
    """The installed set.

    Attributes:
        path: of the store.
        features: its name.
        coverage: of the dataset.
        findings: differences from the standard.
        fingerprint: of the store.
    """

    path: Path
    features: str
    coverage: Coverage
    findings: tuple[Finding, ...]
    fingerprint: str


@dataclass(frozen=True)
class _Encoders:
    visual: LoadedEncoder
    audio: LoadedEncoder
    texts: list[ClassVectors]
    used: list[LoadedEncoder]
    device: torch.device


def extract(
    options: ExtractOptions,
    *,
    report: Callable[[Progress], None] = lambda progress: None,
    notify: Callable[[str], None] = lambda line: None,
) -> Extracted:
    """Extract a feature set and install it. What is finished of an interrupted extraction is not done again.

    Args:
        options: what to extract.
        report: called after each batch of clips.
        notify: called with a line if another program has to be waited for.

    Raises:
        AvbenchError: options, files, weights or encoders that cannot be used, too few clips, a full disk.
    """
    visual, audio = choose_encoders(options.encoders)
    _require_fit(options, visual)
    frames = parse_frame_choice(options.frames or visual.frames)
    features = feature_set_name(options, visual, audio)
    sources = text_sources(options.text, (visual, audio))
    target = store_path(options.root, options.dataset, features)
    require_free(target, force=options.force)
    require_writable(options.root)
    found = found_clips(options)
    parts = _load_all(options, found.dataset, visual, audio, sources)
    recipe = _recipe(options, frames, parts)
    workspace = _workspace(options, features, recipe)
    with writing_alone(workspace, notify), spill_folder(nearest_folder(options.root)):
        require_free(target, force=options.force)  # another extraction that was waited for may have made it
        assembled = _encode(options, found.clips, frames, parts, workspace, report)
        covered = coverage(found.dataset, assembled.clips, [*found.left_out, *assembled.left_out])
        _require_enough(options, covered, len(assembled.clips))
        table = _table(features, found, assembled, parts, sequences=options.sequences)
        mark = fingerprint(table)
        beside = _beside(found, assembled, recipe, parts, table, mark)
        findings = install_features(
            target, table, found.dataset, found.dataset_file, beside, force=options.force, report=notify
        )
        shutil.rmtree(workspace, ignore_errors=True)
    return Extracted(target, features, covered, (*found.findings, *findings), mark)


def _require_fit(options: ExtractOptions, visual: EncoderSpec) -> None:
    """Refuse options that the published recipe leaves no room for."""
    if options.recipe != "published":
        return
    if options.frames is not None or options.sequences:
        raise ConfigError(
            "--recipe published has one frame a clip, by a rule of its own: no --frames, no --sequences"
        )
    if visual.name != "clip":
        raise ConfigError(f"--recipe published is for the encoder 'clip', not for {visual.name!r}")
    published_frames(options.dataset)


def _request(options: ExtractOptions, frames: FrameChoice, encoders: ClipEncoders) -> ClipRequest:
    published = published_frames(options.dataset) if options.recipe == "published" else None
    request = encoders.request(frames, published)
    return replace(request, accept_damaged=options.accept_damaged, longest=options.longest)


def _load_all(
    options: ExtractOptions, dataset: Dataset, visual: EncoderSpec, audio: EncoderSpec, sources: list[TextSource]
) -> _Encoders:
    """Load the encoders, and encode the texts of the classes, which takes seconds and shows faults early."""
    load = EncoderLoader(options.weights, choose_device(options.device), fetch=options.fetch)
    prompts = {} if options.prompts is None else read_prompts(options.prompts, REGISTRY.items())
    texts = class_vectors(sources, dataset, options.root, load, prompts, options.recipe)
    of_frames, of_sound = load(visual), load(audio)
    return _Encoders(of_frames, of_sound, texts, load.loaded, load.device)


def _recipe(options: ExtractOptions, frames: FrameChoice, parts: _Encoders) -> Recipe:
    clips = recipe_of(
        options.recipe, str(frames), sequences=options.sequences, visual=parts.visual, audio=parts.audio
    )
    return Recipe({**clips, "texts": {text.name: text.recipe for text in parts.texts}})


def _workspace(options: ExtractOptions, features: str, recipe: Recipe) -> Path:
    """Give the folder of finished batches: another one for all that would make another batch of the same clips."""
    work = [recipe.sha256, options.batch, options.accept_damaged, options.longest]
    mark = hashlib.sha256(json.dumps(work).encode()).hexdigest()[:12]
    return options.root / options.dataset / f".extract-{features}-{mark}"


def _encode(
    options: ExtractOptions,
    clips: Sequence[Clip],
    frames: FrameChoice,
    parts: _Encoders,
    workspace: Path,
    report: Callable[[Progress], None],
) -> Assembled:
    """Decode and encode all clips in batches."""
    encoders = ClipEncoders(parts.visual, parts.audio, options.sequences)
    request = _request(options, frames, encoders)

    def wanted(clip: Clip) -> tuple[Path, ClipRequest]:
        return clip.path, replace(request, start=clip.stretch.start, end=clip.stretch.end)

    batches = batches_of(clips, options.batch)
    pool = decoding_pool(
        decode, workers=options.workers, ahead=PORTION + 2 * options.workers, timeout=options.clip_timeout
    )
    with room_for_clips(workspace) as room, pool as workers:
        done = run_batches(
            batches, workspace, lambda c: decoded_clips(workers, map(wanted, c), room), encoders.encode, report
        )
        return assemble(zip(batches, done, strict=True))


def _require_enough(options: ExtractOptions, covered: Coverage, taken: int) -> None:
    share = covered.covered.share
    if taken and share >= options.min_clips:
        return
    reasons = "; ".join(f"{item.reason}: {item.count:,}" for item in covered.reasons[:3])
    raise DataError(
        f"{covered.covered.videos:,} of {covered.covered.standard:,} standard videos can be used, "
        f"{100 * share:.1f} %, and --min-clips asks for {100 * options.min_clips:.1f} % and at least one"
        + (f" (left out: {reasons})" if reasons else "")
    )


def _table(
    features: str, found: ClipList, assembled: Assembled, parts: _Encoders, *, sequences: bool
) -> FeatureTable:
    audio, visual = assembled.features(*ClipEncoders(parts.visual, parts.audio, sequences).step_seconds)
    return FeatureTable(
        dataset=found.dataset.name,
        features=features,
        simulated=False,
        audio=audio,
        visual=visual,
        label=np.array([clip.label for clip in assembled.clips], np.int64),
        video_id=[clip.video_id for clip in assembled.clips],
        partition=np.array([clip.partition for clip in assembled.clips], np.uint8),
        text={text.name: text.vectors for text in parts.texts},
        source=EXTRACTED,
    )


def _beside(
    found: ClipList, assembled: Assembled, recipe: Recipe, parts: _Encoders, table: FeatureTable, mark: str
) -> dict[str, bytes]:
    """Give the content of the files beside the store."""
    left_out = [*found.left_out, *assembled.left_out]
    like = LIKE_CLIP_CLAP if set(table.text) == {"clip", "clap"} else None
    card = extracted_card(
        table.features,
        recipe,
        parts.visual,
        parts.audio,
        parts.texts,
        widths=(parts.visual.spec.widths["visual"], parts.audio.spec.widths["audio"]),
        left_out=sum(1 for item in left_out if item.video_id),
    )
    return {
        "card.json": card_text(card),
        "left_out.csv": left_out_csv(left_out, assembled.notes).encode(),
        FILE_NAME: extraction_text(
            recipe,
            parts.used,
            device=parts.device,
            seconds=assembled.seconds,
            reasons=Counter(item.reason.partition(":")[0] for item in left_out),
            fingerprint=mark,
            like=like,
        ),
    }
