"""TCAF against numbers obtained with the published program, to their printed digits."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
import torch
from joint_space import CLIP_CLAP, CLS, MAIN, PRINTED_8, PRINTED_10, build, fixed_embedded, values
from paired_cases import by_part, parameters, passes, scoring_task
from reference_values import T, X, fill
from released import random_state
from torch.nn import functional as F

from avgzsl_baselines.clipclap import base_losses
from avgzsl_baselines.families.step_attention import Attention, permitted_keys, score_bias
from avgzsl_baselines.families.tcaf_network import PositionBlock, StepEncoder, TCAFConfig
from avgzsl_baselines.families.timed_sequences import (
    AudioVisual,
    audio_window,
    centre_start,
    random_start,
    spare_steps,
    windows,
)
from avgzsl_baselines.tcaf import TCAF
from avgzsl_bench import (
    Batch,
    CheckpointError,
    Classes,
    ConfigError,
    FeatureDims,
    Sequences,
    Videos,
    load_official,
)
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.method.settings import default_settings

if TYPE_CHECKING:
    from torch import Tensor

SPEC = method_spec("tcaf")
NO_DROPOUT = dict.fromkeys(
    ("encoder_dropout", "decoder_dropout", "text_dropout", "position_dropout", "transformer_dropout"), 0.0
)
OFFICIAL = {"window_start": "official", "eval_times": "index", "bn_refresh": "official"}
DATASETS = ("ucf", "vggsound", "activitynet")
AUDIO_LENGTH, VISUAL_LENGTH = (3, 2, 3, 1), (4, 3, 4, 2)


def make(shape: FeatureDims, vectors: Tensor | None = None, **settings: Any) -> TCAF:
    return build(TCAF, shape, vectors, **settings)


def sequences(values: Tensor, length: tuple[int, ...] | list[int], seconds: float) -> Sequences:
    """Videos of as many rows each of `values` as the longest has, of which the first `length` are real."""
    steps = torch.tensor(length)
    longest = len(values) // len(steps)
    return Sequences(values, longest * torch.arange(len(steps)), steps, int(steps.max()), seconds)


def fixture_batch() -> Batch:
    """Batch F; what is beyond the end of a video is noise here, and has to be read as zeros."""
    audio = sequences(255 * X(12, 6, 0), AUDIO_LENGTH, 0.96)
    visual = sequences(X(16, 5, 5), VISUAL_LENGTH, 0.64)
    means = (s.padded().values.sum(dim=1) / s.length.unsqueeze(1) for s in (audio, visual))
    return Batch(*means, torch.tensor([0, 2, 4, 1]), audio_steps=audio, visual_steps=visual)


def videos_of(batch: Batch) -> Videos:
    return Videos(batch.audio, batch.visual, batch.audio_steps, batch.visual_steps)


def pair_of(batch: Batch) -> AudioVisual:
    assert batch.audio_steps is not None
    assert batch.visual_steps is not None
    return AudioVisual(batch.audio_steps, batch.visual_steps)


def fixture_method(**settings: Any) -> TCAF:
    widths = {
        "encoder_hidden_width": 9,
        "decoder_hidden_width": 6,
        "embedding_width": 4,
        "position_width": 4,
        "depth": 2,
        "heads": 2,
        "head_width": 4,
        "feed_forward_width": 7,
        "learning_rate": 1e-3,
        "weight_decay": 1e-5,
    }
    shape = FeatureDims(6, 5, {"word2vec": 300}, sequences=True)
    method = make(shape, T(5, 0), **NO_DROPOUT | widths | settings)
    net = method.module.double()
    layers = {
        1: net.audio_encoder.blocks[0].linear,
        2: net.audio_encoder.blocks[1].linear,
        3: net.visual_encoder.blocks[0].linear,
        4: net.visual_encoder.blocks[1].linear,
        5: net.text_projection.linear,
        6: net.text_decoder.linear,
        7: net.video_projection[0].linear,
        8: net.video_projection[1].linear,
        9: net.video_decoder[0].linear,
        10: net.video_decoder[1].linear,
        11: net.positions.time,
        12: net.positions.join[0],
        13: net.positions.join[1],
    }
    for number, layer in enumerate(net.transformer):
        attention, feed_forward = layer.attention, layer.feed_forward
        parts = (attention.query, attention.key, attention.value, attention.output)
        for tag, part in enumerate((*parts, feed_forward.hidden, feed_forward.output), start=14 + 6 * number):
            layers[tag] = part
    fill(layers)
    i, j = torch.arange(2).unsqueeze(1), torch.arange(4).unsqueeze(0)
    grid = (((5 * i + 3 * j) % 7) - 3).double() / 10
    with torch.no_grad():
        net.class_token.copy_((((7 * torch.arange(300)) % 11) - 5).double() / 10)
        net.positions.modality.weight.copy_(grid)
        net.positions.padding.weight.fill_(0.5)
        net.positions.frequencies.copy_(grid[:, :2])
    return method


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


# --- fixture F ---


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


# --- worked examples ---


def test_losses_of_fixed_tensors() -> None:
    embedded, label = fixed_embedded()
    words = torch.tensor([[0.3, -0.7, 0, 1.2], [-0.5, 0, 0.9, 0.1]], dtype=torch.float64)
    decoded = (
        torch.tensor([[0.1, 0, 0.2, 1.0], [0, 0.3, 0.6, 0]], dtype=torch.float64),
        torch.tensor([[0.25, 0, 0.1, 1.1], [0, 0.1, 0.8, 0.2]], dtype=torch.float64),
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


TOKENS = torch.tensor([[1, 0], [0, 1], [1, 1], [2, 0], [0, -1]], dtype=torch.float64).unsqueeze(0)
REAL_AUDIO, REAL_VISUAL = torch.tensor([[True, True]]), torch.tensor([[True, False]])
SINGLE_7 = 1.5e-7
"""For seven digits that were computed in single precision."""


def identity_attention() -> Attention:
    attention = Attention(2, heads=1, head_width=2, dropout=0.0).double()
    with torch.no_grad():
        for part in (attention.query, attention.key, attention.value, attention.output):
            part.weight.copy_(torch.eye(2))
        attention.output.bias.zero_()
    return attention


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            "cross",
            {
                0: [0.2211810, 0.1090574, 0.2211810, 0.4485805, 0],
                1: [0.5, 0, 0, 0.5, 0],
                2: [0.3302385, 0, 0, 0.6697615, 0],
                3: [0.4458083, 0.1083834, 0.4458083, 0, 0],
                4: [0.2] * 5,
            },
        ),
        ("self", {1: [0.1977758, 0.4011121, 0.4011121, 0, 0], 3: [0.1955703, 0, 0, 0.8044297, 0], 4: [0.2] * 5}),
    ],
)
def test_attention_weights(kind: Any, expected: dict[int, list[float]]) -> None:
    bias = score_bias(permitted_keys(REAL_AUDIO, REAL_VISUAL, kind), torch.float64)
    weights = torch.softmax(TOKENS @ TOKENS.mT / 2**0.5 + bias[:, 0], dim=-1)[0]
    attended = identity_attention()(TOKENS, TOKENS, bias)[0]
    for row, printed in expected.items():
        assert weights[row].tolist() == pytest.approx(printed, abs=SINGLE_7)
    torch.testing.assert_close(attended, weights @ TOKENS[0])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("cross", [(1.3395231, 0.3302385), (1.5, 0), (1.6697615, 0), (0.8916165, 0.5541917), (0.8, 0.2)]),
        (
            "both",
            [(1.3395231, 0.3302385), (0.8302385, 0.6697615), (1.1697615, 0.5), (1.6088594, 0.1955703), (0.8, 0.2)],
        ),
    ],
)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_attention_outputs(kind: Any, expected: list[tuple[float, float]], dtype: torch.dtype) -> None:
    bias = score_bias(permitted_keys(REAL_AUDIO, REAL_VISUAL, kind), dtype)
    tokens = TOKENS.to(dtype)
    attended = identity_attention().to(dtype)(tokens, tokens, bias)[0]
    tolerance = SINGLE_7 if dtype == torch.float64 else 1e-6
    torch.testing.assert_close(attended, torch.tensor(expected, dtype=dtype), atol=tolerance, rtol=0)


def test_permitted_keys() -> None:
    def rows(kind: Any, audio: list[int], visual: list[int]) -> list[list[int]]:
        permitted = permitted_keys(torch.tensor([audio]).bool(), torch.tensor([visual]).bool(), kind)
        return [row.nonzero().flatten().tolist() for row in permitted[0]]

    assert rows("cross", [1, 1, 0], [1, 1]) == [[0, 1, 2, 4, 5], [0, 4, 5], [0, 4, 5], [], [0, 1, 2], [0, 1, 2]]
    assert rows("self", [1, 1, 0], [1, 1]) == [[0, 1, 2, 4, 5], [0, 1, 2], [0, 1, 2], [], [0, 4, 5], [0, 4, 5]]
    assert rows("both", [1, 0], [1]) == [[0, 1, 3], [0, 1, 3], [], [0, 1, 3]]
    assert rows("cross", [1, 1], [0]) == [[0, 1, 2], [0], [0], []]


def test_time_embedding() -> None:
    block = PositionBlock(width=3, position_width=4, dropout=0.0).double()
    with torch.no_grad():
        block.frequencies.copy_(torch.tensor([[0.1, 0.2], [0.3, -0.1]]))
        block.time.weight.copy_(torch.eye(4))
        block.time.bias.zero_()
    embedded = block.embed_times(torch.tensor([0.64, 1.28, 1.0], dtype=torch.float64))
    expected = [
        [0.9992895, 0.3913737, -0.0376902, 0.9202318],
        [-0.0753268, 0.7203090, -0.9971589, 0.6936533],
        [0.5877852, 0.5877852, -0.8090170, 0.8090170],
    ]
    torch.testing.assert_close(embedded, torch.tensor(expected, dtype=torch.float64), atol=SINGLE_7, rtol=0)


def visual_input(visual: Sequences, **settings: Any) -> Tensor:
    """What the visual encoder is given."""
    width = visual.values.shape[1]
    method = make(FeatureDims(2, width, {"word2vec": 300}, sequences=True), **settings)
    method.module.double()
    given: list[Tensor] = []
    method.module.visual_encoder.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    audio = Sequences.of_vectors(torch.rand(len(visual), 2, dtype=torch.float64))
    method.module.tokens(AudioVisual(audio, visual), "seconds")
    return given[0]


def test_visual_normalisation() -> None:
    steps = Sequences(
        torch.tensor([[3, 1], [4, 0], [5, 5]], dtype=torch.float64),
        torch.tensor([0, 0]),
        torch.tensor([2, 1]),
        2,
        1.0,
    )
    over_time = visual_input(steps)
    expected = torch.tensor([[[0.6, 1], [0.8, 0]], [[1, 1], [0, 0]]], dtype=torch.float64)
    torch.testing.assert_close(over_time, expected)
    by_step = visual_input(steps, visual_norm="feature")
    first = [[0.9486833, 0.3162278], [1, 0]]
    torch.testing.assert_close(by_step[0], torch.tensor(first, dtype=torch.float64), atol=SINGLE_7, rtol=0)
    assert by_step[1].tolist() == [by_step[0, 0].tolist(), [0, 0]]
    single = Sequences.of_vectors(torch.tensor([[0.3, -0.2, 5], [1, 2, 3]], dtype=torch.float64))
    torch.testing.assert_close(visual_input(single)[0, 0], torch.tensor([1.0, -1, 1], dtype=torch.float64))


# --- windows ---

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


# --- padding ---


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


def test_order_of_audio_tokens_does_not_matter() -> None:
    method, batch = fixture_method(), fixture_batch()
    net = method.module.eval()
    tokens, bias = net.tokens(pair_of(batch), "seconds")
    order = torch.tensor([0, 3, 1, 2, 4, 5, 6, 7])
    permuted, permuted_bias = tokens[:, order], bias[:, :, order][:, :, :, order]
    for layer in net.transformer:
        tokens, permuted = layer(tokens, bias), layer(permuted, permuted_bias)
    torch.testing.assert_close(permuted[:, 0], tokens[:, 0], rtol=0, atol=1e-12)
    torch.testing.assert_close(tokens[:, 0], net.class_tokens(pair_of(batch), "seconds"), rtol=0, atol=1e-12)


def test_gradients() -> None:
    torch.manual_seed(0)
    method = make(FeatureDims(6, 5, {"word2vec": 300}, sequences=True), T(5, 0), depth=2)
    method.module.double().eval()  # in training a bias before batch normalisation has no gradient
    method.losses(fixture_batch())["total"].backward()
    without = [name for name, p in method.module.named_parameters() if not p.grad.abs().sum() > 0]
    assert without == ["positions.padding.weight"]


def test_batch_statistics_of_real_steps() -> None:
    torch.manual_seed(0)
    steps = torch.randn(3, 4, 6, dtype=torch.float64)
    real = torch.tensor([[1, 1, 1, 1], [1, 1, 0, 0], [1, 0, 0, 0]]).bool()
    masked, plain = (StepEncoder(6, 9, 5, 0.0, real_only=only).double() for only in (True, False))
    plain.load_state_dict(masked.state_dict())
    torch.testing.assert_close(masked(steps, real)[real], plain.blocks(steps[real]))
    for (name, buffer), expected in zip(masked.named_buffers(), plain.buffers(), strict=True):
        torch.testing.assert_close(buffer, expected, msg=name)
    masked.eval()
    plain.eval()
    torch.testing.assert_close(masked(steps, real), plain(steps, real))
    plain.train()
    masked.train()
    assert not torch.allclose(masked(steps, real)[real], plain(steps, real)[real])


def test_padding_does_not_matter_in_training_with_statistics_of_real_steps() -> None:
    batch = fixture_batch()
    longer = replace(
        batch,
        audio_steps=replace(pair_of(batch).audio, longest=7),
        visual_steps=replace(pair_of(batch).visual, longest=9),
    )
    totals = {
        rows: [fixture_method(bn_padding=rows).losses(b)["total"].item() for b in (batch, longer)]
        for rows in ("all", "real")
    }
    assert totals["real"][0] == pytest.approx(totals["real"][1], abs=1e-12)
    assert abs(totals["all"][0] - totals["all"][1]) > 1e-3
    assert abs(totals["all"][0] - totals["real"][0]) > 1e-3


# --- parameters, settings ---

POSITIONS, CLASS_TOKEN = 223_352, 300
COMMON = {
    "positions": POSITIONS,
    "video_projection": 188_096,
    "video_decoder": 188_804,
    "text_projection": 19_392,
    "text_decoder": 20_100,
}


@pytest.mark.parametrize(
    ("dataset", "features", "audio", "visual", "transformer", "total"),
    [
        ("ucf", "c3d_vggish_seq", 221_572, 2_253_188, 4_155_168, 7_269_972),
        ("activitynet", "c3d_vggish_seq", 221_572, 2_253_188, 4_155_168, 7_269_972),
        ("vggsound", "c3d_vggish", 221_572, 2_253_188, 5_540_224, 8_655_028),
        ("ucf", "selavi_seq", 209_540, 209_540, 3_462_640, 4_521_764),
        ("activitynet", "selavi_seq", 105_220, 105_220, 4_311_424, 5_161_908),
        ("vggsound", "selavi", 105_220, 105_220, 7_997_824, 8_848_308),
    ],
)
def test_parameters(dataset: str, features: str, audio: int, visual: int, transformer: int, total: int) -> None:
    shape = CLS if features.startswith("c3d") else MAIN
    method = make(shape, **default_settings(SPEC, dataset, features))
    assert method.parameter_count() == parameters(method.module) == total
    expected = {"audio_encoder": audio, "visual_encoder": visual, "transformer": transformer, **COMMON}
    assert by_part(method.module) == expected
    assert sum(expected.values()) + CLASS_TOKEN == total
    assert "positions.frequencies" in method.state_dict()


def test_parameters_with_several_text_encoders() -> None:
    method = make(CLIP_CLAP, **default_settings(SPEC, "ucf", "clip_clap"))
    other = COMMON["video_decoder"] + COMMON["text_projection"] + COMMON["text_decoder"]
    text = (1536 - 300) * (512 + 64 + 64 + 2 * 3)
    encoders = (1024 + 512) * 512 + 2 * (3 * 512 + 512 * 300 + 3 * 300)
    rest = POSITIONS + CLASS_TOKEN + COMMON["video_projection"] + 4_155_168
    assert method.parameter_count() == other + text + encoders + rest


def rates(part: torch.nn.Module) -> set[float]:
    return {module.p for module in part.modules() if isinstance(module, torch.nn.Dropout)}


def test_dropout_rates_are_in_their_places() -> None:
    net = make(
        CLS,
        depth=2,
        encoder_dropout=0.1,
        decoder_dropout=0.2,
        text_dropout=0.3,
        position_dropout=0.4,
        transformer_dropout=0.5,
    ).module
    assert rates(net.audio_encoder) == rates(net.visual_encoder) == {0.1}
    assert rates(net.video_projection) == rates(net.video_decoder) == {0.2}
    assert rates(net.text_projection) == rates(net.text_decoder) == {0.3}
    assert rates(net.positions) == {0.4}
    assert rates(net.transformer) == {0.5}


def test_learnt_vectors_start_from_a_standard_normal() -> None:
    net = make(CLS, depth=1, position_width=2000, model_width=2000).module
    for vectors in (net.class_token, net.positions.modality.weight, net.positions.padding.weight):
        assert vectors.std().item() == pytest.approx(1, abs=0.1)
        assert vectors.mean().item() == pytest.approx(0, abs=0.1)


def test_what_is_heard_and_seen_behind_the_end_does_not_matter_to_the_network() -> None:
    method, batch = fixture_method(visual_norm="feature"), fixture_batch()
    net = method.module.eval()
    tokens, bias = net.tokens(pair_of(batch), "seconds")
    mask = torch.cat([torch.ones(4, 1, dtype=torch.bool), batch.audio_steps.padded().mask], dim=1)
    mask = torch.cat([mask, batch.visual_steps.padded().mask], dim=1)
    changed = torch.where(mask.unsqueeze(2), tokens, torch.randn_like(tokens))
    assert not torch.equal(changed, tokens)
    for layer in net.transformer:
        tokens, changed = layer(tokens, bias), layer(changed, bias)
    torch.testing.assert_close(changed[mask], tokens[mask], rtol=0, atol=1e-12)


def test_frequencies() -> None:
    torch.manual_seed(0)
    frequencies = make(CLS, position_width=4000, depth=1).module.positions.frequencies
    assert frequencies.shape == (2, 2000)
    assert frequencies.std().item() == pytest.approx(10, rel=0.05)


PUBLISHED = {
    # learning rate, scheduler; layers, heads, head width, encoder hidden; dropout of encoder, decoder, text,
    # position, transformer; assembly
    ("ucf", "c3d_vggish"): (7e-5, "plateau", 6, 8, 64, 512, 0.3, 0.1, 0.1, 0.2, 0.3, "max"),
    ("vggsound", "c3d_vggish"): (6e-5, "none", 8, 8, 64, 512, 0.2, 0.2, 0.1, 0.1, 0.5, "max"),
    ("activitynet", "c3d_vggish"): (7e-5, "plateau", 6, 8, 64, 512, 0.3, 0.1, 0.1, 0.2, 0.4, "fixed"),
    ("ucf", "selavi"): (5e-5, "none", 5, 8, 64, 256, 0.4, 0.2, 0.1, 0.2, 0.3, "max"),
    ("vggsound", "selavi"): (7e-5, "none", 8, 6, 128, 128, 0.2, 0.2, 0.2, 0.2, 0.5, "max"),
    ("activitynet", "selavi"): (7e-5, "plateau", 8, 3, 128, 128, 0.2, 0.1, 0.1, 0.2, 0.3, "fixed"),
}


@pytest.mark.parametrize("suffix", ["", "_seq"])
@pytest.mark.parametrize(("dataset", "features"), PUBLISHED)
def test_published_settings(dataset: str, features: str, suffix: str) -> None:
    c = TCAFConfig(**default_settings(SPEC, dataset, features + suffix))
    dropouts = c.encoder_dropout, c.decoder_dropout, c.text_dropout, c.position_dropout, c.transformer_dropout
    widths = c.depth, c.heads, c.head_width, c.encoder_hidden_width
    expected = PUBLISHED[dataset, features]
    assert (c.learning_rate, c.scheduler, *widths, *dropouts, c.assembly) == expected
    assert (c.batch_size, c.batches_per_epoch, c.epochs, c.weight_decay) == (64, 300, 50, 1e-5)
    assert (c.model_width, c.decoder_hidden_width, c.embedding_width, c.position_width) == (300, 512, 64, 64)
    assert (c.feed_forward_width, c.attention, c.train_window, c.test_window) == (128, "cross", 60, 300)
    assert (c.visual_norm, c.eval_times, c.audio_window, c.bn_padding) == ("time", "seconds", "official", "all")
    assert (c.bn_refresh, c.text_order, c.window_start) == ("none", "by-name", "all")


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


class Embeddings(TCAF):
    """Features that are embeddings already: of videos the audio, of classes the texts."""

    def embed_videos(self, videos: Videos) -> Tensor:
        return videos.audio

    def embed_classes(self, classes: Classes) -> Tensor:
        return classes.embedding()


def test_scores_are_distances_and_one_bias_is_handed_on() -> None:
    task = scoring_task()
    method = Embeddings(
        TCAFConfig(depth=1), FeatureDims(3, 2, {"embedded": 2}), task.classes, seed=0, device=torch.device("cpu")
    )
    videos = Videos(task.videos.audio[:, :2], task.videos.visual)
    scores = method.score(videos, task.classes)
    expected = -(videos.audio.unsqueeze(1) - task.classes.embedding()).square().sum(dim=2).sqrt()
    torch.testing.assert_close(scores, expected)
    assert method.calibration_scorer(task.classes) is None


# --- released weights ---

NORM = ("weight", "bias", "running_mean", "running_var")
HIDDEN, DECODED, POSITION, FEED_FORWARD, LAYERS = 24, 20, 8, 10, 2


def official_shapes(inner: int) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a released checkpoint; `inner` is heads times head width."""
    shapes: dict[str, tuple[int, ...]] = {"cls_token": (1, 1, 300)}
    for net, *widths in (
        ("A_enc", 32, HIDDEN, 300),
        ("V_enc", 40, HIDDEN, 300),
        ("W_proj", 300, 64),
        ("D_w", 64, 300),
        ("O_proj", 300, DECODED, 64),
        ("D_o", 64, DECODED, 300),
    ):
        for number, (inputs, outputs) in enumerate(pairwise(widths)):
            layer, norm = f"{net}.fc.{4 * number}", f"{net}.fc.{4 * number + 1}"
            shapes |= {f"{layer}.weight": (outputs, inputs), f"{layer}.bias": (outputs,)}
            shapes |= {f"{norm}.{entry}": (outputs,) for entry in NORM}
    for block in ("position_encoder_block", "audiovisual_embeddings"):
        shapes |= {
            f"{block}.fourier_randn": (2, POSITION // 2),
            f"{block}.modal_embedding.weight": (2, POSITION),
            f"{block}.fourier_embeddings.weight": (POSITION, POSITION),
            f"{block}.fourier_embeddings.bias": (POSITION,),
            f"{block}.pad_embedding.weight": (1, POSITION),
        }
        for modality in ("audio", "video"):
            shapes[f"{block}.out_proj_{modality}.weight"] = (300, 300 + POSITION, 1)
            shapes[f"{block}.out_proj_{modality}.bias"] = (300,)
    for number in range(LAYERS):
        layer = f"Audio_visual_transformer.layers.{number}"
        shapes |= {f"{layer}.attn.to_{part}.weight": (inner, 300) for part in "qkv"}
        shapes |= {f"{layer}.attn.to_out.0.weight": (300, inner), f"{layer}.attn.to_out.0.bias": (300,)}
        shapes |= {f"{layer}.ff.net.0.weight": (FEED_FORWARD, 300), f"{layer}.ff.net.0.bias": (FEED_FORWARD,)}
        shapes |= {f"{layer}.ff.net.3.weight": (300, FEED_FORWARD), f"{layer}.ff.net.3.bias": (300,)}
        shapes |= {f"{layer}.norm.{entry}": (300,) for entry in ("weight", "bias")}
    return shapes


def released_state(inner: int) -> dict[str, Tensor]:
    state = random_state(official_shapes(inner))
    for name, value in state.items():
        if name.startswith("audiovisual_embeddings."):
            state[name] = state[name.replace("audiovisual_embeddings", "position_encoder_block")].clone()
        elif name.endswith("weight") and value.ndim > 1 and "_embedding." not in name:
            state[name] = value / value.shape[1] ** 0.5
    return state


def released_embedding(state: dict[str, Tensor], audio: Tensor, visual: Tensor, heads: int) -> Tensor:
    """theta_o of one video without padding, `[Ta, Da]` and `[Tv, Dv]`, as the program scores it."""

    def linear(x: Tensor, name: str) -> Tensor:
        weight = state[f"{name}.weight"]
        return x @ weight.reshape(weight.shape[:2]).T + state.get(f"{name}.bias", torch.zeros(()))

    def block(x: Tensor, net: str) -> Tensor:
        for first in (0, 4):
            if f"{net}.fc.{first}.weight" in state:
                weight, bias, mean, variance = (state[f"{net}.fc.{first + 1}.{entry}"] for entry in NORM)
                x = (linear(x, f"{net}.fc.{first}") - mean) / (variance + 1e-5).sqrt() * weight + bias
                x = x.clamp(min=0)
        return x

    def located(x: Tensor, modality: str, row: int) -> Tensor:
        name = "position_encoder_block"
        frequencies = state[f"{name}.fourier_randn"]
        times = torch.arange(len(x), dtype=x.dtype).unsqueeze(1)
        angle = 2 * torch.pi * times * (frequencies[0] + frequencies[1])
        tau = linear(torch.cat((angle.sin(), angle.cos()), dim=1), f"{name}.fourier_embeddings")
        position = state[f"{name}.modal_embedding.weight"][row] + tau
        return linear(torch.cat((x, position), dim=1), f"{name}.out_proj_{modality}")

    audio = located(block(audio / 255, "A_enc"), "audio", 0)
    visual = located(block(visual / visual.norm(dim=0).clamp(min=1e-12), "V_enc"), "video", 1)
    x = torch.cat((state["cls_token"][0], audio, visual))
    part = torch.tensor([0] + [1] * len(audio) + [2] * len(visual))
    forbidden = (part.unsqueeze(1) == part) & (part > 0)
    for number in range(LAYERS):
        layer = f"Audio_visual_transformer.layers.{number}"

        def norm(x: Tensor, layer: str = layer) -> Tensor:
            return F.layer_norm(x, (300,), state[f"{layer}.norm.weight"], state[f"{layer}.norm.bias"])

        query, key, value = (linear(norm(x), f"{layer}.attn.to_{name}").chunk(heads, dim=1) for name in "qkv")
        attended = []
        for q, k, v in zip(query, key, value, strict=True):
            scores = (q @ k.T / q.shape[1] ** 0.5).masked_fill(forbidden, torch.finfo(q.dtype).min)
            attended.append(torch.softmax(scores, dim=1) @ v)
        x = x + linear(torch.cat(attended, dim=1), f"{layer}.attn.to_out.0")
        x = x + linear(F.gelu(linear(norm(x), f"{layer}.ff.net.0")), f"{layer}.ff.net.3")
    return block(x[:1], "O_proj")[0]


@pytest.mark.parametrize(
    ("heads", "head_width", "settings"), [(8, 64, {}), (3, 128, {}), (4, 6, {"heads": 4, "head_width": 6})]
)
def test_released_weights(heads: int, head_width: int, settings: dict[str, int]) -> None:
    state = released_state(heads * head_width)
    # As saved: with the counters of batch normalisation, in the published envelope.
    counters = {name.replace("running_mean", "num_batches_tracked"): torch.tensor(9) for name in state}
    saved = state | {name: value for name, value in counters.items() if name.endswith("tracked")}
    method = load_official(SPEC, {"epoch": 3, "model": saved, "optimizer": {}, "metric": "score"}, **settings)
    assert isinstance(method, TCAF)
    assert method.shape == FeatureDims(32, 40, {"word2vec": 300}, sequences=True)
    c = method.config
    assert (c.depth, c.heads, c.head_width, c.feed_forward_width) == (LAYERS, heads, head_width, FEED_FORWARD)
    assert (c.encoder_hidden_width, c.decoder_hidden_width, c.position_width) == (HIDDEN, DECODED, POSITION)
    assert (c.eval_times, c.text_order, c.calibration) == ("index", "official", "avca")

    generator = torch.Generator().manual_seed(1)
    audio = sequences(255 * torch.rand(12, 32, generator=generator), [4, 1, 3], 0.96)
    visual = sequences(torch.rand(15, 40, generator=generator), [2, 5, 4], 0.64)
    videos = Videos(torch.rand(3, 32), torch.rand(3, 40), audio, visual)
    embedded = method.embed_videos(videos)
    pairs = zip(audio.values.split(4), audio.length, visual.values.split(5), visual.length, strict=True)
    expected = torch.stack([released_embedding(state, a[:m], v[:n], heads) for a, m, v, n in pairs])
    torch.testing.assert_close(embedded, expected, rtol=0, atol=5e-6)
    assert (expected > 0).any()


def test_released_weights_that_do_not_fit() -> None:
    with pytest.raises(CheckpointError, match=r"attn\.to_q\.weight"):
        load_official(SPEC, released_state(24))  # heads that no published setting has, and that are not given
    state = released_state(512)
    state["audiovisual_embeddings.pad_embedding.weight"] += 1
    with pytest.raises(CheckpointError, match=r"contradicting each other: position_encoder_block\.pad_embedding"):
        load_official(SPEC, state)
    with pytest.raises(CheckpointError, match="A_enc and V_enc"):
        load_official(SPEC, released_state(512) | {"V_enc.fc.0.bias": torch.zeros(HIDDEN + 1)})
