"""What a method sees: videos without labels, training samples, classes, and the task they make up.

A `Benchmark` is two `Task`s, one per stage (protocol, section 1). A method learns from `Task.classes` and
`Task.train` and scores `Task.videos`. Only the protocol reads their labels, `Task.truth` and `Task.ground_truth`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from avgzsl_bench.gzsl.decisions import GroundTruth
    from avgzsl_bench.gzsl.sequences import Sequences

ALIGNED = 64
"""Blocks of videos are multiples of this: whole vectors of any processor, several at a time."""


def rows(values: Tensor, index: Tensor | slice) -> Tensor:
    """Select the rows at `index` (int64 of any shape, not negative, or a slice): `[*index.shape, ...]`.

    As `values[index]`, which takes five times as long on the CPU.
    """
    if isinstance(index, slice):
        return values[index]
    return values.index_select(0, index.flatten()).view(*index.shape, *values.shape[1:])


@dataclass(frozen=True)
class FeatureDims:
    """The widths of a feature set: audio, visual and each text encoder's vector.

    Attributes:
        audio, visual: widths of a vector, or of a step.
        text: width of each text encoder's vectors, added texts that the method reads included.
        sequences: true where videos come with their steps.
    """

    audio: int
    visual: int
    text: Mapping[str, int]
    sequences: bool = False

    @property
    def text_width(self) -> int:
        """Width of a class embedding, all text encoders side by side."""
        return sum(self.text.values())

    def joint_fault(self, joint: Mapping[str, str]) -> str | None:
        """Describe the first modality that shares no space with its text encoder; None if each does.

        They share one if there is a text encoder of that name with vectors of the modality's width.

        Args:
            joint: name of a text encoder by modality, `audio` or `visual`.
        """
        widths = {"audio": self.audio, "visual": self.visual}
        for modality, encoder in joint.items():
            if self.text.get(encoder) != widths[modality]:
                have = ", ".join(f"{name} {width}" for name, width in self.text.items())
                return f"no text encoder {encoder!r} of the {modality} width {widths[modality]} (have: {have})"
        return None


@dataclass(frozen=True, repr=False)
class Videos:
    """Videos without labels or names, in an order that reveals nothing about their classes.

    Attributes:
        audio, visual: float32 `[N, Da]` and `[N, Dv]`; means over time where the features are sequences.
        audio_steps, visual_steps: the sequences themselves, for a method that reads them
            (`Needs.sequences`) and where the features have them; else None.
    """

    audio: Tensor
    visual: Tensor
    audio_steps: Sequences | None = None
    visual_steps: Sequences | None = None

    def __repr__(self) -> str:
        return f"Videos({len(self):,} videos: {self._described})"

    @property
    def _described(self) -> str:
        steps = "" if self.audio_steps is None else ", with steps"
        return f"audio {self.audio.shape[-1]}, visual {self.visual.shape[-1]}{steps}, {self.audio.device}"

    def __len__(self) -> int:
        return self.audio.shape[0]

    def take(self, index: Tensor | slice, longest: tuple[int, int] | None = None) -> Videos:
        """Select the videos at `index` (int64 `[M]` on the same device, or a slice).

        Args:
            longest: audio and visual steps to pad them to; None: the most that any of them has.
        """
        audio_longest, visual_longest = longest or (None, None)
        return Videos(
            rows(self.audio, index),
            rows(self.visual, index),
            None if self.audio_steps is None else self.audio_steps.take(index, audio_longest),
            None if self.visual_steps is None else self.visual_steps.take(index, visual_longest),
        )

    def apart(self, index: Tensor) -> Videos:
        """Copy the videos at `index` (int64 `[M]`) into storages of their own, which hold no other video."""
        taken = self.take(index)
        return Videos(
            taken.audio,
            taken.visual,
            None if taken.audio_steps is None else taken.audio_steps.apart(),
            None if taken.visual_steps is None else taken.visual_steps.apart(),
        )

    def blocks(self, size: int) -> Iterator[tuple[int, Videos]]:
        """Split into blocks of one and the same number of videos, at most `size`; yields each with its offset.

        What is computed of a video has to have the same bits wherever the video stands. Kernels may compute arrays
        of other lengths in another way, and the ends of arrays that do not fill their vectors. So blocks have a
        multiple of `ALIGNED` videos, as far as `size` allows it; the last is filled up with its last video, and
        sequences are padded to the longest of all videos. Leave out the results beyond the last video.
        """
        if len(self) == 0:
            yield 0, self
            return
        import torch

        fewest = -(-len(self) // size)
        each = min(-(-len(self) // (fewest * ALIGNED)) * ALIGNED, size)
        steps = self.audio_steps, self.visual_steps
        longest = None if steps[0] is None or steps[1] is None else (steps[0].longest, steps[1].longest)
        for start in range(0, len(self), each):
            index: Tensor | slice = slice(start, start + each)
            if start + each > len(self):
                index = torch.arange(start, start + each, device=self.audio.device).clamp_(max=len(self) - 1)
            yield start, self.take(index, longest)

    def mapped(self, function: Callable[[Videos], Tensor], size: int) -> Tensor:
        """Apply a function to `blocks` of at most `size` videos; returns its results as one tensor `[N, ...]`."""
        import torch

        parts = [function(block) for _, block in self.blocks(size)]
        return (parts[0] if len(parts) == 1 else torch.cat(parts))[: len(self)]

    def longest_of(self, index: Tensor) -> list[tuple[int, int] | None]:
        """For each row of `index`, int64 `[R, M]`, the most audio and visual steps of its videos.

        One question to the device for all rows; a row of None where videos are no sequences.
        """
        if self.audio_steps is None or self.visual_steps is None:
            return [None] * len(index)
        import torch

        audio, visual = (steps.length[index].amax(dim=1) for steps in (self.audio_steps, self.visual_steps))
        return [(most_audio, most_visual) for most_audio, most_visual in torch.stack((audio, visual), 1).tolist()]


@dataclass(frozen=True, repr=False)
class Samples:
    """Training videos with their labels.

    Attributes:
        videos: the videos, `N` of them.
        label: int64 `[N]`, positions in the task's **seen** classes (`Classes.seen_classes`), `0..C-1`.
    """

    videos: Videos
    label: Tensor

    def __repr__(self) -> str:
        return f"Samples({len(self):,} videos with labels: {self.videos._described})"

    def __len__(self) -> int:
        return len(self.videos)


@dataclass(frozen=True, repr=False)
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

    def __repr__(self) -> str:
        widths = ", ".join(f"{encoder} {vectors.shape[-1]}" for encoder, vectors in self.text.items())
        return f"Classes({self.roles}: text {widths}, {self.seen.device})"

    @property
    def roles(self) -> str:
        """How many classes have which role, in words."""
        seen = int(self.seen.sum())
        return f"{seen} seen + {len(self) - seen} unseen classes"

    def __len__(self) -> int:
        return len(self.names)

    def embedding(self) -> Tensor:
        """All text encoders' vectors side by side: float32 `[K, sum of Dw]`."""
        import torch

        return torch.cat(list(self.text.values()), dim=1)

    def take(self, index: Tensor) -> Classes:
        """Select the classes at `index` (int64 `[M]`), in that order."""
        return Classes(
            names=tuple(self.names[i] for i in index.tolist()),
            text={encoder: vectors[index] for encoder, vectors in self.text.items()},
            seen=self.seen[index],
        )

    def seen_classes(self) -> Classes:
        """Select the seen classes, in the order that training labels refer to."""
        return self.take(self.seen.nonzero().squeeze(1))


@dataclass(frozen=True, repr=False)
class Truth:
    """What a method must not see: the labels and names of the videos to be scored.

    Attributes:
        label: int64 `[N]`, positions in `Task.classes`, in the order of `Task.videos`.
        row: int64 `[N]`, the row of each video in the dataset's store, in the order of `Task.videos`.
        video_id: `N` ids in the order of `Task.videos`; None for videos that have none.
    """

    label: np.ndarray
    row: np.ndarray
    video_id: tuple[str, ...] | None = None

    def __repr__(self) -> str:
        return f"Truth(of {len(self.label):,} videos)"


@dataclass(frozen=True, repr=False)
class Task:
    """One stage: what to learn from, what to score, and the truth that the protocol keeps."""

    classes: Classes
    train: Samples
    videos: Videos
    truth: Truth

    def __repr__(self) -> str:
        videos = f"{len(self.train):,} training + {len(self.videos):,} scored videos"
        return f"Task({self.classes.roles}, {videos}, {self.classes.seen.device})"

    @cached_property
    def ground_truth(self) -> GroundTruth:
        """The truth beside the roles of the classes, as figures are computed from it."""
        import numpy as np

        from avgzsl_bench.gzsl.decisions import GroundTruth

        seen = self.classes.seen.cpu().numpy()
        return GroundTruth(self.truth.label, np.flatnonzero(seen), np.flatnonzero(~seen))
