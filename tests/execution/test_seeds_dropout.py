"""Dropout of seeds that train side by side: each seed's masks come from its own stream."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

import avgzsl_bench as ab
from avgzsl_bench.execution.seeds.dropout import SeedsDropout, global_stream

CPU = torch.device("cpu")


def torchs(x, rate=0.3):
    return F.dropout(x, rate)


def ours(x, rate=0.3):
    return ab.Dropout(rate)(x)


either = pytest.mark.parametrize("drop", [torchs, ours])


def dropped(drop, x, streams):
    """Drop out the rows of a batch, each by the stream of its seed."""

    def one(seed, own):
        with SeedsDropout(streams, seed):
            return drop(own)

    return torch.vmap(one)(torch.arange(len(x)), x)


@either
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("shape", [(64, 32), (7, 5, 3), (1,), (0, 4)])
def test_a_mask_is_the_one_that_is_drawn_without_a_stack(drop, shape, dtype):
    x = torch.rand(2, *shape, dtype=dtype) + 1
    native, streams = [], []
    for seed, own in enumerate(x):
        torch.manual_seed(seed)
        streams.append(global_stream(seed, CPU))
        torch.manual_seed(seed)
        native.append(drop(own))
    assert torch.equal(dropped(drop, x, streams), torch.stack(native))
    torch.manual_seed(0)
    with SeedsDropout([global_stream(0, CPU)], torch.zeros(())):
        assert torch.equal(drop(x[0]), native[0])


@either
def test_a_mask_does_not_depend_on_how_its_input_lies_in_memory(drop):
    x = torch.ones(2, 5, 3)
    lying = x.permute(2, 1, 0).contiguous().permute(2, 1, 0)
    one, other = (dropped(drop, rows, [global_stream(0, CPU) for _ in range(2)]) for rows in (x, lying))
    assert torch.equal(one, other)


@either
def test_a_gradient_is_that_of_each_seeds_mask(drop):
    x = (torch.rand(2, 6, 7) + 1).requires_grad_()
    y = dropped(drop, x, [global_stream(0, CPU).manual_seed(seed) for seed in (4, 5)])
    y.sum().backward()
    torch.testing.assert_close(x.grad, y.detach() / x.detach())
    assert not torch.equal(x.grad[0], x.grad[1])


@either
def test_what_is_the_same_for_all_seeds_is_dropped_by_the_stream_of_each(drop):
    x, streams = torch.ones(6, 7), [global_stream(0, CPU).manual_seed(seed) for seed in (4, 5)]

    def one(seed):
        with SeedsDropout(streams, seed):
            return drop(x)

    found = torch.vmap(one)(torch.arange(2))
    for seed, own in zip((4, 5), found, strict=True):
        torch.manual_seed(seed)
        assert torch.equal(own, drop(x))


def test_what_needs_no_mask_draws_none():
    stream = global_stream(0, CPU)
    before, x = stream.get_state(), torch.ones(3)
    with SeedsDropout([stream], torch.zeros(())):
        assert torch.equal(F.dropout(x, 0.3, training=False), x)
        assert torch.equal(F.dropout(x, 0.0), x)
        assert torch.equal(ours(x, 0.0), x)
        assert torch.equal(ours(x, 1.0), torch.zeros(3))
        assert torch.equal(stream.get_state(), before)
        assert torch.equal(F.dropout(x, 1.0), torch.zeros(3))
        F.dropout(x, 0.5, inplace=True)
    assert set(x.tolist()) <= {0.0, 2.0}
