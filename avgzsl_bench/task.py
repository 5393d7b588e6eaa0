"""What a method sees: videos without labels, training samples, classes, and the task they make up.

A `Benchmark` is two `Task`s, one a stage (protocol, section 1). A method is handed `Task.classes` and
`Task.train` to learn from and `Task.videos` to score. The labels of those videos stay in `Task.truth`, which
only the protocol reads.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import torch
    from torch import Tensor


@dataclass(frozen=True)
class Shape:
    """The widths of a feature set: audio, visual and each text encoder's vector."""

    audio: int
    visual: int
    text: Mapping[str, int]

    @property
    def text_width(self) -> int:
        """Width of a class embedding, all text encoders side by side."""
        return sum(self.text.values())


@dataclass(frozen=True)
class Videos:
    """Videos without labels or names, in an order that says nothing about their classes.

    Attributes:
        audio: float32 `[N, Da]`.
        visual: float32 `[N, Dv]`.
    """

    audio: Tensor
    visual: Tensor

    def __len__(self) -> int:
        return self.audio.shape[0]

    def take(self, index: Tensor | slice) -> Videos:
        """The videos at `index` (int64 `[M]` on the same device, or a slice)."""
        return Videos(self.audio[index], self.visual[index])


@dataclass(frozen=True)
class Samples:
    """Training videos with their labels.

    Attributes:
        videos: the videos, `N` of them.
        label: int64 `[N]`, positions in the task's **seen** classes (`Classes.seen_classes`), `0..C-1`.
    """

    videos: Videos
    label: Tensor

    def __len__(self) -> int:
        return len(self.videos)


@dataclass(frozen=True)
class Classes:
    """Classes of a task in a fixed order, with their text embeddings.

    Attributes:
        names: class names, `K` of them.
        text: float32 `[K, Dw]` by text encoder, in the feature set's own order of encoders.
        seen: bool `[K]`, true for classes of the split's training list, whether or not a partial data set has
            videos of them.
    """

    names: tuple[str, ...]
    text: Mapping[str, Tensor]
    seen: Tensor

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", MappingProxyType(dict(self.text)))

    def __len__(self) -> int:
        return len(self.names)

    def embedding(self) -> Tensor:
        """All text encoders' vectors side by side: float32 `[K, sum of Dw]`."""
        import torch

        return torch.cat(list(self.text.values()), dim=1)

    def take(self, index: Tensor) -> Classes:
        """The classes at `index` (int64 `[M]`), in that order."""
        return Classes(
            names=tuple(self.names[i] for i in index.tolist()),
            text={encoder: vectors[index] for encoder, vectors in self.text.items()},
            seen=self.seen[index],
        )

    def seen_classes(self) -> Classes:
        """The seen classes alone, in the order that training labels refer to."""
        return self.take(self.seen.nonzero().squeeze(1))


@dataclass(frozen=True)
class Truth:
    """What a method must not see: the labels of the videos to be scored.

    Attributes:
        label: int64 `[N]`, positions in `Task.classes`, in the order of `Task.videos`.
        row: int64 `[N]`, the row of each video in the dataset's store, in the order of `Task.videos`.
    """

    label: np.ndarray
    row: np.ndarray


@dataclass(frozen=True)
class Task:
    """One stage: what to learn from, what to score, and the truth that the protocol keeps."""

    classes: Classes
    train: Samples
    videos: Videos
    truth: Truth


@dataclass(frozen=True)
class Benchmark:
    """A dataset with one feature set and one split, ready to run.

    Attributes:
        dataset: dataset name, e.g. `ucf`.
        features: feature set, e.g. `clip_clap`.
        split: class split, `cls` or `main`.
        simulated: true where no video was ever looked at.
        shape: widths of the features and text vectors.
        selection: stage 1, which decides the epoch and the bias.
        final: stage 2, which is scored once.
        counts: videos a partition, after the split's class list was applied.
        fingerprint: sha256 of the store's content.
        split_hash: sha256 of the split's class lists and class order.
        text_order: `by-name`, or `official` for the rows that the published loaders use.
        device: where the tensors live.
    """

    dataset: str
    features: str
    split: str
    simulated: bool
    shape: Shape
    selection: Task
    final: Task
    counts: Mapping[str, int]
    fingerprint: str
    split_hash: str
    text_order: str
    device: torch.device
