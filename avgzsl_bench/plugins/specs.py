"""What plugins register: one small class per hook, so that listing plugins reads no file and imports no torch."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Literal, get_args

from avgzsl_bench.system.identifiers import IDENTIFIER_RULE, NAME

Follows = Literal["published code", "paper", "reconstruction", "reference"]
"""What an implementation was written from.

`published code`: the authors' code, to the digit where it can be checked; `paper`: the paper's formulas;
`reconstruction`: no code and not all of the paper was available, gaps were filled and are documented;
`reference`: a baseline for orientation (chance, closed form), not a competitor.
"""

SequenceNeed = Literal["none", "used", "required"]
"""Use of sequences: `none`, means over time are read; `used`, where the features have them; `required`."""


@dataclass(frozen=True)
class Needs:
    """What a method reads of the data; a run without what it requires fails before it starts.

    Attributes:
        text: text encoders that the feature set must have, e.g. `("clip", "clap")`; empty: any will do.
        added_text: text embeddings added to the dataset with `avbench data add-text` that the method reads if
            they are installed, e.g. `("knowledge",)`. No other method sees them.
        sequences: `none`, `used` or `required`.

    Raises:
        ValueError: one name in place of a tuple of names, an invalid name, or another word for `sequences`.
    """

    text: tuple[str, ...] = ()
    added_text: tuple[str, ...] = ()
    sequences: SequenceNeed = "none"

    def __post_init__(self) -> None:
        for key in ("text", "added_text"):
            names = getattr(self, key)
            if isinstance(names, str):
                raise ValueError(f"needs {key}={names!r}: write a tuple of encoders, ({names!r},)")
            for name in names:
                if not NAME.fullmatch(name):
                    raise ValueError(f"needs {key}: {name!r} is not a valid name ({IDENTIFIER_RULE})")
        if self.sequences not in get_args(SequenceNeed):
            raise ValueError(f"needs sequences={self.sequences!r}: use one of {', '.join(get_args(SequenceNeed))}")


@dataclass(frozen=True)
class MethodSpec:
    """A method as its plugin registers it.

    Attributes:
        name: what is typed after `--method`: lower case letters, digits, `_`, `-`.
        target: the `Method` class as `"package.module:Class"`, imported when first used.
        title: the method's name as its paper writes it.
        paper: citation: authors, title, where it appeared.
        venue: short form for tables, e.g. `CVPRW 2024`.
        url: where to read it, e.g. `https://doi.org/...`.
        follows: what the implementation was written from.
        needs: what it cannot do without.
        defaults: data file with the default settings as `"package:file.toml"`, or several, of which later ones
            win; none: the Config's own.
        note: one sentence for the listing, e.g. what a reconstruction rests on.
        parameters: trained parameters with default settings on UCF-GZSL with `clip_clap` features, for the
            listing; none: not stated.

    Raises:
        ValueError: a name, target or `follows` that cannot work.
    """

    name: str
    target: str
    title: str
    paper: str = ""
    venue: str = ""
    url: str = ""
    follows: Follows = field(kw_only=True)
    needs: Needs = field(default_factory=Needs)
    defaults: str | tuple[str, ...] | None = None
    note: str = ""
    parameters: int | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", self.name):
            raise ValueError(f"method name {self.name!r}: use lower case letters, digits, '_' and '-'")
        if not re.fullmatch(r"[\w.]+:[\w.]+", self.target):
            raise ValueError(f"target {self.target!r} of method {self.name!r}: write 'package.module:Class'")
        if self.follows not in get_args(Follows):
            raise ValueError(
                f"method {self.name!r} follows {self.follows!r}: use one of {', '.join(get_args(Follows))}"
            )


@dataclass(frozen=True)
class DatasetSpec:
    """A dataset as a plugin registers it: its data file is `"package:path/file.json"`, see docs/datasets.md."""

    name: str
    resource: str


@dataclass(frozen=True)
class ReaderSpec:
    """A reader of a layout as a plugin registers it: a `FeatureReader` as `"package.module:attribute"`."""

    name: str
    target: str


@dataclass(frozen=True)
class ReportedSpec:
    """A file of reported figures as a plugin registers it.

    Attributes:
        resource: the data file as `"package:path/file.json"`; docs/plugins.md has one. Fields of a figure are
            those of `avgzsl_bench.report.reported.figures.ReportedFigure`, of an ablation those of
            `ReportedAblation`, but `citation` and `read` belong to their source, and `notes` and `protocol` are
            keys.
    """

    name: str
    resource: str


@dataclass(frozen=True)
class AblationSpec:
    """The ablation of a method as a plugin registers it; a method has one.

    Attributes:
        method: name of the method, which may be another plugin's.
        resource: its data file as `"package:path/file.toml"`, see `avgzsl_bench.execution.ablation`.
    """

    method: str
    resource: str

    @property
    def name(self) -> str:
        """Name it is registered under: that of the method."""
        return self.method
