"""Sequences in TCAF: windows of steps, padding, videos of one vector."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from built_methods import CLS, values
from tcaf_cases import fixture_batch, fixture_method, pair_of, sequences, videos_of
from torch import Tensor

from avgzsl_baselines.families.tcaf_network import TCAFConfig
from avgzsl_baselines.families.timed_sequences import (
    AudioVisual,
    audio_window,
    centre_start,
    random_start,
    spare_steps,
    windows,
)
from avgzsl_baselines.tcaf import TCAF
from avgzsl_bench import Batch, ConfigError, Sequences, Videos

CLS_SECONDS, MAIN_SECONDS = (0.96, 0.64), (1.0, 1.0)


def test_audio_steps_of_a_window() -> None:
    for window, seconds, official, duration in (
        (60, CLS_SECONDS, 37, 40),
        (300, CLS_SECONDS, 184, 200),
        (60, MAIN_SECONDS, 60, 60),
        (300, MAIN_SECONDS, 300, 300),
    ):
        assert audio_window(window, *seconds, "official") == official
        assert audio_window(window, *seconds, "duration") == duration


def numbered(lengths: list[int], seconds: float) -> Sequences:
    """Videos whose steps hold their own number, counted from 1, one after the other."""
    steps = torch.tensor(lengths)
    rows = torch.cat([torch.arange(1.0, n + 1) for n in lengths]).unsqueeze(1)
    return Sequences(rows, steps.cumsum(0) - steps, steps, max(lengths), seconds)


def test_windows_in_the_centre() -> None:
    cases = {
        (100, 66): (range(20, 80), range(13, 50)),
        (70, 40): (range(5, 65), range(3, 40)),
        (62, 42): (range(1, 61), range(1, 38)),
        (61, 45): (range(60), range(37)),
        (80, 30): (range(10, 70), range(30)),
        (30, 20): (range(30), range(20)),
        (50, 66): (range(50), range(37)),
    }
    visual = numbered([visual for visual, _ in cases], 0.64)
    audio = numbered([audio for _, audio in cases], 0.96)
    cut = windows(AudioVisual(audio, visual), centre_start(spare_steps(visual, 60)), 60, 37)
    for steps, size, kept in (
        (cut.visual, 60, [kept for kept, _ in cases.values()]),
        (cut.audio, 37, [kept for _, kept in cases.values()]),
    ):
        padded = steps.padded()
        assert padded.values.shape[1] == size
        for row, mask, numbers in zip(padded.values, padded.mask, kept, strict=True):
            expected = [n + 1 for n in numbers] + [0] * (size - len(numbers))
            assert row.flatten().tolist() == expected
            assert mask.tolist() == [n > 0 for n in expected]


@pytest.mark.parametrize("last", [True, False])
def test_random_windows(last: bool) -> None:
    torch.manual_seed(0)
    drawn = random_start(torch.tensor([0, 1, 4]).repeat(4000, 1), last=last)
    assert drawn[:, 0].unique().tolist() == [0]
    assert drawn[:, 1].unique().tolist() == ([0, 1] if last else [0])
    counts = drawn[:, 2].bincount().float()
    assert len(counts) == (5 if last else 4)
    torch.testing.assert_close(counts, torch.full_like(counts, 4000 / len(counts)), rtol=0.1, atol=0)


def long_batch() -> Batch:
    """Four videos of 5 to 9 visual and 4 to 6 audio steps."""
    generator = torch.Generator().manual_seed(3)
    audio = torch.randn(24, 6, generator=generator, dtype=torch.float64)
    visual = torch.randn(36, 5, generator=generator, dtype=torch.float64)
    return Batch(
        audio[:4],
        visual[:4],
        torch.tensor([0, 2, 4, 1]),
        audio_steps=sequences(audio, [6, 4, 5, 6], 0.96),
        visual_steps=sequences(visual, [9, 5, 7, 8], 0.64),
    )


def test_training_reads_random_windows_and_refreshes_with_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(0)
    method = fixture_method(assembly="fixed", train_window=4, bn_refresh="official")
    seen: list[tuple[AudioVisual, str]] = []
    embed = method.module.embed_videos

    def watch(videos: AudioVisual, times: Any) -> Tensor:
        seen.append((videos, times))
        return embed(videos, times)

    monkeypatch.setattr(method.module, "embed_videos", watch)
    batch = long_batch()
    for _ in range(3):
        method.train_step(batch)
    assert [times for _, times in seen] == ["seconds", "index"] * 3
    starts = [videos.visual.first - pair_of(batch).visual.first for videos, _ in seen]
    assert all(torch.equal(*starts[i : i + 2]) for i in (0, 2, 4))
    assert len({tuple(start.tolist()) for start in starts}) > 1
    assert all(videos.visual.padded().mask.sum() == 16 for videos, _ in seen)
    assert all(videos.audio.padded().mask.shape == (4, 2) for videos, _ in seen)


def test_scoring_reads_windows_in_the_centre() -> None:
    method, batch = fixture_method(assembly="fixed", test_window=4), long_batch()
    method.module.eval()
    whole = pair_of(batch)
    start = torch.tensor([2, 0, 1, 2])
    audio_start = torch.tensor([1, 0, 1, 1])
    cut = AudioVisual(
        replace(whole.audio, first=whole.audio.first + audio_start, length=torch.full((4,), 2), longest=2),
        replace(whole.visual, first=whole.visual.first + start, length=torch.full((4,), 4), longest=4),
    )
    embedded = method.embed_videos(videos_of(batch))
    torch.testing.assert_close(embedded, method.module.embed_videos(cut, "seconds"))
    assert not torch.allclose(embedded, method.module.embed_videos(whole, "seconds"))


def test_videos_of_one_vector_are_sequences_of_one_step() -> None:
    batch = fixture_batch()
    vectors = Videos(batch.audio, batch.visual)
    steps = Videos(
        batch.audio, batch.visual, Sequences.of_vectors(batch.audio), Sequences.of_vectors(batch.visual)
    )
    for assembly in ("max", "fixed"):
        method = fixture_method(visual_norm="feature", assembly=assembly, test_window=3)
        method.module.eval()
        torch.testing.assert_close(method.embed_videos(vectors), method.embed_videos(steps))
    method = fixture_method(visual_norm="feature", assembly="fixed")
    losses = method.train_step(Batch(batch.audio, batch.visual, batch.label))
    expected = fixture_method(visual_norm="feature").losses(Batch(batch.audio, batch.visual, batch.label))
    assert values(losses) == pytest.approx(values(expected), abs=1e-12)


def test_norms_over_time_need_more_than_one_step() -> None:
    with pytest.raises(ConfigError, match=r"visual_norm=time.*--set visual_norm=feature"):
        TCAF.check(TCAFConfig(), CLS)
    TCAF.check(TCAFConfig(visual_norm="feature"), CLS)
    TCAF.check(TCAFConfig(), replace(CLS, sequences=True))


def test_padding_does_not_matter_in_scoring() -> None:
    for attention in ("cross", "self", "both"):
        method, batch = fixture_method(attention=attention), fixture_batch()
        method.train_step(batch)
        method.module.eval()
        videos = pair_of(batch)
        expected = method.module.embed_videos(videos, "seconds")
        for audio, visual in ((4, 0), (0, 7), (2, 3)):
            longer = AudioVisual(
                replace(videos.audio, longest=videos.audio.longest + audio),
                replace(videos.visual, longest=videos.visual.longest + visual),
            )
            torch.testing.assert_close(method.module.embed_videos(longer, "seconds"), expected, rtol=0, atol=1e-12)


def test_other_videos_do_not_matter_in_scoring() -> None:
    method, batch = fixture_method(), fixture_batch()
    method.train_step(batch)
    videos = videos_of(batch)
    scores = method.score(videos, method.classes)
    assert scores.shape == (4, 5)
    alone = torch.cat([method.score(videos.take(slice(i, i + 1)), method.classes) for i in range(4)])
    torch.testing.assert_close(alone, scores, rtol=0, atol=1e-12)
    distance = (method.embed_videos(videos)[1] - method.embed_classes(method.classes)[3]).norm()
    assert scores[1, 3].item() == pytest.approx(-distance.item(), abs=1e-12)
