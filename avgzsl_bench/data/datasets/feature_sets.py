"""The published feature sets: widths and text encoders of each, and their order of preference."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType

SIMULATED = "simulated"
SEQUENCE_SUFFIX = "_seq"


@dataclass(frozen=True)
class FeatureSet:
    """A feature set as files hold it.

    Attributes:
        name: value of `--features`.
        audio, visual: widths of the vectors.
        text: width of each text encoder's class vectors, in their order.
        audio_seconds, visual_seconds: from one step of a sequence to the next; None for one vector per video.
        simulated: true for features that were not extracted from videos.
    """

    name: str
    audio: int
    visual: int
    text: MappingProxyType[str, int]
    audio_seconds: float | None = None
    visual_seconds: float | None = None
    simulated: bool = False

    @property
    def sequences(self) -> bool:
        """Whether a video is a sequence of vectors."""
        return self.audio_seconds is not None


_WORD2VEC = MappingProxyType({"word2vec": 300})

PUBLISHED: tuple[FeatureSet, ...] = (
    FeatureSet("clip_clap", 1024, 512, MappingProxyType({"clip": 512, "clap": 1024})),
    FeatureSet("c3d_vggish", 128, 4096, _WORD2VEC),
    FeatureSet("selavi", 512, 512, _WORD2VEC),
    FeatureSet("c3d_vggish_seq", 128, 4096, _WORD2VEC, audio_seconds=0.96, visual_seconds=0.64),
    FeatureSet("selavi_seq", 512, 512, _WORD2VEC, audio_seconds=1.0, visual_seconds=1.0),
)
"""In order of preference: `--features auto` takes the first that is installed."""

SIMULATED_ENCODER = "hashed"

ENCODERS = frozenset({SIMULATED_ENCODER}.union(*(f.text for f in PUBLISHED)))
"""Text encoders of the known feature sets."""


def vector_form(feature_set: str) -> str:
    """Give the name of the averaged form of a sequence feature set; any other name unchanged."""
    return feature_set.removesuffix(SEQUENCE_SUFFIX)


def preferred(installed: Iterable[str]) -> list[str]:
    """Sort installed feature sets, best first: the published ones in their order, then others by name."""
    rank = {feature_set.name: i for i, feature_set in enumerate(PUBLISHED)}
    return sorted(installed, key=lambda name: (rank.get(name, len(rank)), name))
