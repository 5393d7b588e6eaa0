"""Where features, trained models and raw videos are published, and what is known of the state of each address.

The data are in `published.json`. They were gathered from the projects' own pages and their users' reports.
"""

from __future__ import annotations

import datetime
from functools import cache
from importlib.resources import files
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from avgzsl_bench.data.untrusted.json_file import JsonModel, Name

Link = Annotated[str, StringConstraints(pattern=r"^https?://[!-~]{1,500}$")]
_Text = Annotated[str, StringConstraints(min_length=1, max_length=400)]


class Source(JsonModel):
    """Something that is published at one address.

    Attributes:
        name: argument of `avbench data fetch`.
        kind: features, trained models or raw videos.
        holds: its content, in words.
        datasets: of which datasets.
        features: the feature sets in it, where `kind` is `features`.
        address: a page for people, or a folder.
        download: the archive itself, a zip file; None where there is none to be had without a browser.
        revision: of a repository, as it is known to hold this content.
        licence: as stated there.
        state: what is known of the address.
        since: day of the report that `state` gives, or of the page that links the address; None: no day is known.
    """

    name: Name
    kind: Literal["features", "models", "videos"]
    holds: _Text
    datasets: Annotated[tuple[Name, ...], Field(strict=False)]
    features: Annotated[tuple[Name, ...], Field(strict=False)] = ()
    address: Link
    download: Link | None = None
    revision: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{40}$")] | None = None
    licence: _Text
    state: _Text
    since: Annotated[datetime.date, Field(strict=False)] | None = None

    @property
    def known_state(self) -> str:
        """What is known of the address, after the day since when it is known."""
        return f"{self.since}: {self.state}" if self.since else self.state

    @model_validator(mode="after")
    def _imported(self) -> Source:
        if self.download and not (self.features and self.datasets):
            raise ValueError("what is downloaded is imported, so that features and datasets are needed")
        return self


class Published(JsonModel):
    """Everything that is known to be published."""

    form: Literal["avgzsl-bench published 1"]
    sources: Annotated[tuple[Source, ...], Field(strict=False)]

    @model_validator(mode="after")
    def _distinct(self) -> Published:
        names = [source.name for source in self.sources]
        if len(set(names)) != len(names):
            raise ValueError("two sources have the same name")
        return self


@cache
def published() -> tuple[Source, ...]:
    """Read everything that is known to be published."""
    content = files("avgzsl_bench").joinpath("data/cards/published.json").read_bytes()
    return Published.model_validate_json(content).sources
