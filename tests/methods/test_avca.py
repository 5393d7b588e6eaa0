"""AVCA against numbers obtained with the published program, to their printed digits."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from avca_cases import fixture_method
from built_methods import parameters, values
from paired_cases import FIXTURE_TEXT, fixture_batch, rounded, scoring_example, scoring_task, validated
from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines.avca import AVCA
from avgzsl_baselines.families.avca_losses import Embedded, avca_losses, cross_triplets
from avgzsl_baselines.families.layers import LinearBlock
from avgzsl_baselines.families.triplet import triplet_loss
from avgzsl_bench import Videos


def test_losses_are_the_seventeen_terms() -> None:
    generator = torch.Generator().manual_seed(0)

    def draw(*size: int) -> Tensor:
        return torch.rand(size, generator=generator, dtype=torch.float64)

    e = Embedded(
        encoded=draw(2, 6, 8),
        other_encoded=draw(2, 6, 8),
        video=draw(2, 6, 5),
        other_video=draw(2, 6, 5),
        text=draw(6, 5),
        other_text=draw(6, 5),
        decoded=(draw(6, 9), draw(6, 9)),
        other_decoded=(draw(6, 9), draw(6, 9)),
        text_decoded=draw(6, 9),
        reconstructed=draw(2, 6, 8),
        target=draw(6, 9),
    )
    tri, mse = F.triplet_margin_loss, F.mse_loss
    w, w_, both = e.text, e.other_text, range(2)
    expected = {
        "base": sum(tri(w, e.video[m], e.other_video[m]) + tri(e.video[m], w, w_) for m in both),
        "contrast": sum(tri(e.text_decoded, e.decoded[m], e.other_decoded[m]) for m in both),
        "reconstruction": sum(mse(x, e.target) for x in (*e.decoded, e.text_decoded)),
        "additional": sum(0.3 * tri(e.video[m], w, e.other_video[m]) + 0.7 * tri(w, e.video[m], w_) for m in both),
        "regularization": sum(mse(e.reconstructed[m], e.encoded[m]) + mse(e.video[m], w) for m in both),
    }
    losses = avca_losses(e, margin=1.0, k1=0.3, k2=0.7, regularization=True)
    assert values(losses) == pytest.approx(values(expected), abs=1e-13)
    without = avca_losses(e, margin=1.0, k1=0.3, k2=0.7, regularization=False)
    del expected["regularization"]
    assert values(without) == pytest.approx(values(expected), abs=1e-13)


def test_negatives_equal_to_positives() -> None:
    method, batch = fixture_method(), fixture_batch()
    losses = values(method.losses(replace(batch, negative=replace(batch))))
    e = fixture_method().module(batch, method.train_text)
    near = [F.pairwise_distance(e.video[m], e.text).mean().item() for m in range(2)]
    triplets = losses["base"] + losses["contrast"] + losses["additional"]
    assert losses["base"] + losses["contrast"] == pytest.approx(6, abs=1e-12)
    assert triplets == pytest.approx(10 + 2 * sum(near), abs=1e-4)


def test_fixture_in_evaluation_mode() -> None:
    method, batch = fixture_method(), fixture_batch()
    assert parameters(method.module) == 492_814
    net = method.module.eval()
    encoded, video = net.embed_videos(batch.audio, batch.visual, [4])
    text = net.embed_texts(FIXTURE_TEXT[:4])
    first = [0.17555122, 0.00345687, 0.05137895, 0.06074166]
    assert encoded[0, 0, :4].tolist() == pytest.approx(first, abs=5.1e-9)
    assert encoded.sum(dim=(1, 2)).tolist() == pytest.approx([57.32888989, 66.93292261], abs=5.1e-9)
    exchanged = net.transformer(encoded + net.positions.unsqueeze(1))
    audio_token = [-0.07941300, 0.02779888, 1.43467699, 0.63419052]
    assert exchanged[0, 0, :4].tolist() == pytest.approx(audio_token, abs=5.1e-9)
    visual_token = [0.12125849, 0.65415726, 0.61180143, 0.38332605]
    assert exchanged[1, 0, :4].tolist() == pytest.approx(visual_token, abs=5.1e-9)
    assert exchanged.sum().item() == pytest.approx(259.57111792, abs=5.1e-9)
    for embedded, expected in (
        (video[0], [0, 0.20782518, 0, 0.13446922, 0, 0]),
        (video[1], [0, 0.00838170, 0, 0.04428154, 0.09207628, 0]),
        (text, [0.03626094, 0, 0, 0.11422014, 0.00545833, 0]),
    ):
        assert embedded[0, :6].tolist() == pytest.approx(expected, abs=5.1e-9)
    sums = [x.sum().item() for x in (*video, text)]
    assert sums == pytest.approx([37.95542678, 20.78861345, 7.99437741], abs=5.1e-9)
    scores = method.score(Videos(batch.audio, batch.visual), method.classes.take(torch.arange(4)))
    expected = [0.59933735, 0.56675054, 0.57230855, 0.59508604]
    assert scores[0].neg().tolist() == pytest.approx(expected, abs=5.1e-9)


def test_fixture_in_training_mode() -> None:
    method = fixture_method()
    e = method.module(fixture_batch(), method.train_text)
    tensors = (*e.encoded, *e.video, e.text, *e.decoded, e.text_decoded, *e.reconstructed)
    expected = [517.86214039, 518.81407119, 110.41505540, 110.33612781, 103.13554704]
    expected += [518.75621180, 519.80507337, 507.81181714, 524.92164407, 520.62767011]
    assert [x.sum().item() for x in tensors] == pytest.approx(expected, abs=5.1e-9)
    assert all((x >= 0).all() for x in tensors)
    triplets = cross_triplets(e, 1.0)
    both = range(2)
    contrast = [triplet_loss(e.text_decoded, e.decoded[m], e.other_decoded[m]).item() for m in both]
    for term, printed in (
        (triplets.text_video_video.tolist(), [1.3417887842, 1.3167463561]),
        (triplets.video_text_text.tolist(), [1.0627267069, 1.1719086324]),
        (contrast, [1.2396522071, 1.4792981497]),
        (triplets.video_text_video.tolist(), [1.0707411204, 1.3040390527]),
        (triplets.text_video_text.tolist(), [0.5529207172, 0.3442463077]),
        ([F.mse_loss(x, e.target).item() for x in e.decoded], [0.5092024206, 0.5067216532]),
        ([F.mse_loss(e.reconstructed[m], e.encoded[m]).item() for m in both], [0.6248437385, 0.6076275220]),
        ([F.mse_loss(e.video[m], e.text).item() for m in both], [0.6383655369, 0.6138177968]),
        ([F.mse_loss(e.text_decoded, e.target).item()], [0.5106148365]),
    ):
        assert term == pytest.approx(printed, abs=5.1e-11)


@pytest.mark.parametrize("momentum", [0.1, 0.99])
def test_fixture_losses_under_adam(momentum: float) -> None:
    method, batch = fixture_method(momentum=momentum), fixture_batch()
    trace = [method.train_step(batch)["total"].item() for _ in range(6)]
    assert trace[0] == pytest.approx(14.8952615390, abs=5.1e-11)
    expected = [14.89526154, 10.26518684, 7.25651291, 6.01354541, 4.83043293, 4.17210919]
    assert trace == pytest.approx(expected, abs=5.1e-9)


def embedded_sums(method: AVCA) -> list[float]:
    batch, net = fixture_batch(), method.module.eval()
    _, video = net.embed_videos(batch.audio, batch.visual, [4])
    return [x.sum().item() for x in (*video, net.embed_texts(FIXTURE_TEXT[:4]))]


# After an update the last printed digits depend on how products are summed.
AFTER_UPDATES = 2e-8


@pytest.mark.parametrize(
    ("momentum", "bn_refresh", "expected"),
    [
        (0.1, "official", [67.91587691, 15.98483289, 7.12044072]),
        (0.1, "none", [63.09731693, 16.34831407, 7.38192183]),
        (0.99, "official", [159.73737833, 74.45449392, 7.12044072]),
        (0.99, "none", [284.95721492, 64.39789129, 7.38192183]),
    ],
)
def test_fixture_after_one_iteration(momentum: float, bn_refresh: str, expected: list[float]) -> None:
    method = fixture_method(momentum=momentum, bn_refresh=bn_refresh)
    method.train_step(fixture_batch())
    assert embedded_sums(method) == pytest.approx(expected, abs=AFTER_UPDATES)


@pytest.mark.parametrize(
    ("momentum", "expected"),
    [(0.1, [53.42314691, 41.39215299, 9.44152169]), (0.99, [95.22509220, 65.32222723, 9.44152169])],
)
def test_fixture_after_six_iterations(momentum: float, expected: list[float]) -> None:
    method = fixture_method(momentum=momentum)
    for block in method.module.modules():
        if isinstance(block, LinearBlock):  # before batch normalisation, where Adam would amplify rounding
            block.linear.bias.register_hook(torch.zeros_like)
    for _ in range(6):
        method.train_step(fixture_batch())
    assert embedded_sums(method) == pytest.approx(expected, abs=AFTER_UPDATES)


def test_scoring_example() -> None:
    task, method = scoring_task(), scoring_example(AVCA, lambda videos: videos.visual)
    figures, bias = validated(method)
    assert rounded(figures) == (0.75, 0.75, 0.75, 0.75)
    assert bias == pytest.approx(0.2)
    for bias, expected in (
        (0.0, (0.75, 0.25, 0.375)),
        (0.6, (0.75, 0.75, 0.75)),
        (0.8, (0.5, 0.75, 0.6)),
        (1.6, (0.5, 0.75, 0.6)),
        (1.8, (0.0, 0.75, 0.0)),
    ):
        assert rounded(validated(method, bias)[0])[:3] == expected
    assert method.calibration_scorer(task.classes) is None
