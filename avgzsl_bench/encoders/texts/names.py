"""Class names in words, as they are put into templates."""

from __future__ import annotations

from avgzsl_bench.data.datasets.class_names import plain_name
from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.encoders.texts.templates import has_published_templates


def class_words(dataset: Dataset) -> list[str]:
    """Give the name of each class in words, by class id.

    Those of a dataset with published templates are as published; others are taken apart.
    """
    names = [c.clip for c in dataset.classes]
    return names if has_published_templates(dataset.name) else [free_words(name) for name in names]


def free_words(name: str) -> str:
    """Write a name as words: in lower case, with CamelCase and `_` taken apart.

    >>> [free_words(name) for name in ("ApplyEyeMakeup", "air_horn", "HTTPServer", "Rowing a boat", "3D print")]
    ['apply eye makeup', 'air horn', 'http server', 'rowing a boat', '3d print']
    """
    letters = plain_name(name)
    parts = [f" {letter}" if _begins_word(letters, place) else letter for place, letter in enumerate(letters)]
    return " ".join("".join(parts).replace("_", " ").lower().split())


def _begins_word(letters: str, place: int) -> bool:
    """Whether a capital stands after a small letter, or is the last of several before one."""
    before, after = letters[:place][-1:], letters[place + 1 : place + 2]
    return letters[place].isupper() and (before.islower() or (before.isalnum() and after.islower()))
