"""The templates that class names are put in, chosen by dataset and by what texts are compared with.

`templates.json` has those that ClipClap-GZSL published, word for word ("a example" is theirs), and ours for all
other names.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import Field

from avgzsl_bench.data.untrusted.json_file import JsonModel
from avgzsl_bench.encoders.texts.prompts import Template
from avgzsl_bench.errors import ConfigError
from avgzsl_bench.plugins.specs import Modality

Recipe = Literal["default", "published"]

_Templates = Annotated[tuple[Template, ...], Field(min_length=1)]

_OTHER = "other"
"""The set for datasets that nobody published templates for, and for words outside any dataset."""

_NAME_ALONE = ("{}",)
"""For sentence encoders, whose texts are compared with no picture and no sound."""


class TemplateSet(JsonModel):
    """Templates for one kind of class names, e.g. actions.

    Attributes:
        visual, audio: for encoders whose texts are compared with pictures, and with sound.
    """

    visual: _Templates
    audio: _Templates


class _File(JsonModel):
    """Content of `templates.json`: the sets by name, and the set of each dataset that has published ones."""

    about: str
    source: str
    datasets: dict[str, str]
    sets: dict[str, TemplateSet]


@lru_cache(maxsize=1)
def _file() -> _File:
    text = files(__package__).joinpath("templates.json").read_text(encoding="utf-8")
    return _File.model_validate_json(text)


def has_published_templates(dataset: str) -> bool:
    """Whether templates were published for a dataset."""
    return dataset in _file().datasets


def templates_for(dataset: str | None, modality: Modality, recipe: Recipe = "default") -> tuple[str, ...]:
    """Choose the templates of an encoder of texts. Each has one `{}`.

    Args:
        dataset: name; None: for words outside any dataset.
        modality: of the encoder, as its spec states it: `visual`, `audio`, or `text` for a sentence encoder.
        recipe: `default` uses published templates where there are some, `published` nothing else.

    Raises:
        ConfigError: recipe `published`, and none were published for the dataset.
    """
    if recipe == "published" and (dataset is None or not has_published_templates(dataset)):
        known = ", ".join(_file().datasets)
        raise ConfigError(
            f"recipe 'published' is for {known}; no templates were published for {dataset or 'other words'}"
        )
    if modality == "text":
        return _NAME_ALONE
    chosen = _file().sets[_file().datasets.get(dataset or "", _OTHER)]
    return chosen.visual if modality == "visual" else chosen.audio
