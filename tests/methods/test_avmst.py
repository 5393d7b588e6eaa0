"""AVMST against numbers obtained with the published program, and its spiking neurons against arithmetic."""

from __future__ import annotations

import math
from copy import deepcopy
from typing import Any

import pytest
import torch
from avca_family import NO_DROPOUT, SMALL, fixture_of
from avmst_cases import FIXTURE, FORMS, batch_of_fixture, fill_spiking
from built_methods import CLS, MAIN, assert_same_statistics, build, parameters
from paired_cases import random_batch
from presets import official_settings
from reference_values import doubles
from spikes_by_autograd import spike
from torch import Tensor

from avgzsl_baselines.avmst import AVMST, AVMSTConfig, SpikingBranch
from avgzsl_baselines.families.gating import gate
from avgzsl_baselines.families.paired import paired
from avgzsl_baselines.families.spiking import fired, integrate_and_fire, spike_gradient
from avgzsl_bench import Batch, ConfigError, FeatureDims, Videos
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.method.settings import build_config

SPEC = method_spec("avmst")


def filled(**settings: Any) -> AVMST:
    method = fixture_of(AVMST, FIXTURE, spiking_hidden_width=8, **settings)
    fill_spiking(method.module)
    return method


def small(fidelity: str, **settings: Any) -> AVMST:
    """A small network with random weights, of which many neurons fire."""
    torch.manual_seed(0)
    widths = SMALL | NO_DROPOUT | {"spiking_hidden_width": 11}
    method = build(
        AVMST, FeatureDims(6, 6, {"word2vec": 12}), torch.randn(5, 12), fidelity=fidelity, **widths | settings
    )
    with torch.no_grad():
        for branch in (method.module.audio_spiking, method.module.visual_spiking):
            branch.hidden.weight.mul_(3)
            branch.output.bias.add_(0.4)
    return method


# --- the neurons ---


def test_the_spike_is_a_step_with_the_slope_of_a_sigmoid() -> None:
    excess = torch.tensor([-0.5, 0.0, 0.25], dtype=torch.float64)
    assert fired(excess, 0.0).tolist() == [0, 1, 1]
    assert spike_gradient(torch.ones_like(excess), excess).tolist() == pytest.approx(
        [0.4199743, 1.0, 0.7864477], abs=5.1e-8
    )


def test_steepness_of_the_surrogate() -> None:
    assert spike_gradient(torch.ones(1), torch.zeros(1), alpha=2.0).item() == 0.5


@pytest.mark.parametrize(
    ("current", "steps", "last"),
    [(0.3, {4, 8}, 0.6), (0.6, {2, 4, 6, 8, 10}, 0.0), (1.2, set(range(1, 11)), 0.0), (-0.5, set(), -5.0)],
)
def test_constant_currents(current: float, steps: set[int], last: float) -> None:
    spikes, potential = integrate_and_fire(torch.full((1,), current, dtype=torch.float64), None, 10)
    assert {step for step, fired in enumerate(spikes.tolist(), start=1) if fired} == steps
    assert spikes.mean().item() == len(steps) / 10
    assert potential.item() == pytest.approx(last, abs=1e-12)


def test_a_neuron_fires_when_its_currents_add_up() -> None:
    currents = torch.tensor([1 / 16, 3 / 16, 0.25, 0.4375, 0.75, 1.0, 2.5, 0.0, -0.25])
    spikes, potential = integrate_and_fire(currents.unsqueeze(0), None, 40)
    for x, train in zip(currents.tolist(), spikes.T, strict=True):
        every = math.ceil(1 / x) if x > 0 else 41
        assert (train.nonzero().flatten() + 1).tolist() == list(range(every, 41, every))
    assert (potential < 1).all()


def test_potentials_stay_below_the_threshold() -> None:
    currents = torch.randn(30, 50, generator=torch.Generator().manual_seed(0))
    for step in range(1, 31):
        spikes, potential = integrate_and_fire(currents[:step], None, step)
        assert (potential < 1).all()
    assert set(spikes.unique().tolist()) == {0.0, 1.0}


def test_gradients_pass_the_reset() -> None:
    currents = torch.tensor([0.9, 0.3], dtype=torch.float64, requires_grad=True)
    spikes, potential = integrate_and_fire(currents, None, 2)
    assert spikes.tolist() == [0, 1]

    def slope(excess: float) -> float:
        s = 1 / (1 + math.exp(-4 * excess))
        return 4 * s * (1 - s)

    (potential + spikes[1]).backward()
    # v_1 = (1 - s_1) x_1, v_2 = (1 - s_2) (v_1 + x_2), with s_1 = 0 and s_2 = 1.
    through_reset = 1 - 0.9 * slope(0.9 - 1)
    by_second = slope(1.2 - 1) - 1.2 * slope(1.2 - 1)
    assert currents.grad.tolist() == pytest.approx([by_second * through_reset, by_second], abs=1e-12)


def spikes_by_autograd(currents: Tensor, potential: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """The same, with every operation left to PyTorch's own differentiation."""
    out = []
    for t in range(steps):
        charged = potential + currents[t % len(currents)]
        fires = spike(charged - 1)
        potential = (1 - fires) * charged
        out.append(fires)
    return torch.stack(out), potential


@pytest.mark.parametrize("given", [1, 9])
def test_gradients_over_time_are_those_of_autograd(given: int) -> None:
    """Also of several stacks of neurons at once."""
    torch.manual_seed(0)
    currents, start = torch.randn(3, given, 4, 5).double() + 0.3, torch.rand(3, 4, 5).double()
    inputs = [currents.requires_grad_(), start.requires_grad_()]
    expected = torch.func.vmap(lambda x, v: spikes_by_autograd(x, v, 9))(*inputs)
    alone = [
        torch.stack(part)
        for part in zip(*(integrate_and_fire(x, v, 9) for x, v in zip(*inputs, strict=True)), strict=True)
    ]
    stacked = torch.func.vmap(lambda x, v: integrate_and_fire(x, v, 9))(*inputs)
    pulls = [torch.randn_like(part) for part in expected]
    theirs = torch.autograd.grad(expected, inputs, pulls)
    for found in (alone, stacked):
        assert torch.equal(found[0], expected[0])
        torch.testing.assert_close(found[1], expected[1])
        for ours, right in zip(torch.autograd.grad(found, inputs, pulls), theirs, strict=True):
            torch.testing.assert_close(ours, right)


def test_state_between_calls() -> None:
    branch = SpikingBranch(2, 2, 2).double()
    with torch.no_grad():
        branch.hidden.weight.copy_(torch.eye(2))
        branch.output.weight.copy_(torch.tensor([[1, 0], [0.5, 0.5]]))
        branch.hidden.bias.zero_()
        branch.output.bias.zero_()
    inputs = doubles([0.4, 0.7])
    spikes, state = branch(inputs, 5)
    assert spikes.mean(dim=0).tolist() == [[0.2, 0.2]]
    assert branch(inputs, 5, state)[0].mean(dim=0).tolist() == [[0.4, 0.4]]
    assert branch(inputs, 5)[0].mean(dim=0).tolist() == [[0.2, 0.2]]
    assert torch.equal(branch(inputs, 10)[0][5:], branch(inputs, 5, state)[0])


# --- the gate ---


def test_gate() -> None:
    encoded = torch.tensor([[1.0, 2.0, 3.0]])
    rates = torch.tensor([[0.2, 0.5, 0.0]])
    assert gate(encoded, rates)[0].tolist() == pytest.approx([0.3156, 0.8520, 0.7752], abs=5.1e-5)
    assert gate(torch.ones(1, 3), rates)[0].tolist() == pytest.approx([0.3156, 0.4260, 0.2584], abs=5.1e-5)


def test_the_gate_is_almost_constant() -> None:
    extreme = torch.eye(300, dtype=torch.float64)
    gates = gate(torch.ones_like(extreme), torch.cat((extreme[:1], 1 - extreme[1:])))
    assert gates.max().item() == pytest.approx(0.00901, abs=5.1e-6)
    assert gates.min().item() == pytest.approx(0.00123, abs=5.1e-6)


# --- the network ---


@pytest.mark.parametrize(
    ("form", "trained", "rates", "embedded", "trace"),
    [
        (
            "released",
            492_222,
            [22.5, 38.6, 44.2, 40.5],
            [111.64174806, 70.80727667],
            [15.89457679, 9.45779192, 6.50316279, 6.08522523],
        ),
        (
            "repaired",
            497_734,
            [22.5, 30.5, 23.0, 39.6],
            [111.64206180, 70.80451725],
            [15.90067538, 9.34285955, 6.97095037, 5.90180599],
        ),
    ],
)
def test_fixture(form: str, trained: int, rates: Any, embedded: Any, trace: Any) -> None:
    method, batch = filled(fidelity=form), batch_of_fixture()
    net = method.module
    assert (parameters(net), method.parameter_count()) == (498_334, trained)
    pairs = paired(batch)
    fired = net.firing_rates(pairs.audio, pairs.visual, pairs.sizes)
    sums = [fired[m, part].sum().item() for part in (slice(4), slice(4, 8)) for m in range(2)]
    assert sums == pytest.approx(rates, abs=1e-9)
    net.eval()
    _, video = net.embed_videos(batch.audio, batch.visual, [4])
    assert video.sum(dim=(1, 2)).tolist() == pytest.approx(embedded, abs=5.1e-9)
    net.train()
    losses = [method.train_step(batch)["total"].item() for _ in range(4)]
    assert losses == pytest.approx(trace, abs=5.1e-9)


def stepwise_rates(net: Any, batch: Batch, *, released: bool) -> list[list[Tensor]]:
    """Firing rates of samples and negatives, audio and visual, one step after the other."""
    branches = {"audio": net.audio_spiking, "visual": net.visual_spiking}
    state: dict[str, list[Tensor]] = {}

    def reset() -> None:
        state.update({name: [torch.zeros(()), torch.zeros(())] for name in branches})

    def step(name: str, x: Tensor) -> Tensor:
        for layer, linear in enumerate((branches[name].hidden, branches[name].output)):
            v = state[name][layer] + linear(x)
            x = (v >= 1).float()
            state[name][layer] = v * (1 - x)
        return x

    reset()
    rates: list[list[Tensor]] = []
    for part in (batch, batch.negative):
        of_part = []
        for name, inputs in (("audio", part.audio), ("visual", part.visual)):
            others = "audio" if released else name
            if not released:
                reset()
            spikes = [step(name, inputs), *(step(others, inputs) for _ in range(net.steps - 1))]
            of_part.append(torch.stack(spikes).mean(dim=0))
        rates.append(of_part)
    return rates


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_firing_rates_step_by_step(form: str, steps: int) -> None:
    method = small(form, steps=steps)
    batch = random_batch(method.shape, 5)
    pairs = paired(batch)
    rates = method.module.firing_rates(pairs.audio, pairs.visual, pairs.sizes)
    assert ((rates * steps - (rates * steps).round()).abs() < 1e-5).all()
    assert 0.01 < rates.mean() < 0.99
    expected = stepwise_rates(method.module, batch, released=form == "released")
    for part, of_part in zip((slice(8), slice(8, 16)), expected, strict=True):
        torch.testing.assert_close(rates[:, part], torch.stack(of_part))


def test_state_leaks_in_the_released_form_alone() -> None:
    for form in FORMS:
        method = small(form)
        pairs = paired(random_batch(method.shape, 5))
        net, leaks = method.module, form == "released"
        rates = net.firing_rates(pairs.audio, pairs.visual, pairs.sizes)
        of_negatives = net.firing_rates(pairs.audio[8:], pairs.visual[8:], [8])
        assert torch.equal(rates[:, 8:], of_negatives) is not leaks
        silence = net.firing_rates(torch.zeros_like(pairs.audio), pairs.visual, pairs.sizes)
        assert torch.equal(rates[1], silence[1]) is not leaks


@pytest.mark.parametrize("form", FORMS)
def test_encodings_are_those_of_three_exchanges(form: str) -> None:
    method = small(form)
    net, batch = method.module, random_batch(method.shape, 5)
    plain = deepcopy(net)
    encoded, video = net.embed_videos(batch.audio, batch.visual, [8])
    phi = plain.audio_encoder(batch.audio), plain.visual_encoder(batch.visual)
    rates = net.firing_rates(batch.audio, batch.visual, [8])
    gated = [phi[m] * torch.softmax(rates[m], dim=1) for m in range(2)]
    fused = [
        plain.transformer(torch.stack((phi[m], gated[m])) + plain.positions[m])[token]
        for m, token in ((0, 0), (1, 1))
    ]
    torch.testing.assert_close(encoded, torch.stack(fused))
    exchanged = plain.transformer(torch.stack(fused) + plain.positions.unsqueeze(1))
    projections = plain.audio_projection, plain.visual_projection
    expected = torch.stack([projections[m](fused[m] + exchanged[m]) for m in range(2)])
    torch.testing.assert_close(video, expected)


@pytest.mark.parametrize("form", FORMS)
def test_losses_are_avcas_on_the_fused_encodings(form: str) -> None:
    method = small(form)
    embedded = method.module(random_batch(method.shape, 5), method.train_text)
    assert (embedded.encoded < 0).any()  # what comes out of the transformer, not out of a ReLU
    losses = method.terms(embedded)
    expected = 2 * (embedded.reconstructed - embedded.encoded).square().mean()
    expected = expected + 2 * (embedded.video - embedded.text).square().mean()
    torch.testing.assert_close(losses["regularization"], expected)


@pytest.mark.parametrize("form", FORMS)
def test_training_of_the_spiking_networks(form: str) -> None:
    method = small(form)
    spiking = {name: p.clone() for name, p in method.module.named_parameters() if "_spiking." in name}
    assert len(spiking) == 8
    for _ in range(3):
        method.train_step(random_batch(method.shape, 5))
    trained = dict(method.module.named_parameters())
    same = {torch.equal(trained[name], before) for name, before in spiking.items()}
    assert same == {form == "released"}
    assert "positions" in method.state_dict()


def test_every_parameter_but_the_positions_has_a_gradient() -> None:
    method = small("repaired")
    method.losses(random_batch(method.shape, 5))["total"].backward()
    without = {name for name, p in method.module.named_parameters() if p.grad is None or not p.grad.any()}
    assert without == {"positions"}


@pytest.mark.parametrize("form", FORMS)
def test_no_state_is_left(form: str) -> None:
    method = small(form)
    batch = random_batch(method.shape, 5)
    method.train_step(batch)
    videos = Videos(batch.audio, batch.visual)
    first = method.score(videos, method.classes)
    assert torch.equal(method.score(videos, method.classes), first)
    part = method.score(videos.take(slice(2, 5)), method.classes)
    torch.testing.assert_close(part, first[2:5], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("form", FORMS)
def test_passes_an_iteration(form: str) -> None:
    method = small(form)
    net, plain, batch = method.module, deepcopy(method.module), random_batch(method.shape, 5)
    pairs = paired(batch)
    method.train_step(batch)
    # The same in the order of the passes; what the second of them sees of the first is in the spikes alone.
    _, video = plain.embed_videos(pairs.audio, pairs.visual, pairs.sizes)
    texts = [plain.embed_texts(method.train_text[label]) for label in pairs.labels]
    for embedded in (*texts, video[0, :8], video[0, 8:], video[1, :8], video[1, 8:]):
        plain.decoder(embedded)
    plain.audio_projection(plain.audio_reconstruction(video[0, :8]))
    plain.visual_projection(plain.visual_reconstruction(video[1, :8]))
    plain.load_state_dict(plain.state_dict() | {name: p.detach() for name, p in net.named_parameters()})
    plain.embed_videos(batch.audio, batch.visual, [8])
    plain.embed_texts(method.train_text[batch.label])
    assert_same_statistics(net, plain)
    assert int(net.audio_encoder[0].norm.num_batches_tracked) == 3
    assert int(net.audio_projection[0].norm.num_batches_tracked) == 4


# --- settings ---


def test_the_released_form_needs_features_of_one_width() -> None:
    with pytest.raises(ConfigError, match=r"fidelity=released.*128 and 4096.*repaired"):
        AVMST.check(AVMSTConfig(fidelity="released"), CLS)
    AVMST.check(AVMSTConfig(fidelity="released"), MAIN)
    AVMST.check(AVMSTConfig(fidelity="repaired"), CLS)


def test_official_preset() -> None:
    assert official_settings(SPEC, "ucf", "selavi") == {
        "calibration": "avca",
        "text_order": "official",
        "stage2_schedule": "official",
        "fidelity": "released",
    }
    config = build_config(SPEC, AVMSTConfig, "ucf", "c3d_vggish", {}, "official")
    with pytest.raises(ConfigError, match="128 and 4096"):
        AVMST.check(config, CLS)


def test_official_preset_changes_the_spikes() -> None:
    rates = []
    for preset in (None, "official"):
        fidelity = build_config(SPEC, AVMSTConfig, "ucf", "selavi", {}, preset).model_dump()["fidelity"]
        method = small(fidelity)
        pairs = paired(random_batch(method.shape, 5))
        rates.append(method.module.firing_rates(pairs.audio, pairs.visual, pairs.sizes))
    # Audio of the samples comes first and finds both networks at rest.
    assert torch.equal(rates[0][0, :8], rates[1][0, :8])
    assert (rates[0][1] - rates[1][1]).abs().mean() > 0.05
