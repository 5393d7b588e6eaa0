"""ClipClap-GZSL by the data path of its published program: the second way, in words of our own.

As there, each video is fetched by itself, together with one of another class, in nested dictionaries; labels are
looked up one by one; each loss is brought to the host at each step. An evaluation fetches all videos twice, for
the losses and for the embeddings, and tries every bias of the published grid with all distances computed anew.

Batches are put together in either of two ways. `stacked` is PyTorch's default collation of a tensor a sample.
`listed` is what the published program does: a list of NumPy vectors goes to `torch.tensor`, which reads it number
by number. Network, losses and optimiser are ours, so that nothing but the path differs; padding and masks, which
the network does not read, are left out, in favour of the published program.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset, Sampler, default_collate

from avgzsl_baselines.clipclap import ClipClap
from avgzsl_bench import Batch, Classes, Samples, Task, Videos

BIASES = np.linspace(0, 5, 76)
PARTS = ("audio", "video", "text")

Sample = dict[str, dict[str, Any]]
Collate = Callable[[Sequence[Sample]], Sample]


def stacked(samples: Sequence[Sample]) -> Sample:
    """PyTorch's own collation, of one tensor a sample."""
    tensors = [
        {role: one | {part: torch.from_numpy(one[part]) for part in PARTS} for role, one in sample.items()}
        for sample in samples
    ]
    batch: Sample = default_collate(tensors)
    return batch


def listed(samples: Sequence[Sample]) -> Sample:
    """A tensor of a list of vectors, as published."""
    return {
        role: {part: torch.tensor([sample[role][part] for sample in samples]) for part in (*PARTS, "label")}
        for role in ("positive", "negative")
    }


class ContrastedVideos(Dataset[Sample]):
    """Videos one by one, each with one of another class.

    Args:
        videos: `N` videos.
        label: int64 `[N]`, rows of `text`.
        text: float32 `[K, Dw]`.
    """

    def __init__(self, videos: Videos, label: np.ndarray, text: Tensor) -> None:
        self.audio = videos.audio.numpy()
        self.visual = videos.visual.numpy()
        self.text = text.numpy()
        self.label = label
        self.rows_of = {target: np.where(label == target)[0] for target in np.unique(label).tolist()}

    def __len__(self) -> int:
        return len(self.label)

    def __getitem__(self, index: int) -> Sample:
        others = list(set(self.rows_of) - {self.label[index].item()})
        other = np.random.choice(self.rows_of[np.random.choice(others)])  # noqa: NPY002 (as published)
        return {"positive": self._sample(index), "negative": self._sample(other)}

    def _sample(self, index: int) -> dict[str, Any]:
        label = self.label[index].item()
        return {
            "audio": self.audio[index],
            "video": self.visual[index],
            "text": self.text[label],
            "label": label,
        }


class BalancedBatches(Sampler[list[int]]):
    """Lists of positions: for each sample a class, then a video of it."""

    def __init__(self, data: ContrastedVideos, batches: int, batch_size: int) -> None:
        self.data, self.batches, self.batch_size = data, batches, batch_size

    def __len__(self) -> int:
        return self.batches

    def __iter__(self) -> Iterator[list[int]]:
        classes = list(self.data.rows_of)
        for _ in range(self.batches):
            chosen = np.random.choice(classes, self.batch_size)  # noqa: NPY002
            yield [int(np.random.choice(self.data.rows_of[target])) for target in chosen]  # noqa: NPY002


def train_epoch(method: ClipClap, train: Samples, collate: Collate) -> dict[str, float]:
    """One epoch of as many batches as the method's settings say; the mean of each loss."""
    data = ContrastedVideos(train.videos, train.label.numpy(), method.train_text)
    batches = BalancedBatches(data, method.config.batches_per_epoch, method.config.batch_size)
    method.module.train()
    sums: dict[str, float] = {}
    for pair in DataLoader(data, batch_sampler=batches, collate_fn=collate):
        losses = method.losses(batch_of(pair, data))
        method.optimizer.zero_grad()
        losses["total"].backward()
        method.optimizer.step()
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + value.item()
    return {name: value / len(batches) for name, value in sums.items()}


def batch_of(pair: Sample, data: ContrastedVideos) -> Batch:
    """What the losses read, each label looked up by itself."""
    sample = pair["positive"]
    position = {target: place for place, target in enumerate(range(len(data.text)))}
    label = sample["label"]
    for row in range(len(label)):
        label[row] = position[label[row].item()]
    return Batch(sample["audio"], sample["video"], label)


def evaluate(method: ClipClap, task: Task, collate: Collate) -> tuple[float, float]:
    """The best HM over the published grid, and the bias that reaches it first."""
    data = ContrastedVideos(task.videos, task.truth.label, method.text_of(task.classes))
    method.module.eval()
    embedded, labels = [], []
    with torch.no_grad():
        for pair in loader(method, data, collate):  # validation losses, which choose nothing by default
            batch = batch_of(pair, data)
            method.module(batch, method.text_of(task.classes))
        for pair in loader(method, data, collate):
            batch = batch_of(pair, data)
            embedded.append(method.embed_videos(Videos(batch.audio, batch.visual)))
            labels.append(batch.label)
        texts = method.embed_classes(task.classes)
    return best_of_grid(torch.cat(embedded), texts, torch.cat(labels), task.classes)


def loader(method: ClipClap, data: ContrastedVideos, collate: Collate) -> DataLoader[Sample]:
    return DataLoader(data, batch_size=method.config.batch_size, collate_fn=collate)


def best_of_grid(videos: Tensor, texts: Tensor, label: Tensor, classes: Classes) -> tuple[float, float]:
    """Every bias on its own: all distances, the nearest class, and the accuracy of each class."""
    best, best_bias = -1.0, 0.0
    count = torch.bincount(label, minlength=len(classes))
    for bias in BIASES:
        distance = torch.cdist(videos, texts, compute_mode="donot_use_mm_for_euclid_dist")
        nearest = (distance + bias * classes.seen).argmin(dim=1)
        right = torch.bincount(label[nearest == label], minlength=len(classes)).double()
        s, u = (
            (right[role & (count > 0)] / count[role & (count > 0)]).mean().item()
            for role in (classes.seen, ~classes.seen)
        )
        hm = 2 * s * u / (s + u) if s + u else 0.0
        if hm > best:
            best, best_bias = hm, float(bias)
    return best, best_bias
