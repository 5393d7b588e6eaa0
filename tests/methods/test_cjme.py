"""CJME against numbers obtained with the published program, to their printed digits, and its losses."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from built_methods import assert_same_statistics, build, passes, values
from paired_cases import (
    FIXTURE,
    FIXTURE_TEXT,
    fill_branches,
    fixture_batch,
    official_branches,
    random_batch,
    rounded,
    scoring_example,
    scoring_task,
    validated,
)
from reference_values import doubles, fill
from released import batch_normalised, linear, random_state, through_fc
from torch.nn import functional as F

from avgzsl_baselines.cjme import (
    CJME,
    CJMENet,
    Embedded,
    attention_targets,
    cjme_losses,
    entropies,
    weighted_triplets,
)
from avgzsl_bench import Batch, CheckpointError, Classes, FeatureDims, TorchMethod, Videos
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.records.released_weights import load_official

SPEC = method_spec("cjme")
make = partial(build, CJME)


class FixtureNet(CJMENet):
    """Fixture F has four training classes; the negatives' texts are of none of them."""

    def forward(self, batch: Batch, text: torch.Tensor, classes: torch.Tensor) -> Embedded:
        return super().forward(batch, text, classes[:4])


class FixtureCJME(CJME):
    def build(self) -> CJMENet:
        return FixtureNet(self.shape, self.config)


def fixture_method(**settings: Any) -> CJME:
    method = build(FixtureCJME, FIXTURE, FIXTURE_TEXT, hidden_width=8, dropout=0.0, **settings)
    fill_branches(method.module.double())
    fill(method.module.attention[1], first=7)
    return method


def fixture_embedded() -> Embedded:
    return fixture_method().module(fixture_batch(), FIXTURE_TEXT, torch.arange(8))


def losses_of(embedded: Embedded, weighting: Any = "batch_mean") -> dict[str, float]:
    return values(cjme_losses(embedded, weighting=weighting, margin=1.0, threshold=0.1))


def test_fixture_in_evaluation_mode() -> None:
    method, batch = fixture_method(), fixture_batch()
    assert method.parameter_count() == 111_486
    net = method.module.eval()
    audio, visual = net.embed_videos(batch.audio, batch.visual)
    other_audio, other_visual = net.embed_videos(batch.negative.audio, batch.negative.visual)
    text, other_text = net.embed_texts(FIXTURE_TEXT).split(4)
    assert audio[0, :4].tolist() == pytest.approx([0.17555210, 0.00345688, 0.05137920, 0.06074196], abs=5.1e-9)
    sums = [x.sum().item() for x in (audio, visual, text, other_audio, other_visual, other_text)]
    expected = [12.25483090, 15.97739569, 7.90139220, 12.22298484, 15.21265699, 8.13850077]
    assert sums == pytest.approx(expected, abs=5.1e-9)
    gate = net.gate(batch.audio, batch.visual)
    assert gate.tolist() == pytest.approx([0.50957520, 0.45981683, 0.54094846, 0.55429611], abs=5.1e-9)
    videos, classes = Videos(batch.audio, batch.visual), method.classes.take(torch.arange(4))
    scores = method.score(videos, classes)
    expected = [0.92432546, 0.90558621, 0.90573167, 0.93244347]
    assert scores[0].neg().tolist() == pytest.approx(expected, abs=5.1e-9)
    for i, hard in enumerate([1, 0, 1, 1]):
        chosen = visual if hard else audio
        torch.testing.assert_close(scores[i], -(chosen[i] - text).norm(dim=1))


def test_fixture_in_training_mode() -> None:
    one = fixture_embedded()
    other_text = fixture_method().module.embed_texts(FIXTURE_TEXT[4:])
    sums = [
        x.sum().item()
        for x in (one.audio, one.visual, one.text, one.negative_audio, one.negative_visual, other_text)
    ]
    expected = [36.69330138, 37.98801206, 64.98135389, 39.28113919, 39.55530562, 63.71798380]
    assert sums == pytest.approx(expected, abs=5.1e-9)
    assert one.gate.tolist() == pytest.approx([0.39702949, 0.25159717, 0.59349212, 0.67470634], abs=5.1e-9)
    of_audio = [1.14864344, 1.06103043, 1.27464096, 1.34091923]
    assert entropies(one.audio, one.classes).tolist() == pytest.approx(of_audio, abs=5.1e-9)
    of_visual = [1.32546028, 1.10076915, 1.37017779, 1.25380219]
    assert entropies(one.visual, one.classes).tolist() == pytest.approx(of_visual, abs=5.1e-9)
    assert attention_targets(one, 0.1).tolist() == [0, 0.5, 0.5, 0.5]
    expected = {"triplet": 1.0521060534, "joint": 0.1038521454, "attention": 0.0646498654}
    assert losses_of(one) == pytest.approx(expected, abs=5.1e-11)
    assert losses_of(one, "per_sample")["triplet"] == pytest.approx(1.0643595203, abs=5.1e-11)
    assert all((x >= 0).all() for x in (one.audio, one.visual, one.text, one.classes))


def test_fixture_losses_under_adam() -> None:
    method, batch = fixture_method(), fixture_batch()
    trace = [values(method.train_step(batch)) for _ in range(6)]
    assert trace[0]["total"] == pytest.approx(1.2206080642, abs=5.1e-11)
    expected = [1.22060806, 0.86843990, 0.75656754, 0.60709947, 0.52605161, 0.46595522]
    assert [step["total"] for step in trace] == pytest.approx(expected, abs=5.1e-9)


def test_weighting_changes_the_loss_of_a_step() -> None:
    losses = [
        fixture_method(attention_weighting=weighting).train_step(fixture_batch())["total"].item()
        for weighting in ("batch_mean", "per_sample")
    ]
    assert losses[1] - losses[0] == pytest.approx(1.0643595203 - 1.0521060534, abs=2e-10)


def test_fixture_after_one_iteration() -> None:
    method, batch = fixture_method(), fixture_batch()
    method.train_step(batch)
    net = method.module
    norms = (net.audio.hidden.norm, net.visual.hidden.norm, net.text.hidden.norm, net.attention[0])
    assert [passes(norm) for norm in norms] == [2, 2, 3, 1]
    net.eval()
    audio, visual = net.embed_videos(batch.audio, batch.visual)
    sums = [x.sum().item() for x in (audio, visual, net.embed_texts(FIXTURE_TEXT[:4]))]
    # After an update the last printed digit depends on how products are summed.
    assert sums == pytest.approx([11.65039514, 15.28285210, 8.08563217], abs=1e-8)
    gate = net.gate(batch.audio, batch.visual).tolist()
    assert gate == pytest.approx([0.50674315, 0.45550547, 0.54011140, 0.55395598], abs=5.1e-9)


@pytest.mark.parametrize("text", [{"word2vec": 12}, {"clip": 5, "clap": 7}])
def test_order_of_passes(text: dict[str, int]) -> None:
    torch.manual_seed(0)
    shape = FeatureDims(6, 5, text)
    method = make(shape, torch.randn(5, 12), dropout=0.0, text_adapter_dropout=0.0)
    net, plain = method.module, deepcopy(method.module)
    batch = random_batch(shape, 5)
    net(batch, method.train_text, torch.arange(5))
    for part in (batch, batch.negative):
        plain.audio(part.audio)
        plain.visual(part.visual)
    for texts in (method.train_text[batch.label], method.train_text[batch.negative.label], method.train_text):
        plain.embed_texts(texts)
    plain.gate(batch.audio, batch.visual)
    assert_same_statistics(net, plain)


def test_order_of_pairs_does_not_matter() -> None:
    method, batch = fixture_method(), fixture_batch()
    order = torch.tensor([2, 0, 3, 1])

    def permuted(part: Batch, negative: Batch | None = None) -> Batch:
        return Batch(part.audio[order], part.visual[order], part.label[order], negative)

    moved = permuted(batch, permuted(batch.negative))
    assert values(method.losses(moved)) == pytest.approx(values(method.losses(batch)), abs=1e-13)


def example(**settings: Any) -> TorchMethod:
    return scoring_example(
        CJME,
        lambda videos: torch.cat((videos.audio[:, :2], videos.visual, videos.audio[:, 2:]), dim=1),
        **settings,
    )


def test_scoring_example() -> None:
    figures, bias = validated(example())
    assert rounded(figures) == (0.5, 0.75, 0.6, 0.75)
    assert bias == pytest.approx(0.8)


def test_official_bias_is_the_mean_of_three() -> None:
    figures, bias = validated(example(bias="mean_of_three"))
    assert figures.hm == pytest.approx(0.6)
    assert bias == pytest.approx(1 / 3)
    at_test, _ = validated(example(), bias)
    assert rounded(at_test)[:3] == (0.75, 0.333333, 0.461538)
    task = scoring_task()
    audio, visual, gated = example(bias="mean_of_three").calibration_scorer(task.classes)(task.videos)
    assert torch.equal(gated, torch.where(task.videos.audio[:, 2:] == 1, visual, audio))
    assert torch.equal(gated, example().score(task.videos, task.classes))


def official_shapes() -> dict[str, tuple[int, ...]]:
    attention = {f"attention_model.0.{x}": (224,) for x in ("weight", "bias", "running_mean", "running_var")}
    attention |= {"attention_model.1.weight": (1, 224), "attention_model.1.bias": (1,)}
    return official_branches() | attention


def test_released_weights() -> None:
    state = random_state(official_shapes())
    method = load_official(SPEC, state)
    assert isinstance(method, CJME)
    assert method.shape == FeatureDims(96, 128, {"word2vec": 300})
    assert (method.config.bias, method.config.text_order) == ("mean_of_three", "official")
    audio, visual, text = torch.randn(3, 96), torch.randn(3, 128), torch.randn(4, 300)

    def net(x: torch.Tensor, number: int) -> torch.Tensor:
        return through_fc(state, x, f"triplet_net.embedding_net{number}").clamp(min=0)

    attention = batch_normalised(state, torch.cat((audio, visual), dim=1), "attention_model.0")
    gate = torch.sigmoid(linear(state, attention, "attention_model.1"))
    of_audio, of_visual = ((net(x, i)[:, None] - net(text, 3)).norm(dim=2) for x, i in ((audio, 1), (visual, 2)))
    hard = (gate >= 0.5).float()
    classes = Classes(tuple("abcd"), {"word2vec": text}, torch.ones(4, dtype=torch.bool))
    scores = method.score(Videos(audio, visual), classes)
    torch.testing.assert_close(scores, -((1 - hard) * of_audio + hard * of_visual), rtol=1e-4, atol=1e-4)


def test_released_weights_that_contradict_each_other() -> None:
    shapes = official_shapes() | {"triplet_net.embedding_net2.fc.0.weight": (47, 128)}
    with pytest.raises(CheckpointError, match="widths"):
        CJME.official_shape(random_state(shapes))


# --- losses of fixed tensors ---


def fixed_embedded() -> Embedded:
    return Embedded(
        audio=doubles((3, 0, 0), (1, 1, 1), (0, 2, 0.5)),
        visual=doubles((0.5, 0.5, 0.5), (0, 0, 4), (0.2, 1.9, 0.5)),
        text=doubles((1, 0, 0), (0, 0, 1), (0, 1, 0)),
        negative_audio=doubles((0, 2, 0), (2, 0, 0), (0.5, 0.5, 0)),
        negative_visual=doubles((0, 1, 1), (1, 0, 2), (0, 0, 1)),
        gate=doubles(0.3, 0.9, 0.6),
        classes=torch.eye(3, dtype=torch.float64),
    )


def test_losses_of_fixed_tensors() -> None:
    embedded = fixed_embedded()
    of_audio = [0.36659396, 1.09861229, 0.75198045]
    assert entropies(embedded.audio, embedded.classes).tolist() == pytest.approx(of_audio, abs=5.1e-9)
    of_visual = [1.09861229, 0.17732368, 0.81600184]
    assert entropies(embedded.visual, embedded.classes).tolist() == pytest.approx(of_visual, abs=5.1e-9)
    assert attention_targets(embedded, 0.1).tolist() == [0, 1, 0.5]
    losses = losses_of(embedded)
    expected = {"triplet": 0.9846046355, "joint": 1.9777777778, "attention": 0.0366666667}
    assert losses == pytest.approx(expected, abs=5.1e-11)
    assert sum(losses.values()) == pytest.approx(2.9990490799, abs=1e-10)
    assert losses_of(embedded, "per_sample")["triplet"] == pytest.approx(1.2883645462, abs=5.1e-11)


def test_triplets_of_fixed_tensors() -> None:
    embedded = fixed_embedded()
    of_audio = replace(embedded, gate=torch.zeros(3, dtype=torch.float64))
    of_visual = replace(embedded, gate=torch.ones(3, dtype=torch.float64))
    text_audio, text_visual = [0.76393147, 0.17814462, 1.41092587], [0.13397460, 2.58578685, 0.63459376]
    for weighting in ("batch_mean", "per_sample"):
        assert weighted_triplets(of_audio, weighting, 1.0).item() == pytest.approx(sum(text_audio) / 3, abs=1e-8)
        assert weighted_triplets(of_visual, weighting, 1.0).item() == pytest.approx(sum(text_visual) / 3, abs=1e-8)


def test_batch_mean_is_the_broadcast_of_the_published_program() -> None:
    embedded = fixed_embedded()
    text_audio, text_visual = (
        F.triplet_margin_loss(embedded.text, positive, negative, reduction="none")
        for positive, negative in (
            (embedded.audio, embedded.negative_audio),
            (embedded.visual, embedded.negative_visual),
        )
    )
    gate = embedded.gate.unsqueeze(1)
    expected = ((1 - gate) * text_audio + gate * text_visual).mean()
    torch.testing.assert_close(weighted_triplets(embedded, "batch_mean", 1.0), expected)


def test_weightings_agree_where_attention_is_equal() -> None:
    embedded = replace(fixed_embedded(), gate=torch.full((3,), 0.37, dtype=torch.float64))
    assert losses_of(embedded) == pytest.approx(losses_of(embedded, "per_sample"), abs=1e-14)


def test_negatives_equal_to_positives_cost_the_margin() -> None:
    embedded = fixed_embedded()
    same = replace(embedded, negative_audio=embedded.audio, negative_visual=embedded.visual)
    for weighting in ("batch_mean", "per_sample"):
        assert losses_of(same, weighting)["triplet"] == pytest.approx(1, abs=1e-14)


def test_equal_modalities_leave_attention_open() -> None:
    same = replace(fixed_embedded(), visual=fixed_embedded().audio)
    assert attention_targets(same, 0.1).tolist() == [0.5] * 3
    assert losses_of(same)["joint"] == 0


def test_swapped_modalities_give_the_same_losses() -> None:
    one = fixture_embedded()
    swapped = replace(
        one,
        audio=one.visual,
        visual=one.audio,
        negative_audio=one.negative_visual,
        negative_visual=one.negative_audio,
        gate=1 - one.gate,
    )
    for weighting in ("batch_mean", "per_sample"):
        assert losses_of(swapped, weighting) == pytest.approx(losses_of(one, weighting), abs=1e-13)


def test_gradients_go_where_they_should() -> None:
    embedded = fixed_embedded()
    leaves = replace(
        embedded,
        **{name: getattr(embedded, name).requires_grad_() for name in ("audio", "visual", "text", "gate")},
    )
    losses = cjme_losses(leaves, weighting="batch_mean", margin=1.0, threshold=0.1)
    moved = {
        name: [
            leaf
            for leaf in ("audio", "visual", "text", "gate")
            if torch.autograd.grad(loss, getattr(leaves, leaf), retain_graph=True, allow_unused=True)[0]
            is not None
        ]
        for name, loss in losses.items()
    }
    assert moved == {
        "triplet": ["audio", "visual", "text", "gate"],
        "joint": ["audio", "visual"],
        "attention": ["gate"],
    }
