from __future__ import annotations

import pytest
import torch

import avgzsl_bench as ab
from avgzsl_bench import Sequences, Videos
from avgzsl_bench.testing.trial import tiny_task


@pytest.fixture
def sequences() -> Sequences:
    """Three videos of 2, 1 and 3 steps, in another order than their values."""
    return Sequences(
        values=torch.arange(1.0, 13.0).reshape(6, 2),
        first=torch.tensor([4, 0, 1]),
        length=torch.tensor([2, 1, 3]),
        longest=3,
        seconds=0.5,
    )


def test_padded_puts_zeros_after_the_end(sequences: Sequences) -> None:
    padded = sequences.padded()
    assert padded.values.tolist() == [
        [[9, 10], [11, 12], [0, 0]],
        [[1, 2], [0, 0], [0, 0]],
        [[3, 4], [5, 6], [7, 8]],
    ]
    assert padded.mask.tolist() == [[True, True, False], [True, False, False], [True, True, True]]


def test_taking_videos_keeps_the_values_where_they_are(sequences: Sequences) -> None:
    two = sequences.take(torch.tensor([1, 0]))
    assert two.values is sequences.values
    assert (len(two), two.longest, two.seconds) == (2, 2, 0.5)
    assert two.padded().values.tolist() == [[[1, 2], [0, 0]], [[9, 10], [11, 12]]]
    assert sequences.take(slice(1, 2)).padded().values.tolist() == [[[1, 2]]]
    assert len(sequences.take(slice(0, 0))) == 0


def test_chosen_steps(sequences: Sequences) -> None:
    chosen = sequences.at(torch.tensor([[1, 0], [0, 7], [2, 2]]))
    assert chosen.values.tolist() == [[[11, 12], [9, 10]], [[1, 2], [0, 0]], [[7, 8], [7, 8]]]
    assert chosen.mask.tolist() == [[True, True], [True, False], [True, True]]


def test_one_vector_a_video_is_a_sequence_of_one_step() -> None:
    vectors = torch.randn(4, 3)
    padded = Sequences.of_vectors(vectors).padded()
    assert torch.equal(padded.values, vectors.unsqueeze(1))
    assert padded.mask.all()


def test_the_longest_of_each_batch(sequences: Sequences) -> None:
    videos = Videos(torch.zeros(3, 2), torch.zeros(3, 2), sequences, sequences.take(torch.tensor([1, 2, 0])))
    index = torch.tensor([[0, 1], [2, 1]])
    longest = videos.longest_of(index)
    assert longest == [(2, 3), (3, 3)]
    for rows, most in zip(index, longest, strict=True):
        for taken in (videos.take(rows, most), videos.take(rows)):
            assert (taken.audio_steps.longest, taken.visual_steps.longest) == most  # type: ignore[union-attr]
    assert Videos(torch.zeros(3, 2), torch.zeros(3, 2)).longest_of(index) == [None, None]


class Watcher(ab.TorchMethod):
    """Keeps the batches it is given."""

    negatives = True
    batches: list[ab.Batch]

    def build(self) -> torch.nn.Module:
        self.batches = []
        return torch.nn.Linear(1, 1)

    def losses(self, batch: ab.Batch) -> dict[str, torch.Tensor]:
        self.batches.append(batch)
        return {"total": self.module(torch.zeros(1, 1)).sum()}

    def embed_videos(self, videos: Videos) -> torch.Tensor:
        return videos.visual

    def embed_classes(self, classes: ab.Classes) -> torch.Tensor:
        return classes.embedding()


def test_batches_hold_the_steps_of_their_videos() -> None:
    shape = ab.FeatureDims(3, 4, {"text": 4}, sequences=True)
    task = tiny_task(shape, torch.device("cpu"))
    config = ab.TorchConfig(batch_size=5, batches_per_epoch=3)
    watcher = Watcher(config, shape, task.classes, seed=0, device=torch.device("cpu"))
    watcher.train_epoch(task.train)
    every = task.train.videos
    assert len(watcher.batches) == 3
    for batch in watcher.batches:
        for part in (batch, batch.negative):
            assert part is not None
            rows = torch.cdist(part.audio, every.audio).argmin(dim=1)
            for name in ("audio_steps", "visual_steps"):
                steps, all_steps = getattr(part, name), getattr(every, name)
                assert torch.equal(steps.padded().values, all_steps.take(rows).padded().values)
                assert steps.longest == int(steps.length.max())
