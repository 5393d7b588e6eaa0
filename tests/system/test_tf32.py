"""The switch of TF32: set inside a block, and as before after it, whatever happens in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch.backends import cuda, cudnn

from avgzsl_bench.encoders.inference import encode_blocks
from avgzsl_bench.system import device
from avgzsl_bench.system.device import tf32

CUDA, CPU = torch.device("cuda"), torch.device("cpu")


def switches() -> tuple[bool, bool]:
    return cuda.matmul.allow_tf32, cudnn.allow_tf32


@pytest.fixture(autouse=True)
def _some_state() -> Iterator[None]:
    before = switches()
    cuda.matmul.allow_tf32, cudnn.allow_tf32 = False, True
    yield
    cuda.matmul.allow_tf32, cudnn.allow_tf32 = before


def test_set_and_set_back() -> None:
    for allowed in (False, True):
        with tf32(CUDA, allowed=allowed):
            assert switches() == (allowed, allowed)
        assert switches() == (False, True)


def raises() -> None:
    raise ZeroDivisionError


def test_set_back_after_an_error() -> None:
    with pytest.raises(ZeroDivisionError), tf32(CUDA, allowed=True):
        raises()
    assert switches() == (False, True)


def test_the_cpu_has_none() -> None:
    with tf32(CPU, allowed=False):
        assert switches() == (False, True)


def test_encoders_compute_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    on_cuda: Callable[..., object] = device.tf32
    monkeypatch.setattr(device, "tf32", lambda _, *, allowed: on_cuda(CUDA, allowed=allowed))
    seen = []

    def encode(block: torch.Tensor) -> torch.Tensor:
        seen.append((switches(), torch.is_inference_mode_enabled()))
        return block

    encode_blocks(encode, torch.zeros(2, 3), 1, CPU)
    assert seen == [((False, False), True)] * 2
    assert switches() == (False, True)
