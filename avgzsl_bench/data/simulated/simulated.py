"""Simulated features: real class lists and video counts, invented vectors.

They replace real features where none are installed, so that every command can be tried, and they are called
simulated everywhere. The words and character n-grams of a class name are hashed to a vector of `LATENT` numbers,
its meaning; classes with similar names have similar meanings. The text embedding is a nonlinear lift of the
meaning. A video's latent is the meaning of its class, plus an offset of the class that is independent of its name,
plus noise. Each modality keeps some directions of the latent and weakens the others, adds noise of its own, and
passes the result through a fixed random nonlinear map.

The constants were set once, so that learners are far above chance on unseen classes, both modalities together
are better than one, and no method is near 100 %. They must not be tuned in favour of a method; any change here
needs a new `VERSION`.
"""

from __future__ import annotations

import hashlib
import re
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avgzsl_bench.data.datasets.facts import PARTITIONS, Dataset, partition_bit
from avgzsl_bench.data.datasets.feature_sets import SIMULATED, SIMULATED_ENCODER
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.store import StoreHeader, read_header
from avgzsl_bench.data.store.table import FeatureTable
from avgzsl_bench.data.store.writing import write_store
from avgzsl_bench.errors import DataError, InaccessibleError
from avgzsl_bench.gzsl.task import FeatureDims
from avgzsl_bench.system.locks import writing_alone

VERSION = "simulated-1"
"""Source of the store; a store of another version is replaced."""

AUDIO_WIDTH, VISUAL_WIDTH, TEXT_WIDTH, LATENT, HIDDEN = 128, 256, 300, 16, 64

SIMULATED_DIMS = FeatureDims(AUDIO_WIDTH, VISUAL_WIDTH, {SIMULATED_ENCODER: TEXT_WIDTH}, sequences=True)
"""What simulated features offer; sequences are made, not stored."""

CLASS_OFFSET = 0.8
"""Size of the part of a class's centre that is independent of its name, relative to the meaning."""
VIDEO_NOISE = 1.0
"""Spread of a class's videos, shared by both modalities."""
MODALITY_NOISE = {"audio": 0.8, "visual": 0.6}
"""Spread of the noise that each modality adds."""
FEATURE_NOISE = 0.5
"""White noise on the finished vectors."""
WEAKENED = 0.15
"""Weight of the directions that a modality does not keep."""

RESOLUTION = 1024.0
"""Vectors are rounded to multiples of 1/1024, far coarser than the rounding of any machine's arithmetic, so
that the numbers and the fingerprint are the same everywhere."""


def ensure_simulated(root: Path, dataset: Dataset, installed: StoreHeader | None = None) -> StoreHeader:
    """Make the store of a dataset's simulated features unless it is there already.

    Args:
        root: the data folder.
        installed: the store's header, where the caller has read it already.

    Raises:
        AvbenchError: the data folder cannot be written to.
    """
    path = store_path(root, dataset.name, SIMULATED)
    header = installed or _header(path)
    if header is not None and header.source == VERSION:
        return header
    with writing_alone(path, warnings.warn):
        header = _header(path)  # another program may have written it meanwhile
        if header is None or header.source != VERSION:
            write_store(path, simulate(dataset))
            header = read_header(path)
    return header


def _header(path: Path) -> StoreHeader | None:
    """Read the header of a store; None if it is missing or damaged, and so to be replaced.

    Raises:
        InaccessibleError: it is there and cannot be read now.
    """
    try:
        return read_header(path)
    except InaccessibleError:
        raise
    except DataError:
        return None


def simulate(dataset: Dataset) -> FeatureTable:
    """Simulate the features of a dataset, the same on every machine."""
    label, partition = _videos(dataset)
    # The legacy generator's streams are frozen by NumPy's compatibility policy; the new one's are not.
    random = np.random.RandomState(seed_of(f"{VERSION}/{dataset.name}"))
    meaning = meanings(dataset)
    offset = np.stack([_hashed_vector(f"offset/{dataset.name}/{c.listed}") for c in dataset.classes])
    centre = meaning + CLASS_OFFSET * offset
    latent = centre[label] + VIDEO_NOISE * random.standard_normal((len(label), LATENT))
    return FeatureTable(
        dataset=dataset.name,
        features=SIMULATED,
        simulated=True,
        audio=_view("audio", latent, AUDIO_WIDTH, random),
        visual=_view("visual", latent, VISUAL_WIDTH, random),
        label=label,
        video_id=_ids(dataset, label),
        partition=partition,
        text={SIMULATED_ENCODER: lifted("text", meaning, TEXT_WIDTH, 1.0, 2.0**20)},
        source=VERSION,
    )


def _videos(dataset: Dataset) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    """Give class id and partition mask of each video, at the standard counts of all splits together."""
    mask = {p: partition_bit(p) for p in PARTITIONS if p != "stage2_train"}
    mask |= {p: bits | partition_bit("stage2_train") for p, bits in mask.items() if p.startswith("stage1")}
    counts = {p: _counts(dataset, p) for p in mask}
    label = np.concatenate([np.repeat(list(c), list(c.values())) for c in counts.values()])
    partition = np.concatenate([np.full(sum(counts[p].values()), bits) for p, bits in mask.items()])
    order = np.argsort(label, kind="stable")
    return label[order].astype(np.int64), partition[order].astype(np.uint8)


def _counts(dataset: Dataset, partition: str) -> dict[int, int]:
    """Count the videos of each class of a partition in any split, classes ascending."""
    counts: dict[int, int] = {}
    for split in dataset.splits:
        facts = dataset.facts(split)[partition]
        counts |= dict(zip(facts.classes, facts.videos, strict=True))
    return dict(sorted(counts.items()))


def _ids(dataset: Dataset, label: NDArray[np.int64]) -> list[str]:
    first = np.searchsorted(label, label)
    return [f"sim_{c:03d}_{i:05d}" for c, i in zip(label, np.arange(len(label)) - first, strict=True)]


def seed_of(text: str) -> int:
    """Derive a seed from a text."""
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _hashed_vector(text: str) -> NDArray[np.float64]:
    """Derive `LATENT` numbers of unit variance from a text."""
    return np.random.RandomState(seed_of(text)).standard_normal(LATENT)


def meanings(dataset: Dataset) -> NDArray[np.float64]:
    """Compute the meaning of each class's name: float64 `[C, LATENT]`, row = class id."""
    return np.stack([_meaning(c.readable) for c in dataset.classes])


def _meaning(readable: str) -> NDArray[np.float64]:
    """Compute the meaning of a class name: its words, plus character n-grams at half weight; unit variance."""
    words = re.findall(r"[a-z0-9]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", readable).lower())
    grams = {f"<{w}>"[i : i + n] for w in words for n in (3, 4) for i in range(len(w) + 3 - n)}
    whole = np.sum([_hashed_vector(f"word/{w}") for w in sorted(set(words))], axis=0) / np.sqrt(len(words))
    parts = np.sum([_hashed_vector(f"gram/{g}") for g in sorted(grams)], axis=0) / np.sqrt(len(grams))
    vector = whole + 0.5 * parts
    return np.asarray(vector * np.sqrt(LATENT) / np.linalg.norm(vector))


def lifted(
    name: str, meaning: NDArray[np.float64], width: int, norm: float, resolution: float
) -> NDArray[np.float32]:
    """Compute text embeddings `[C, width]` of a norm: a fixed random nonlinear lift of the meanings."""
    lift = np.random.RandomState(seed_of(f"{VERSION}/{name}")).standard_normal((LATENT, width))
    vectors = np.tanh(meaning @ lift / np.sqrt(LATENT))
    return rounded(norm * vectors / np.linalg.norm(vectors, axis=1, keepdims=True), resolution)


def _view(
    modality: str, latent: NDArray[np.float64], width: int, random: np.random.RandomState
) -> NDArray[np.float32]:
    fixed = np.random.RandomState(seed_of(f"{VERSION}/{modality}"))
    weight = np.full(LATENT, WEAKENED)
    weight[slice(0, 10) if modality == "visual" else slice(6, LATENT)] = 1.0
    kept = weight * (latent + MODALITY_NOISE[modality] * random.standard_normal(latent.shape))
    hidden = np.tanh(kept @ fixed.standard_normal((LATENT, HIDDEN)) / np.sqrt(LATENT))
    vectors = hidden @ fixed.standard_normal((HIDDEN, width)) / np.sqrt(HIDDEN)
    return rounded(vectors + FEATURE_NOISE * random.standard_normal(vectors.shape), RESOLUTION)


def rounded(values: NDArray[np.float64], resolution: float) -> NDArray[np.float32]:
    """Round values to the nearest multiple of `1 / resolution`."""
    return (np.round(values * resolution) / resolution).astype(np.float32)
