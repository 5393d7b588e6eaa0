"""Hyper against numbers obtained with the published program, and the claim that curvature has no effect."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from avca_family import NO_DROPOUT, SMALL, fixture_of
from built_methods import build, values
from paired_cases import FIXTURE, fixture_batch, random_batch
from reference_values import doubles, fill

from avgzsl_baselines.avca import AVCA
from avgzsl_baselines.families.avca_losses import Embedded
from avgzsl_baselines.families.hyperbolic import alignment
from avgzsl_baselines.hyper import Hyper, HyperAlignment, HyperMultiple, HyperPoincare, HyperSingle
from avgzsl_bench import ConfigError, FeatureDims
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.method.settings import build_config


def filled(method: type[Hyper], **settings: Any) -> Any:
    built = fixture_of(method, FIXTURE, **settings)
    fill(built.module.curvature_head, first=17)
    return built


def test_curvature_head() -> None:
    method = build(HyperMultiple, FIXTURE, model_width=2, curvatures=2, gamma=0.36)
    head = method.module.double().curvature_head
    with torch.no_grad():
        head.weight.copy_(doubles([0.1, -0.2, 0.3, 0.4], [0, 0.5, -0.5, 0.25]))
        head.bias.copy_(doubles(0.05, -0.1))
    phi_v, phi_a = doubles([1, 2], [0, 1]), doubles([0.5, 0], [2, 1])
    curvature = method.module.curvature(torch.stack((phi_a, phi_v)))
    assert curvature.shape == (2, 2, 1)
    expected = [[0.1710075, 0.2365238], [0.2522042, 0.1488177]]
    for row, printed in zip(curvature[..., 0].T.tolist(), expected, strict=True):
        assert row == pytest.approx(printed, abs=5.1e-8)


def test_curvatures_lie_between_nothing_and_gamma() -> None:
    net = build(HyperMultiple, FIXTURE, gamma=0.4, curvatures=3).module
    curvature = net.curvature(torch.randn(2, 2, 50, 300).abs())
    assert curvature.shape == (3, 2, 50, 1)
    assert ((curvature > 0) & (curvature < 0.4)).all()
    assert curvature.std() > 1e-3


@pytest.mark.parametrize("gamma", [0.2, 0.01])
def test_whole_loss(gamma: float) -> None:
    embedded = Embedded(
        encoded=doubles([[1, 2, 0], [0.5, 0, 1]], [[0, 1, 1], [2, 0.5, 0]]),
        other_encoded=doubles([[1, 1, 1], [0, 3, 1]], [[0.2, 0, 1], [1, 0, 0]]),
        video=doubles([[1, 0], [0, 2]], [[0, 1], [1, 1]]),
        other_video=doubles([[0, 0], [2, 0]], [[1, -1], [0, 0]]),
        text=doubles([1, 1], [0, 0]),
        other_text=doubles([0, 1], [1, 1]),
        decoded=doubles([[0.5, 0], [0.5, 0.5]], [[1, 0], [0, 1]], [[0, 0], [1, 1]]),
        other_decoded=doubles([[1, 1], [1, 1]], [[0, 1], [1, 1]], [[2, 0], [0, 0]]),
        reconstructed=doubles([[1, 1, 0], [0, 0, 1]], [[0, 1, 0], [1, 1, 0]]),
        target=doubles([0.5, 0.5], [1, 0]),
    )
    losses = values(build(HyperAlignment, FIXTURE, gamma=gamma).terms(embedded))
    assert losses == pytest.approx(
        {
            "base": 1.2071054 + 0.7928930 + 1.0857865 + 2.2071056,
            "contrast": 0.6909835 + 0.4999996,
            "reconstruction": 0.375 + 0.625 + 0.1875,
            "additional": 1.0857861 + 2.2928934,
            "regularization": 0.375 + 0.2083333 + 0.75 + 1.25,
            "alignment": 1e-3 * (0.0004061646 + 0.1426744461),
        },
        abs=2.1e-7,
    )
    # Printed from single precision.
    assert losses["alignment"] == pytest.approx(1e-3 * (0.0004061646 + 0.1426744461), rel=2e-7)
    assert sum(losses.values()) == pytest.approx(13.633529, abs=5.1e-7)


def test_fixture_in_training_mode() -> None:
    method = filled(HyperMultiple, curvatures=2, gamma=0.36)
    e = method.module(fixture_batch(), method.train_text)
    encoded = torch.stack((e.encoded, e.other_encoded), dim=1)
    curvature = method.module.curvature(encoded)
    expected = [0.12131795, 0.22869173, 0.21615174, 0.15275371, 0.14185615, 0.17763511, 0.21737006, 0.17469066]
    assert curvature[:, 0, :, 0].T.flatten().tolist() == pytest.approx(expected, abs=5.1e-9)
    aligned = alignment(encoded.unsqueeze(1), curvature, "cosine")
    for each in aligned.tolist():
        # One unit in the last digit: the second comes out as ...1586.
        assert each == pytest.approx([0.0023833481, 0.0215793158], abs=1e-10)


@pytest.mark.parametrize(
    ("method", "settings"),
    [
        (HyperAlignment, {"gamma": 0.2}),
        (HyperAlignment, {"gamma": 4.0}),
        (HyperSingle, {"gamma": 0.34}),
        (HyperMultiple, {"gamma": 0.36, "curvatures": 2}),
        (HyperMultiple, {"gamma": 0.5, "curvatures": 3}),
    ],
)
def test_fixture_losses_under_adam(method: type[Hyper], settings: dict[str, Any]) -> None:
    for weight, expected in (
        (1e-3, [14.89528550, 10.26521104, 7.25653738, 6.01357060]),
        (0.0, [14.89526154, 10.26518684, 7.25651291, 6.01354541]),
    ):
        built = filled(method, align_weight=weight, **settings)
        trace = [built.train_step(fixture_batch())["total"].item() for _ in range(4)]
        assert trace == pytest.approx(expected, abs=5.1e-9)


@pytest.mark.parametrize(
    ("method", "align_weight", "same"), [(HyperAlignment, 0.0, True), (HyperAlignment, 1, False)]
)
def test_without_its_weight_hyper_is_avca(method: type[Hyper], align_weight: float, same: bool) -> None:
    states = []
    for cls, settings in ((AVCA, {}), (method, {"align_weight": align_weight})):
        torch.manual_seed(0)
        built = build(cls, FeatureDims(6, 5, {"word2vec": 12}), torch.ones(5, 12).cumsum(0), **SMALL, **settings)
        for _ in range(4):
            built.train_step(random_batch(built.shape, 5))
        states.append(built.state_dict())
    avca, hyper = states
    assert avca.keys() == hyper.keys()
    assert all(torch.equal(avca[name], hyper[name]) for name in avca) is same


def test_the_curvature_head_dies() -> None:
    method = filled(HyperMultiple, curvatures=2, gamma=0.36)
    head = method.module.curvature_head
    assert head.weight.abs().max() > 0.03
    for _ in range(100):
        method.train_step(fixture_batch())
    assert head.weight.abs().max() < 4e-4
    for _ in range(100):
        method.train_step(fixture_batch())
    assert head.weight.abs().max() < 2e-6


def test_the_alignment_moves_the_curvature_in_the_poincare_variant() -> None:
    slopes = {}
    for gram in ("cosine", "poincare"):
        method = filled(HyperMultiple, curvatures=2, gamma=0.36, align_weight=1.0, gram=gram)
        method.losses(fixture_batch())["total"].backward()
        slopes[gram] = method.module.curvature_head.weight.grad.abs().max()
    assert slopes["cosine"] < 1e-12
    assert slopes["poincare"] > 1e-5


def test_grams_give_different_losses() -> None:
    aligned = set()
    for gram in ("cosine", "norm_product", "poincare"):
        losses = filled(HyperSingle, gamma=0.3, gram=gram).losses(fixture_batch())
        assert torch.isfinite(losses["total"])
        aligned.add(round(losses["alignment"].item(), 9))
    assert len(aligned) == 3


def test_what_is_not_published_has_a_name_of_its_own() -> None:
    for published in (HyperAlignment, HyperSingle, HyperMultiple):
        with pytest.raises(ConfigError, match=r"not Hyper.*--method hyper_poincare"):
            published.check(published.Config(gram="poincare"), FeatureDims(6, 5, {"word2vec": 12}))
        published.check(published.Config(gram="norm_product"), FeatureDims(6, 5, {"word2vec": 12}))
    with pytest.raises(ConfigError, match="--method hyper_single"):
        HyperPoincare.check(HyperPoincare.Config(gram="cosine"), FeatureDims(6, 5, {"word2vec": 12}))
    spec = method_spec("hyper_poincare")
    for preset in (None, "official"):
        config = build_config(spec, HyperPoincare.Config, "ucf", "selavi", {}, preset)
        assert (config.gram, config.align_weight, config.gamma) == ("poincare", 1.0, 0.34)
        HyperPoincare.check(config, FeatureDims(6, 5, {"word2vec": 12}))


@pytest.mark.parametrize("gram", ["norm_product", "poincare"])
def test_other_grams_train(gram: str) -> None:
    torch.manual_seed(0)
    shape = FeatureDims(6, 5, {"word2vec": 12})
    method = build(HyperMultiple, shape, torch.randn(5, 12), **SMALL, **NO_DROPOUT, gram=gram, align_weight=1.0)
    batch = random_batch(shape, 5)
    trace = [method.train_step(batch)["total"].item() for _ in range(30)]
    assert trace[-1] < trace[0] - 1
