"""STFT on sequences, and its scores."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from built_methods import MAIN, values
from paired_cases import random_batch
from stft_cases import make, small

from avgzsl_bench import Sequences, Videos


def sequences(lengths: list[int], width: int, seed: int) -> Sequences:
    generator = torch.Generator().manual_seed(seed)
    length = torch.tensor(lengths)
    steps = torch.randn(sum(lengths), width, generator=generator)
    return Sequences(steps, length.cumsum(0) - length, length, longest=max(lengths), seconds=1.0)


def sequence_videos() -> Videos:
    """Four videos whose vectors are the means of their steps."""
    audio, visual = sequences([1, 3, 7, 25], 6, 0), sequences([10, 4, 1, 3], 7, 1)
    means = [
        torch.stack([s.values[f : f + n].mean(dim=0) for f, n in zip(s.first, s.length, strict=True)])
        for s in (audio, visual)
    ]
    return Videos(*means, audio, visual)


def test_step_t_reads_frame_t_l_over_T() -> None:
    method, videos = small(), sequence_videos()
    inputs = method._inputs(videos)
    assert inputs.audio_steps.shape == (4, 10, 6)
    assert inputs.visual_steps.shape == (4, 10, 7)
    for video, length in enumerate((1, 3, 7, 25)):
        for t in range(10):
            row = videos.audio_steps.first[video] + (t * length) // 10
            assert torch.equal(inputs.audio_steps[video, t], videos.audio_steps.values[row])
    assert torch.equal(inputs.audio, videos.audio)


def test_steps_reach_the_spiking_branches_and_nothing_else() -> None:
    method, videos = small(), sequence_videos()
    net = method.module.eval()
    steps, vectors = (method._inputs(v) for v in (videos, Videos(videos.audio, videos.visual)))
    assert torch.equal(net.encode(steps, [4]), net.encode(vectors, [4]))
    assert (net.temporal(steps) - net.temporal(vectors)).abs().max() > 0.1
    assert (method.embed_videos(videos) - method.embed_videos(Videos(videos.audio, videos.visual))).any()


def test_a_sequence_of_one_step_is_a_vector() -> None:
    method, videos = small(), sequence_videos()
    vectors = Videos(videos.audio, videos.visual)
    single = replace(
        vectors, audio_steps=Sequences.of_vectors(videos.audio), visual_steps=Sequences.of_vectors(videos.visual)
    )
    torch.testing.assert_close(method.score(single, method.classes), method.score(vectors, method.classes))


def test_the_order_of_steps_matters() -> None:
    method, videos = small(), sequence_videos()
    values = videos.visual_steps.values.clone()
    values[:10] = values[:10].flip(0)
    turned = replace(videos, visual_steps=replace(videos.visual_steps, values=values))
    before, after = (method.score(v, method.classes) for v in (videos, turned))
    assert (before[0] - after[0]).abs().max() > 1e-4
    torch.testing.assert_close(before[1:], after[1:])


def test_training_on_sequences() -> None:
    method, videos = small(), sequence_videos()
    batch = random_batch(method.shape, 5, size=4)
    steps = {"audio_steps": videos.audio_steps, "visual_steps": videos.visual_steps}
    assert values(method.losses(replace(batch, **steps, negative=replace(batch.negative, **steps))))["total"] > 0
    method.losses(replace(batch, **steps, negative=replace(batch.negative, **steps)))["total"].backward()
    assert method.module.spiking.visual_input.weight.grad.any()


def test_scores_are_distances_of_the_chosen_embedding() -> None:
    embedded = {}
    for score_on in ("av", "visual", "audio"):
        method = small(score_on=score_on)
        batch = random_batch(method.shape, 5)
        method.module.eval()
        videos = Videos(batch.audio, batch.visual)
        embedded[score_on] = method.embed_videos(videos)
        distance = (embedded[score_on][2] - method.embed_classes(method.classes)[3]).norm()
        assert method.score(videos, method.classes)[2, 3].item() == pytest.approx(-distance.item(), abs=1e-6)
    torch.testing.assert_close(embedded["av"], (embedded["audio"] + embedded["visual"]) / 2)
    assert (embedded["audio"] - embedded["visual"]).abs().max() > 1e-3
    _, video = small().module.eval().embed_videos(method._inputs(videos), [8])
    torch.testing.assert_close(embedded["audio"], video[0])


def test_scores_do_not_depend_on_how_many_are_scored() -> None:
    torch.manual_seed(0)
    method = make(MAIN, torch.randn(3, 300), time_steps=4)
    videos = Videos(torch.randn(300, 512), torch.randn(300, 512))
    scores = method.score(videos, method.classes)
    assert torch.equal(method.score(videos, method.classes), scores)
    for rows in (slice(0, 1), slice(1, 4), slice(100, 233)):
        torch.testing.assert_close(
            method.score(videos.take(rows), method.classes), scores[rows], rtol=1e-5, atol=1e-6
        )


def test_scoring_fires_in_double_precision() -> None:
    """In single precision rounding made a neuron of one video in some 300 depend on the size of the product."""
    method = small()
    batch, seen = random_batch(method.shape, 5), []
    method.module.spiking.register_forward_hook(
        lambda module, inputs, output: seen.append((inputs[0].dtype, output.dtype))
    )
    method.losses(batch)
    method.score(Videos(batch.audio, batch.visual), method.classes)
    assert seen == [(torch.float32, torch.float32), (torch.float64, torch.float64)]
    assert method.module.spiking.audio_input.weight.dtype == torch.float32
