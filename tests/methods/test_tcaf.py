"""TCAF against numbers obtained with the published program, to their printed digits."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from built_methods import passes, values
from joint_space import fixed_embedded
from paired_cases import scoring_example, scoring_task
from reference_values import PRINTED_8, PRINTED_10
from tcaf_cases import fixture_batch, fixture_method, pair_of, videos_of

from avgzsl_baselines.clipclap import base_losses
from avgzsl_baselines.families.timed_sequences import AudioVisual
from avgzsl_baselines.tcaf import TCAF
from avgzsl_bench import Videos

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
