"""STFT's spiking branches: neurons, pooling, dynamic threshold, time-step factor."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from reference_values import doubles
from spikes_by_autograd import spike
from stft_cases import PRINTED_7, SINGLE
from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines.families.spiking import fire_gradient, reset
from avgzsl_baselines.families.stft_recurrence import fire, last_spikes, next_threshold, run
from avgzsl_baselines.families.stft_spiking import (
    GatedNorm,
    PairLinear,
    SpikingBranches,
    pooled_gate,
    time_step_weights,
)


def run_neuron(current: float, steps: int) -> tuple[list[int], list[float]]:
    potential, fired, trace = doubles(0.0), [], []
    for step in range(1, steps + 1):
        charged, spikes = fire(potential, doubles(current), 1.0, 0.5)
        potential = reset(charged, spikes)
        fired += [step] * int(spikes.item())
        trace.append(potential.item())
    return fired, trace


@pytest.mark.parametrize(
    ("current", "fired", "potentials"),
    [
        (0.9, [], [0.45, 0.675, 0.7875, 0.84375, 0.871875, 0.8859375]),
        (1.5, [2, 4, 6], [0.75, 0, 0.75, 0, 0.75, 0]),
        (2.5, [1, 2, 3, 4, 5, 6], [0] * 6),
        (4.0, [1, 2, 3, 4, 5, 6], [0] * 6),
        (2.0, [1, 2, 3, 4, 5, 6], [0] * 6),
    ],
)
def test_leaky_neurons(current: float, fired: list[int], potentials: list[float]) -> None:
    spikes, trace = run_neuron(current, 6)
    assert spikes == fired
    assert trace == pytest.approx(potentials, abs=1e-15)


def test_neurons_below_the_threshold_never_fire() -> None:
    assert run_neuron(0.999, 200)[0] == []


def test_other_time_constants() -> None:
    charged, spikes = fire(doubles(0.4), doubles(1.0), 1.0, decay=0.25)
    potential = reset(charged, spikes)
    assert potential.item() == pytest.approx(0.4 + (1 - 0.4) / 4, abs=1e-15)


def test_gradients_pass_the_surrogate_and_the_reset() -> None:
    """s and v = u (1 - s) with respect to I, at u = V_th + x: ds/du = 4 sigma(4x) (1 - sigma(4x))."""
    for x, slope in ((-0.5, 0.4199743), (0.0, 1.0), (0.25, 0.7864477)):
        charged, spikes = fire(doubles(0.0), doubles(2 * (1 + x)), 1.0, 0.5)
        one, none = torch.ones_like(charged), torch.zeros_like(charged)
        of_spikes = fire_gradient(one, none, charged, spikes, 1.0) / 2
        assert of_spikes.item() == pytest.approx(slope / 2, abs=PRINTED_7)
        of_potential = fire_gradient(none, one, charged, spikes, 1.0) / 2
        expected = ((1 - spikes.item()) - (1 + x) * slope) / 2
        assert of_potential.item() == pytest.approx(expected, abs=1e-7)


@pytest.mark.parametrize(
    ("current", "pooled", "gated"),
    [
        ([0.5, -1, 2, 0.5], 2.5, [0.9620709, -1.9241419, 3.8482838, 0.9620709]),
        ([1, 1, -1, -1], 1.0, [1.7310586, 1.7310586, -1.7310586, -1.7310586]),
    ],
)
def test_global_local_pooling(current: list[float], pooled: float, gated: list[float]) -> None:
    out, value = pooled_gate(doubles(*current).unsqueeze(0), torch.sigmoid(doubles(0.0)))
    assert value.item() == pytest.approx(pooled, abs=1e-12)
    assert out[0].tolist() == pytest.approx(gated, abs=SINGLE)


def test_pooling_weighs_the_maximum_by_beta() -> None:
    """P = (max + mean) / 2 + beta max + (1 - beta) mean."""
    _, pooled = pooled_gate(doubles(3.0, 1.0, 0.0, 0.0), doubles(0.8))
    assert pooled.item() == pytest.approx((3 + 1) / 2 + 0.8 * 3 + 0.2 * 1, abs=1e-12)


def test_norms_are_those_of_layer_norm_for_each_modality() -> None:
    torch.manual_seed(0)
    norm = GatedNorm(9)
    with torch.no_grad():
        for parameter in (norm.weight, norm.bias, norm.balance):
            parameter.normal_()
    mapped = torch.randn(2, 4, 9)
    current, pooled = norm(mapped)
    for m in range(2):
        normed = F.layer_norm(mapped[m], (9,), norm.weight[m, 0], norm.bias[m, 0])
        expected, value = pooled_gate(normed, torch.sigmoid(norm.balance[m]))
        torch.testing.assert_close(current[m], expected)
        torch.testing.assert_close(pooled[m], value)


def test_maps_are_two_linear_layers() -> None:
    torch.manual_seed(0)
    pair, inputs = PairLinear(400, 300), torch.randn(2, 5, 400)
    for m in range(2):
        expected = F.linear(inputs[m], pair.weight[m], pair.bias[m, 0])
        torch.testing.assert_close(pair(inputs)[m], expected, rtol=1e-4, atol=1e-5)
    linear = torch.nn.Linear(400, 300)
    for ours, theirs in ((pair.weight, linear.weight), (pair.bias, linear.bias)):
        assert ours.abs().max() <= 1 / 20
        assert ours.std().item() == pytest.approx(theirs.std().item(), rel=0.1)


@pytest.mark.parametrize(
    ("firing", "pooled", "expected"), [(1, 2.5, 1.1366745), (3, 1.0, 1.0884037), (0, 0.0, 0.6250107)]
)
def test_dynamic_threshold(firing: int, pooled: float, expected: float) -> None:
    spikes = doubles([1.0] * firing + [0.0] * (4 - firing)).requires_grad_()
    threshold = next_threshold(doubles([1.0]), spikes, torch.sigmoid(doubles([pooled])))
    assert threshold.item() == pytest.approx(expected, abs=PRINTED_7)
    assert not threshold.requires_grad


def test_dynamic_threshold_stays_in_its_range() -> None:
    torch.manual_seed(0)
    threshold = torch.ones(50, 1)
    rate = torch.rand(50, 1).round(decimals=1)
    for pooled in (-100.0, 0.0, 100.0):
        for _ in range(30):
            spikes = (torch.rand(50, 16) < rate).float()
            threshold = next_threshold(threshold, spikes, torch.sigmoid(torch.full((50, 1), pooled)))
            assert threshold.min() >= 0.25
            assert threshold.max() <= 1.5


TRAIN = ([1.0, 0, 1, 0], [0.0, 0, 0, 0], [1.0, 1, 1, 0])


def test_time_step_factor() -> None:
    spikes = doubles(*TRAIN)
    weights = time_step_weights(spikes, doubles(0, 0, 0))
    assert weights.tolist() == pytest.approx([0.3314990, 0.1219517, 0.5465494], abs=PRINTED_7)
    summed = (weights.unsqueeze(1) * spikes).sum(dim=0)
    assert summed.tolist() == pytest.approx([0.8780483, 0.5465494, 0.8780483, 0], abs=PRINTED_7)
    normed = F.layer_norm(summed, (4,))
    assert normed.tolist() == pytest.approx([0.8426092, -0.0811219, 0.8426092, -1.6040970], abs=SINGLE)


def test_time_step_factor_invariants() -> None:
    spikes, offset = doubles(*TRAIN), doubles(0.3, -1.0, 0.5)
    weights = time_step_weights(spikes, offset)
    assert (weights > 0).all()
    assert weights.sum().item() == pytest.approx(1)
    torch.testing.assert_close(time_step_weights(spikes[:, [2, 0, 3, 1]], offset), weights)
    even = time_step_weights(doubles([1, 0], [0, 1], [1, 0]), doubles(0, 0, 0))
    assert even.tolist() == pytest.approx([1 / 3] * 3)
    assert (weights - time_step_weights(spikes, doubles(0, 0, 0))).abs().max() > 0.05


def branches(steps: int = 7, **settings: Any) -> SpikingBranches:
    torch.manual_seed(0)
    given = {"time_constant": 2.0, "threshold": 1.0} | settings
    return SpikingBranches(6, 5, 12, 16, steps=steps, **given).double()


def branch_by_hand(net: SpikingBranches, m: int, frames: Tensor) -> Tensor:
    """S of one modality, one video, step by step, with one threshold for the three blocks."""
    first = (net.audio_input, net.visual_input)[m]
    maps = [(first.weight, first.bias)] + [(linear.weight[m], linear.bias[m, 0]) for linear in net.maps]
    norms = (net.input_norm, *net.norms)
    potentials, threshold, out = [torch.zeros(w.shape[0], dtype=w.dtype) for w, _ in maps], 1.0, []
    for frame in frames:
        x = frame
        for block, ((w, b), norm) in enumerate(zip(maps, norms, strict=True)):
            current = F.layer_norm(w @ x + b, (len(b),), norm.weight[m, 0], norm.bias[m, 0])
            p_max, p_avg, beta = current.max(), current.mean(), torch.sigmoid(norm.balance[m].squeeze())
            pooled = (p_max + p_avg) / 2 + beta * p_max + (1 - beta) * p_avg
            current = (1 + torch.sigmoid(pooled)) * current
            u = potentials[block] + (current - potentials[block]) / 2
            x = (u >= threshold).double()
            potentials[block] = u * (1 - x)
        out.append(x)
        q = x.mean().clamp(1e-6, 1 - 1e-6)
        entropy = -q * q.log2() - (1 - q) * (1 - q).log2()
        threshold = threshold / 2 + (torch.sigmoid(pooled) / 2 + entropy).clamp(0.25, 2) / 2
    spikes = torch.stack(out)
    scores = spikes.sum(dim=1) / spikes.shape[1] ** 0.5 + net.step_offset[:, m, 0]
    return F.layer_norm((torch.softmax(scores, 0).unsqueeze(1) * spikes).sum(dim=0), (spikes.shape[1],))


def test_branches_are_what_each_is_alone() -> None:
    net = branches()
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    audio, visual = torch.randn(4, 7, 6).double(), torch.randn(4, 7, 5).double()
    summary = net(audio, visual)
    for m, frames in enumerate((audio, visual)):
        for video in range(4):
            torch.testing.assert_close(summary[m, video], branch_by_hand(net, m, frames[video]))


def test_a_constant_input_is_one_that_is_repeated() -> None:
    net = branches()
    audio, visual = torch.randn(4, 1, 6).double(), torch.randn(4, 1, 5).double()
    repeated = net(audio.expand(-1, 7, -1), visual.expand(-1, 7, -1))
    torch.testing.assert_close(net(audio, visual), repeated)


def test_what_steps_keep_to() -> None:
    net = branches(steps=20)
    audio, visual = 3 * torch.randn(9, 20, 6).double(), 3 * torch.randn(9, 20, 5).double()
    total = [0.0] * 3
    for step in run(*net.recurrence(audio, visual)):
        assert 0.25 <= step.threshold.min() <= step.threshold.max() <= 1.5
        blocks = (
            (step.charged, step.spikes),
            *((block.charged, block.spikes) for block in (step.second, step.third)),
        )
        for block, (charged, spikes) in enumerate(blocks):
            assert set(spikes.unique().tolist()) <= {0.0, 1.0}
            assert (reset(charged, spikes) < step.threshold).all()
            total[block] += spikes.mean().item() / 20
    assert all(0.02 < rate < 0.6 for rate in total)


def spikes_by_autograd(net: SpikingBranches, audio: Tensor, visual: Tensor) -> Tensor:
    """The last block's spikes, with every operation left to PyTorch's own differentiation."""
    currents, _, neurons = net.recurrence(audio, visual)
    every = currents.unbind(1)
    fired, potentials, threshold, out = (
        None,
        [torch.zeros(())] * 3,
        torch.full((2, len(audio), 1), neurons.threshold),
        [],
    )
    for current in every * (neurons.steps // len(every)):
        driven = current
        for block in range(3):
            if block:
                driven, pooled = net.norms[block - 1](net.maps[block - 1](fired))
            charged = potentials[block] + (driven - potentials[block]) * neurons.decay
            fired = spike(charged - threshold)
            potentials[block] = (1 - fired) * charged
        threshold = next_threshold(threshold, fired, torch.sigmoid(pooled))
        out.append(fired)
    return torch.stack(out)


@pytest.mark.parametrize("frames", [1, 7])
def test_gradients_over_time_are_those_of_autograd(frames: int) -> None:
    net = branches(time_constant=3.0)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    audio, visual = torch.randn(4, frames, 6).double(), torch.randn(4, frames, 5).double()
    expected = spikes_by_autograd(net, audio, visual)
    spikes = last_spikes(*net.recurrence(audio, visual))
    assert torch.equal(spikes, expected)
    parameters = [parameter for name, parameter in net.named_parameters() if name != "step_offset"]
    pull = torch.randn_like(spikes)
    for ours, theirs in zip(
        torch.autograd.grad(spikes, parameters, pull), torch.autograd.grad(expected, parameters, pull), strict=True
    ):
        assert theirs.any()
        torch.testing.assert_close(ours, theirs)


def test_stacked_branches_are_those_alone() -> None:
    net = branches()
    audio, visual = torch.randn(4, 1, 6).double(), torch.randn(4, 1, 5).double()
    parameters = {
        name: torch.stack((value, value + 0.3 * torch.randn_like(value))).detach().requires_grad_()
        for name, value in net.named_parameters()
    }
    stacked = torch.func.vmap(lambda own: torch.func.functional_call(net, own, (audio, visual)))(parameters)
    alone = torch.stack(
        [
            torch.func.functional_call(
                net, {name: value[seed] for name, value in parameters.items()}, (audio, visual)
            )
            for seed in range(2)
        ]
    )
    torch.testing.assert_close(stacked, alone)
    pull = torch.randn_like(alone)
    values = list(parameters.values())
    for together, apart in zip(
        torch.autograd.grad(stacked, values, pull), torch.autograd.grad(alone, values, pull), strict=True
    ):
        torch.testing.assert_close(together, apart)


def test_no_state_is_left() -> None:
    net = branches()
    audio, visual = torch.randn(4, 1, 6).double(), torch.randn(4, 1, 5).double()
    before = net(audio, visual)
    net(torch.randn(9, 7, 6).double(), torch.randn(9, 7, 5).double())
    assert torch.equal(net(audio, visual), before)
