"""TCAF against numbers obtained with the published program, to their printed digits, and its windows of steps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from built_methods import CLS, passes, values
from joint_space import fixed_embedded
from paired_cases import scoring_example, scoring_task
from reference_values import PRINTED_8, PRINTED_10, doubles
from tcaf_cases import fixture_batch, fixture_method, pair_of, sequences, videos_of
from torch import Tensor

from avgzsl_baselines.clipclap import base_losses
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

OFFICIAL = {"window_start": "official", "eval_times": "index", "bn_refresh": "official"}


def running_means(method: TCAF) -> list[float]:
    net = method.module
    blocks = (
        net.audio_encoder.blocks[0],
        net.visual_encoder.blocks[0],
        net.video_projection[0],
        net.text_projection,
        net.text_decoder,
    )
    return [block.norm.running_mean.sum().item() for block in blocks]


def test_fixture_in_training_mode() -> None:
    method, batch = fixture_method(), fixture_batch()
    net = method.module
    assert method.parameter_count() == 228_607
    tokens, _ = net.tokens(pair_of(batch), "seconds")
    assert tokens.shape == (4, 8, 300)
    assert tokens.sum().item() == pytest.approx(-131.5632154325, abs=PRINTED_10)
    audio = [-0.0187540045, 0.4826542807, 0.4697259862, -1.0004641737]
    assert tokens[0, 1, :4].tolist() == pytest.approx(audio, abs=PRINTED_10)
    visual = [0.2246283918, 0.7297923081, 0.0208034203, 0.1359529829]
    assert tokens[0, 4, :4].tolist() == pytest.approx(visual, abs=PRINTED_10)
    final = net.class_tokens(pair_of(batch), "seconds")
    assert final.sum().item() == pytest.approx(-5.2622736290, abs=PRINTED_10)
    first = [-1.1491228222, 0.3352830207, -0.0632691637, 0.5379004694]
    assert final[0, :4].tolist() == pytest.approx(first, abs=PRINTED_10)
    out = net(pair_of(batch), batch.label, method.train_text)
    assert out.video.sum().item() == pytest.approx(7.7470161989, abs=PRINTED_10)
    assert out.video[0].tolist() == pytest.approx([0, 0, 1.2287525193, 0], abs=PRINTED_10)
    expected = {"ce": 1.5823670131, "reg": 0.3521061797, "rec": 1.0057248820}
    assert values(base_losses(out, batch.label)) == pytest.approx(expected, abs=PRINTED_10)


@pytest.mark.parametrize("bn_refresh", ["none", "official"])
def test_fixture_losses_over_three_updates(bn_refresh: str) -> None:
    method = fixture_method(**OFFICIAL | {"bn_refresh": bn_refresh})
    totals = [method.train_step(fixture_batch())["total"].item() for _ in range(3)]
    assert totals == pytest.approx([2.9401980749, 1.9226970633, 1.7765698134], abs=PRINTED_10)


@pytest.mark.parametrize(("attention", "expected"), [("both", 2.5440632742), ("self", 2.5740939909)])
def test_fixture_with_other_attention(attention: str, expected: float) -> None:
    losses = fixture_method(attention=attention).losses(fixture_batch())
    assert losses["total"].item() == pytest.approx(expected, abs=PRINTED_10)


@pytest.mark.parametrize(("eval_times", "expected"), [("seconds", 0.2650015193), ("index", 0.2730879960)])
def test_fixture_of_a_fresh_network_in_evaluation_mode(eval_times: str, expected: float) -> None:
    method, batch = fixture_method(eval_times=eval_times), fixture_batch()
    method.module.eval()
    assert method.embed_videos(videos_of(batch)).sum().item() == pytest.approx(expected, abs=PRINTED_10)
    losses = values(method.losses(batch))
    del losses["total"]
    fresh = {"ce": 1.6091002531, "reg": 0.0045586715, "rec": 0.0120614107}
    assert losses == pytest.approx(fresh, abs=PRINTED_10)


# After an update the last printed digit depends on how products are summed: biases before batch normalisation have
# no gradient but rounding, and Adam makes steps of it.
AFTER_UPDATES = 5.1e-10


def test_fixture_running_statistics() -> None:
    method, batch = fixture_method(**OFFICIAL), fixture_batch()
    method.train_step(batch)
    expected = [-0.0598483467, 0.1548906035, 0.2235542387, 0.0093035272, -0.0428430896]
    assert running_means(method) == pytest.approx(expected, abs=AFTER_UPDATES)
    method.train_step(batch)
    method.train_step(batch)
    expected = [-0.1480996475, 0.3821168753, 0.9985692101, 0.0227718333, -0.1531655797]
    assert running_means(method) == pytest.approx(expected, abs=AFTER_UPDATES)
    net = method.module.eval()
    for times, embedded in (("seconds", 2.735395182), ("index", 2.818639425)):
        assert net.embed_videos(pair_of(batch), times).sum().item() == pytest.approx(embedded, abs=AFTER_UPDATES)
    losses = values(method.losses(batch))
    del losses["total"]
    trained = {"ce": 1.604973580, "reg": 0.069931128, "rec": 0.013106143}
    assert losses == pytest.approx(trained, abs=AFTER_UPDATES)

    method = fixture_method(**OFFICIAL | {"bn_refresh": "none"})
    for _ in range(3):
        method.train_step(batch)
    expected = [-0.0854803500, 0.2209896992, 0.4492401673, 0.0170045757, -0.1531655797]
    assert running_means(method) == pytest.approx(expected, abs=AFTER_UPDATES)


def test_passes_an_iteration() -> None:
    for bn_refresh, expected in (("none", (1, 1, 1, 2, 1, 1)), ("official", (2, 2, 2, 3, 1, 1))):
        method = fixture_method(bn_refresh=bn_refresh)
        method.train_step(fixture_batch())
        net = method.module
        norms = [
            block.norm
            for block in (
                net.audio_encoder.blocks[1],
                net.visual_encoder.blocks[1],
                net.video_projection[1],
                net.text_projection,
                net.video_decoder[1],
                net.text_decoder,
            )
        ]
        assert tuple(passes(norm) for norm in norms) == expected


def test_losses_of_fixed_tensors() -> None:
    embedded, label = fixed_embedded()
    words = doubles([0.3, -0.7, 0, 1.2], [-0.5, 0, 0.9, 0.1])
    decoded = (
        doubles([0.1, 0, 0.2, 1.0], [0, 0.3, 0.6, 0]),
        doubles([0.25, 0, 0.1, 1.1], [0, 0.1, 0.8, 0.2]),
    )
    embedded = replace(embedded, encoded_text=words, video_decoded=decoded[0], text_decoded=decoded[1])
    losses = values(base_losses(embedded, label))
    assert losses == pytest.approx({"ce": 0.35545021, "reg": 0.12166667, "rec": 0.23031250}, abs=PRINTED_8)
    assert sum(losses.values()) == pytest.approx(0.70742938, abs=PRINTED_8)


def test_reconstructions_aim_at_the_word_vectors() -> None:
    method, batch = fixture_method(), fixture_batch()
    out = method.module(pair_of(batch), batch.label, method.train_text)
    assert torch.equal(out.encoded_text, method.train_text[batch.label])
    expected = (out.encoded_text - out.video_decoded).square().mean()
    expected += (out.encoded_text - out.text_decoded).square().mean()
    assert method.losses(batch)["rec"].item() == pytest.approx(expected.item(), abs=1e-12)


def test_index_times_change_scores_unless_steps_are_of_a_second() -> None:
    batch = fixture_batch()
    scores = {}
    for times in ("seconds", "index"):
        method = fixture_method(eval_times=times)
        method.train_step(batch)
        scores[times] = method.score(videos_of(batch), method.classes)
    assert not torch.allclose(scores["seconds"], scores["index"], atol=1e-4)
    videos = pair_of(batch)
    seconds = AudioVisual(replace(videos.audio, seconds=1.0), replace(videos.visual, seconds=1.0))
    net = fixture_method().module.eval()
    torch.testing.assert_close(net.embed_videos(seconds, "seconds"), net.embed_videos(videos, "index"))


def test_scores_are_distances_and_one_bias_is_handed_on() -> None:
    task, method = scoring_task(), scoring_example(TCAF, lambda videos: videos.audio[:, :2], depth=1)
    videos = Videos(task.videos.audio[:, :2], task.videos.visual)
    scores = method.score(videos, task.classes)
    expected = -(videos.audio.unsqueeze(1) - task.classes.embedding()).square().sum(dim=2).sqrt()
    torch.testing.assert_close(scores, expected)
    assert method.calibration_scorer(task.classes) is None


# --- windows of steps, padding, videos of one vector ---


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
