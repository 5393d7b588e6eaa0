"""Videos in blocks, and apart from all others."""

from __future__ import annotations

import pytest
import torch

from avgzsl_bench import Sequences, Videos
from avgzsl_bench.gzsl.task import ALIGNED, rows


def videos(count: int) -> Videos:
    """Videos of 1 to 4 steps; audio and each step say which video it is."""
    number = torch.arange(float(count)).unsqueeze(1)
    length = 1 + torch.arange(count) % 4
    steps = Sequences(number.repeat_interleave(length, 0), length.cumsum(0) - length, length, 4, 0.5)
    return Videos(number, -number.repeat(1, 2), steps, steps)


@pytest.mark.parametrize("count", [1, 5, 64, 65, 200, 1024, 1025, 1400])
@pytest.mark.parametrize("size", [7, 64, 100, 1024, 4096])
def test_blocks_are_of_one_size_and_hold_each_video_once(count: int, size: int) -> None:
    given = videos(count)
    blocks = list(given.blocks(size))
    sizes = {len(block) for _, block in blocks}
    assert len(sizes) == 1
    (each,) = sizes
    assert each <= size
    assert each % ALIGNED == 0 or each == size
    assert [start for start, _ in blocks] == list(range(0, count, each))
    for start, block in blocks:
        expected = torch.arange(start, start + each).clamp(max=count - 1)
        assert torch.equal(block.audio.squeeze(1).long(), expected)
        assert block.audio_steps is not None
        assert block.audio_steps.longest == 4, "padded to the longest of all, whatever is in the block"
        assert torch.equal(block.audio_steps.padded().values[:, 0, 0].long(), expected)
    assert torch.equal(given.mapped(lambda block: block.visual, size), given.visual)


def test_no_video_gives_no_result() -> None:
    none = videos(8).take(slice(0, 0))
    assert none.mapped(lambda block: block.visual, 4).shape == (0, 2)


def test_videos_apart_hold_nothing_of_the_others() -> None:
    given = videos(10)
    index = torch.tensor([7, 2, 9])
    apart, taken = given.apart(index), given.take(index)
    for name in ("audio", "visual"):
        mine = getattr(apart, name)
        assert torch.equal(mine, getattr(taken, name))
        assert mine.untyped_storage().nbytes() == mine.nbytes
    for name in ("audio_steps", "visual_steps"):
        steps, expected = getattr(apart, name), getattr(taken, name)
        assert torch.equal(steps.padded().values, expected.padded().values)
        assert torch.equal(steps.padded().mask, expected.padded().mask)
        assert steps.values.untyped_storage().nbytes() == int(steps.length.sum()) * 4


@pytest.mark.parametrize("index", [torch.tensor([2, 0, 2]), torch.tensor([[3, 1], [0, 0]]), slice(1, 3)])
def test_rows_are_what_indexing_selects(index: torch.Tensor | slice) -> None:
    values = torch.arange(12.0).view(4, 3)
    assert torch.equal(rows(values, index), values[index])
    assert torch.equal(rows(values[:, 0], index), values[:, 0][index])
