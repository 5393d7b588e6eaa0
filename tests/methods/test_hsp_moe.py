"""HSP-MoE against numbers obtained with the published program, to their printed digits."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from built_methods import CLIP_CLAP, CLS, MAIN, build, values
from joint_space import fixture_batch
from reference_values import AUDIO, PRINTED_8, PRINTED_10, VISUAL, T, doubles, fill
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize

from avgzsl_baselines.families.expert_mixture import ExpertMixture
from avgzsl_baselines.families.hsp_losses import dp_loss, hup_loss, rp_loss
from avgzsl_baselines.hsp_moe import HspMoe, HspMoeConfig
from avgzsl_bench import Batch, ConfigError, FeatureDims, Videos
from avgzsl_bench.testing.method_checks import CHECKS
from avgzsl_bench.testing.trial import Trial, tiny_dims

SHAPE = FeatureDims(AUDIO, VISUAL, {"clip": VISUAL, "clap": AUDIO})
LABEL = torch.tensor([0, 1, 0])
Z = normalize(doubles([1, 0, 2], [0.5, 1.5, 0], [-1, 0.5, 1]))
Z_C = normalize(doubles([0.8, 0.1, 1.5], [0.2, 1, 0.3], [0, 0.4, 0.9]))
X = normalize(doubles([0.6, 0.8, 1, 0], [0.8, -0.6, 0.6, 0.8], [0, 1, 0.28, 0.96]))
W = normalize(doubles([1, 0, 0.6, 0.8], [0.6, 0.8, 0, 1], [0, -1, 0.8, 0.6]))


def texts() -> Tensor:
    """Both texts of five classes: the parts of one vector, each of unit norm."""
    rows = T(5, 0)
    return torch.cat([normalize(rows[:, :VISUAL]), normalize(rows[:, VISUAL : VISUAL + AUDIO])], dim=1)


def batch() -> Batch:
    given = fixture_batch()
    return Batch(normalize(given.audio), normalize(given.visual), given.label)


def fixture_method(**settings: Any) -> HspMoe:
    """The fixture's network; its mixture has experts of 8 hidden units and a router of 9 and 3."""
    defaults = {"model_width": 7, "hidden_width": 6, "embedding_width": 4, "dropout": 0.0, "moe_dropout": 0.0}
    defaults |= {"learning_rate": 1e-3, "weight_decay": 1e-5, "bn_refresh": "official"}
    method = build(HspMoe, SHAPE, texts(), **{**defaults, **settings})
    net = method.module
    if net.mixture is not None:
        net.mixture = ExpertMixture(AUDIO, VISUAL, 4, 8, (9, 3), 0.0, 1.0)
        fill(*(part for part in net.double().mixture.modules() if isinstance(part, torch.nn.Linear)), first=51)
    net.double()
    method.optimizer = method.build_optimizer()
    text = (net.text_projection, net.text_decoder)
    fill(net.video_encoder.block, net.text_encoder, *net.video_projection, *net.video_decoder, *text)
    return method


def test_losses_of_fixed_tensors() -> None:
    logits = Z @ Z_C.T / 0.1
    assert logits[0].tolist() == pytest.approx([9.97928890, 3.36562530, 8.17337897], abs=PRINTED_8)
    assert cross_entropy(logits, LABEL).item() == pytest.approx(1.56753093, abs=PRINTED_8)
    assert dp_loss(Z, Z_C, X, W, 2.0).item() == pytest.approx(0.12408002, abs=PRINTED_8)
    assert rp_loss(Z, X).item() == pytest.approx(0.02918663, abs=PRINTED_8)
    assert hup_loss(Z, LABEL, 2.0).item() == pytest.approx(4.49625273, abs=PRINTED_8)


def test_without_a_pair_of_different_classes_there_is_nothing_to_spread() -> None:
    z = Z.clone().requires_grad_()
    loss = hup_loss(z, torch.zeros(3, dtype=torch.int64), 2.0)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(z.grad, torch.zeros_like(Z))


def test_dp_is_0_only_where_the_softmaxes_agree() -> None:
    assert dp_loss(Z, Z_C, Z, Z_C, 2.0).item() == pytest.approx(0, abs=1e-15)
    assert dp_loss(Z, Z_C, Z, Z_C.flip(0), 2.0).item() > 1e-3


FULL = {"ce": 6.5759094537, "dp": 0.0653695581, "rp": 0.1828884508, "hup": 6.1374853540}
OFF = {"ce": 7.3915959072, "dp": 0.0800381787, "rp": 0.2228357905, "hup": 6.3727701087}
BOTH = {"reg": 0.6790490839, "rec": 1.1748386664}
CASES = {
    "on": (
        1017,
        FULL | BOTH,
        [8.4311266484, 7.8066862255, 7.3284888190, 6.8411137485],
        [6.1864955920, 7.1088898416],
        [0.7547535574, -0.2764430719, 0.0265104179, 0.5943260834],
    ),
    "off": (
        486,
        OFF | BOTH,
        [9.2468828170, 8.8353688759, 8.5163357098, 8.2027084770],
        [5.3342294380, 7.0475917842],
        [0.9904972274, 0.1375326964, 0, 0],
    ),
}


@pytest.mark.parametrize("moe", ["on", "off"])
def test_fixture_over_four_updates(moe: str) -> None:
    parameters, losses, totals, sums, first = CASES[moe]
    method, given = fixture_method(moe=moe), batch()
    assert method.parameter_count() == parameters
    embedded = fixture_method(moe=moe).module(given, method.train_text)
    assert embedded.direction[0].tolist() == pytest.approx(first, abs=PRINTED_10)
    trace = [values(method.train_step(given)) for _ in range(4)]
    assert trace[0] == pytest.approx(losses | {"total": totals[0]}, abs=PRINTED_10)
    assert [step["total"] for step in trace] == pytest.approx(totals, abs=PRINTED_10)
    method.module.eval()
    z = method.learnt_videos(Videos(given.audio, given.visual))
    z_c = method.learnt_classes(method.classes)
    assert [z.sum().item(), z_c.sum().item()] == pytest.approx(sums, abs=1e-9)


def test_what_the_mixture_gives() -> None:
    mixture, given = fixture_method().module.mixture, batch()
    assert mixture is not None
    weights = mixture.weights(given.audio, given.visual)
    assert weights[0].tolist() == pytest.approx([0.3704206030, 0.2961959879, 0.3333834091], abs=PRINTED_10)
    expected = [0.0805906710, -0.5298393322, 0.0376215356, 0.8434216300]
    assert mixture(given.audio, given.visual)[0].tolist() == pytest.approx(expected, abs=PRINTED_10)


def test_directions_are_on_the_sphere_and_lengths_do_not_count() -> None:
    method, given = fixture_method(), batch()
    embedded = method.module(given, method.train_text)
    for directions in (embedded.direction, embedded.class_direction):
        torch.testing.assert_close(directions.norm(dim=1), torch.ones(len(directions), dtype=torch.float64))
    longer = method.module.direction(3 * embedded.video, given.audio, given.visual)
    torch.testing.assert_close(longer, embedded.direction)


def test_a_mixture_without_weight_is_no_mixture() -> None:
    off, given = fixture_method(moe="off"), batch()
    idle = fixture_method(moe_weight=0)
    assert idle.module.mixture is not None
    before = [p.detach().clone() for p in idle.module.mixture.parameters()]
    for _ in range(3):
        assert values(idle.train_step(given)) == pytest.approx(values(off.train_step(given)), abs=1e-12)
    videos = Videos(given.audio, given.visual)
    torch.testing.assert_close(idle.score(videos, idle.classes), off.score(videos, off.classes))
    moved = [not torch.equal(p, q) for p, q in zip(before, idle.module.mixture.parameters(), strict=True)]
    assert any(moved), "no gradient, but decay"


def test_losses_without_weight_are_not_computed() -> None:
    method = fixture_method(dp_weight=0, rp_weight=0, hup_weight=0)
    losses = values(method.losses(batch()))
    assert losses.keys() == {"total", "ce", "reg", "rec"}
    assert losses["total"] == pytest.approx(losses["ce"] + losses["reg"] + losses["rec"])


def test_without_dp_and_raw_distances_any_texts_will_do() -> None:
    shape = FeatureDims(AUDIO, VISUAL, {"word2vec": 11})
    method = build(HspMoe, shape, texts().float(), dp_weight=0, far_weight=1)
    HspMoe.check(method.config, shape)
    assert method.learnt_videos(Videos(torch.rand(2, AUDIO), torch.rand(2, VISUAL))).shape == (2, 64)
    assert method.embed_classes(method.classes).shape == (5, 64)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({}, r"^dp_weight=0.001 and far_weight=0.5: .*'clip' of the visual width 4096.*; set dp_weight=0 and far"),
        ({"far_weight": 1}, r"^dp_weight=0.001: .*; set dp_weight=0$"),
        ({"dp_weight": 0}, r"^far_weight=0.5: .*; set far_weight=1$"),
    ],
)
def test_without_joint_spaces_two_parts_have_to_be_off(settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        HspMoe.check(HspMoeConfig(**settings), CLS)
    HspMoe.check(HspMoeConfig(dp_weight=0, far_weight=1), CLS)
    HspMoe.check(HspMoeConfig(), CLIP_CLAP)


def test_a_single_modality_has_no_mixture_and_no_raw_half() -> None:
    with pytest.raises(ConfigError, match="modality=audio leaves a part of them out"):
        HspMoe.check(HspMoeConfig(modality="audio"), CLIP_CLAP)
    for part, count in (({"modality": "audio"}, 1_713_536), ({"text": "clip"}, 1_713_536)):
        assert build(HspMoe, CLIP_CLAP, dp_weight=0, far_weight=1, **part).parameter_count() == count


@pytest.mark.parametrize(
    ("shape", "moe", "expected"),
    [
        (CLIP_CLAP, "on", 2_776_131),
        (CLIP_CLAP, "off", 2_237_824),
        (CLS, "on", 4_379_715),
        (MAIN, "on", 1_717_315),
    ],
)
def test_parameters(shape: FeatureDims, moe: str, expected: int) -> None:
    assert build(HspMoe, shape, moe=moe).parameter_count() == expected


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_it_keeps_to_the_contract_with_all_its_parts(check: Any) -> None:
    """By default the trial has the settings for features without a joint space."""
    trial = Trial.of("hsp_moe")
    needs = replace(trial.spec.needs, joint={"visual": "clip", "audio": "clap"})
    whole = trial.config.model_copy(update={"dp_weight": 0.001, "far_weight": 0.5})
    check(replace(trial, config=whole).on(tiny_dims(needs)))
