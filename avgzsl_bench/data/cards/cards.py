"""Cards of feature sets: how vectors were made, training data of the backbones, and where they are published.

Ours are JSON files beside this module; for those of users' own features see `own`.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Annotated

from pydantic import Field, StringConstraints, field_validator, model_validator

from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, SIMULATED
from avgzsl_bench.data.untrusted.json_file import JsonModel, Name

_Text = Annotated[str, StringConstraints(min_length=1, max_length=1000)]
_Link = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,300}$")]


class _Part(JsonModel):
    @field_validator("*")
    @classmethod
    def _printable(cls, value: object) -> object:
        for text in value if isinstance(value, tuple) else (value,):
            if isinstance(text, str) and not text.isprintable():
                raise ValueError("holds control characters")
        return value


class ModalityCard(_Part):
    """How the vectors of a modality were made.

    Attributes:
        backbone, pretraining: the network, and data and labels for training it.
        rate: duration or number of frames per step, or per vector.
        pooling: how steps become one vector.
        values: range and distribution of the numbers.
    """

    backbone: _Text
    pretraining: _Text
    width: Annotated[int, Field(gt=0)]
    rate: _Text
    pooling: _Text
    values: _Text = "not known"


class TextCard(_Part):
    """How the class vectors of a text encoder were made."""

    encoder: Name
    model: _Text
    width: Annotated[int, Field(gt=0)]
    made: _Text


class Card(_Part):
    """Known facts about a feature set.

    Attributes:
        features, title: its name, and its title in words.
        simulated: true where no video was used.
        overlap: classes of the pre-training that are unseen classes of the benchmark.
        licence: of the vectors.
        layout: of the published files, as `avbench data import` reads it; None where there are none.
        published: addresses where the authors publish them.
        obtain: how to get them, in one sentence.
        cite: papers.
        caveats: what else to know.
    """

    features: Name
    title: _Text
    simulated: bool = False
    audio: ModalityCard
    visual: ModalityCard
    text: Annotated[tuple[TextCard, ...], Field(min_length=1, strict=False)]
    overlap: _Text
    licence: _Text
    layout: Name | None = None
    published: Annotated[tuple[_Link, ...], Field(strict=False)] = ()
    obtain: _Text
    cite: Annotated[tuple[_Text, ...], Field(strict=False)] = ()
    caveats: Annotated[tuple[_Text, ...], Field(strict=False)] = ()

    @model_validator(mode="after")
    def _called_simulated(self) -> Card:
        if self.simulated != (self.features == SIMULATED):
            raise ValueError(f"only {SIMULATED!r} is simulated, and it always is")
        return self


def known_cards() -> list[Card]:
    """Give the cards of the published feature sets, in order of preference, then that of the simulated one."""
    return [card_of(name) for name in (*(f.name for f in PUBLISHED), SIMULATED)]


@lru_cache(maxsize=16)
def card_of(feature_set: str) -> Card:
    """Give the card of a published feature set, or of the simulated one."""
    file = files("avgzsl_bench").joinpath(f"data/cards/{feature_set}.json")
    return Card.model_validate_json(file.read_text(encoding="utf-8"))


def has_card(feature_set: str) -> bool:
    """Check whether a feature set has a card of ours."""
    return feature_set == SIMULATED or any(f.name == feature_set for f in PUBLISHED)
