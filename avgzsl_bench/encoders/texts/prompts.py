"""Prompts: a template with a class name in it, and a user's file of templates."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, ConfigDict, Field, RootModel, StringConstraints

from avgzsl_bench.data.untrusted.json_file import Name, read_json_model
from avgzsl_bench.errors import UnknownNameError

SLOT = "{}"
"""Where the name stands in a template."""

_FORM = 'write {"clip": ["a photo of {}."]}, with one {} in each'

_LARGEST = 1 << 20
_LONGEST = 300
_MOST = 1_000
"""Bytes of a file of templates, characters of a template, and templates of an encoder."""


def fill(template: str, name: str) -> str:
    """Put a name into a template as it is; braces in the name mean nothing.

    >>> fill("a photo of {}.", "{0.__class__}")
    'a photo of {0.__class__}.'
    """
    return template.replace(SLOT, name, 1)


def _one_slot(template: str) -> str:
    rest = template.replace(SLOT, "", 1)
    if rest == template:
        raise ValueError(f"has no {SLOT}, where the class name is put")
    if "{" in rest or "}" in rest:
        raise ValueError(f"has braces besides one {SLOT}")
    if not template.isprintable():
        raise ValueError("holds control characters")
    return template


Template = Annotated[str, StringConstraints(max_length=_LONGEST), AfterValidator(_one_slot)]

_Templates = Annotated[list[Template], Field(min_length=1, max_length=_MOST)]


class _Prompts(RootModel[Annotated[dict[Name, _Templates], Field(min_length=1)]]):
    """Templates by encoder."""

    model_config = ConfigDict(frozen=True, strict=True)


def read_prompts(path: Path, encoders: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Read a user's templates: JSON, encoder -> list of templates, with one `{}` each.

    Args:
        encoders: names that it may have templates for.

    Raises:
        DataError: unreadable, too large, an empty list, or a template without `{}` or with other braces.
        UnknownNameError: templates for an encoder that is none of them.
    """
    prompts = read_json_model(path, _Prompts, _LARGEST, "file of prompts", _FORM).root
    known = list(encoders)
    for name in prompts:
        if name not in known:
            raise UnknownNameError(f"encoder in {path}", name, known)
    return {name: tuple(templates) for name, templates in prompts.items()}
