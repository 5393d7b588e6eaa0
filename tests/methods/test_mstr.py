"""MSTR against numbers obtained with the published program, and its tensor regression layer against arithmetic."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest
import torch
from avca_family import NO_DROPOUT, SMALL, fixture_of
from avmst_cases import FIXTURE, FORMS, batch_of_fixture, fill_spiking, traced
from built_methods import CLS, MAIN, assert_same_statistics, build, parameters
from paired_cases import FIXTURE_TEXT, random_batch
from reference_values import PRINTED_8, doubles, weight

from avgzsl_baselines.families.paired import paired
from avgzsl_baselines.families.tensor_regression import TensorRegression
from avgzsl_baselines.mstr import MSTR, MSTRConfig
from avgzsl_bench import ConfigError, FeatureDims


def filled(**settings: Any) -> MSTR:
    method = fixture_of(MSTR, FIXTURE, spiking_hidden_width=8, tensor_rank=7, **settings)
    net = method.module
    fill_spiking(net)
    with torch.no_grad():
        for first, layer in ((31, net.audio_regression), (34, net.visual_regression)):
            for tag, factor in enumerate((layer.input_factor, layer.core, layer.output_factor), start=first):
                factor.copy_(weight(*factor.shape, tag))
            layer.middle_factors.copy_(doubles(1.5, -0.8))
            layer.bias.fill_(0.05)
        for t in range(2):
            net.tensor_positions[t] = (((3 * torch.arange(300) + 5 * t) % 13) - 6).double() / 50
    return method


def small(fidelity: str, **settings: Any) -> MSTR:
    torch.manual_seed(0)
    widths = SMALL | NO_DROPOUT | {"spiking_hidden_width": 11, "tensor_rank": 3}
    shape = FeatureDims(6, 6, {"word2vec": 12})
    return build(MSTR, shape, torch.randn(5, 12), fidelity=fidelity, **widths | settings)


# --- tensor regression ---


def test_tensor_regression_by_hand() -> None:
    layer = TensorRegression(2, 2, 2).double()
    with torch.no_grad():
        layer.input_factor.copy_(torch.eye(2))
        layer.core.copy_(doubles([1, 0], [0, 2]))
        layer.output_factor.copy_(doubles([1, 1], [0, 1]))
        layer.middle_factors.copy_(doubles(2, 0.25))
        layer.bias.fill_(0.1)
    assert layer(doubles([1, 2]))[0].tolist() == pytest.approx([2.6, 2.1], abs=1e-15)


def test_the_tensor_path_starts_silent() -> None:
    torch.manual_seed(0)
    layer = TensorRegression(512, 300, 400)
    assert parameters(layer) == 414_803
    assert layer.bias.item() == 0
    factors = [p for p in layer.parameters() if p is not layer.bias]
    assert all(0.0 < p.abs().max().item() <= 0.1 for p in factors)
    unit = torch.nn.functional.normalize(torch.randn(64, 512))
    assert 0 < layer(unit).abs().mean().item() < 1e-3


def test_the_shift_of_the_tensor_path_is_inert() -> None:
    method, batch = filled(), batch_of_fixture()
    net = method.module.eval()
    before = net.embed_videos(batch.audio, batch.visual, [4])[1]
    with torch.no_grad():
        net.audio_regression.bias.add_(3)
        net.visual_regression.bias.sub_(2)
    after = net.embed_videos(batch.audio, batch.visual, [4])[1]
    torch.testing.assert_close(after, before, rtol=0, atol=1e-13)


# --- the network ---


@pytest.mark.parametrize(
    ("form", "rates", "encoded", "fused", "embedded"),
    [
        (
            "released",
            [22.5, 38.6, 44.2, 40.5],
            [138.44710370, -3.09589366],
            [475.53421942, 178.18879680],
            [118.30377705, 73.81952371],
        ),
        (
            "repaired",
            [22.5, 30.5, 23.0, 39.6],
            [138.44710370, -3.09804476],
            [475.53254239, 178.21008633],
            [118.30551409, 73.81870902],
        ),
    ],
)
def test_fixture_in_evaluation_mode(form: str, rates: Any, encoded: Any, fused: Any, embedded: Any) -> None:
    method, batch = filled(fidelity=form), batch_of_fixture()
    net = method.module
    assert (parameters(net), method.parameter_count()) == (683_224, 682_024)
    pairs = paired(batch)
    fired = net.firing_rates(pairs.audio, pairs.visual, pairs.sizes)
    sums = [fired[m, part].sum().item() for part in (slice(4), slice(4, 8)) for m in range(2)]
    assert sums == pytest.approx(rates, abs=1e-9)
    net.eval()
    regressed = net.audio_regression(batch.audio), net.visual_regression(batch.visual)
    assert [t.sum().item() for t in regressed] == pytest.approx([59.89865678, 54.12947953], abs=PRINTED_8)
    first = [0.00197134, 0.04204918, 0.06351603]
    assert regressed[0][0, :3].tolist() == pytest.approx(first, abs=PRINTED_8)
    for found, printed in zip(net.fuse(batch.audio, batch.visual, [4]), (encoded, fused), strict=True):
        assert found.sum(dim=(1, 2)).tolist() == pytest.approx(printed, abs=PRINTED_8)
    video = net.embed_videos(batch.audio, batch.visual, [4])[1]
    assert video.sum(dim=(1, 2)).tolist() == pytest.approx(embedded, abs=PRINTED_8)
    assert net.embed_texts(FIXTURE_TEXT[:4]).sum().item() == pytest.approx(7.99437741, abs=PRINTED_8)
    if form == "released":
        assert video[1, 0, :4].tolist() == pytest.approx([0.67523730, 0, 0, 1.20010352], abs=PRINTED_8)


@pytest.mark.parametrize(
    ("form", "losses", "trace", "after"),
    [
        (
            "released",
            [5.02237169, 4.12913611, 1.54256186, 1.77541776, 3.52224084],
            [15.99172826, 6.75794529, 8.18361141, 6.36964953],
            [53.463555, 76.542448, 7.092636],
        ),
        (
            "repaired",
            [5.02385811, 4.12802838, 1.54219557, 1.77183324, 3.52214714],
            [15.98806244, 6.46985556, 7.93412709, 7.02359117],
            [64.703224, 53.301929, 7.129256],
        ),
    ],
)
def test_fixture_in_training(form: str, losses: Any, trace: Any, after: Any) -> None:
    """Some potentials meet the threshold exactly: later losses can differ by rounding that decides a spike."""
    terms, totals, embedded = traced(filled(fidelity=form))
    assert terms == pytest.approx(losses, abs=PRINTED_8)
    assert totals[0] == pytest.approx(trace[0], abs=PRINTED_8)
    assert totals == pytest.approx(trace, abs=1e-6)
    assert embedded == pytest.approx(after, abs=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_each_modality_attends_to_the_tensor_path_of_the_other(form: str) -> None:
    net = small(form).module.eval()
    batch = random_batch(FeatureDims(6, 6, {"word2vec": 12}), 5)
    phi, fused = net.fuse(batch.audio, batch.visual, [8])
    torch.testing.assert_close(phi, net.encode(batch.audio, batch.visual, [8]))
    pos, tensor_pos = net.positions, net.tensor_positions
    t = net.audio_regression(batch.audio), net.visual_regression(batch.visual)
    y = net.transformer(torch.stack((phi[0] + pos[0], phi[1] + pos[1])))
    z = net.transformer(torch.stack((t[0] + tensor_pos[0], t[1] + tensor_pos[1])))
    e, s = [phi[m] + y[m] for m in range(2)], [t[m] + z[m] for m in range(2)]
    of_audio = net.transformer(torch.stack((e[0] + pos[0], s[1] + tensor_pos[0])))[0]
    of_visual = net.transformer(torch.stack((e[1] + pos[1], s[0] + tensor_pos[1])))[0]
    torch.testing.assert_close(fused, torch.stack((of_audio, of_visual)))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("train_positions", [False, True])
def test_all_but_the_positions_is_trained_in_both_forms(form: str, train_positions: bool) -> None:
    method = small(form, train_positions=train_positions)
    with torch.no_grad():  # so that neurons of both networks fire
        for branch in (method.module.audio_spiking, method.module.visual_spiking):
            branch.hidden.weight.mul_(3)
            branch.output.bias.add_(0.4)
    before = {name: p.clone() for name, p in method.module.named_parameters()}
    for _ in range(3):
        method.train_step(random_batch(method.shape, 5))
    same = {name for name, p in method.module.named_parameters() if torch.equal(p, before[name])}
    assert same == (set() if train_positions else {"positions", "tensor_positions"})


@pytest.mark.parametrize("form", FORMS)
def test_the_further_pass_moves_statistics_as_embedding_does(form: str) -> None:
    net = small(form).module
    batch, plain = random_batch(FeatureDims(6, 6, {"word2vec": 12}), 5), deepcopy(net)
    net.update_statistics(batch.audio, batch.visual)
    plain.embed_videos(batch.audio, batch.visual, [8])
    assert_same_statistics(net, plain)


def test_the_released_form_needs_features_of_one_width() -> None:
    with pytest.raises(ConfigError, match=r"fidelity=released.*128 and 4096.*repaired"):
        MSTR.check(MSTRConfig(fidelity="released"), CLS)
    MSTR.check(MSTRConfig(fidelity="released"), MAIN)
    MSTR.check(MSTRConfig(), CLS)
