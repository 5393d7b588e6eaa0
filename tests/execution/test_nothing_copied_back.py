"""Inside an epoch nothing is asked of the device: a longer epoch asks it no more often than a short one.

On a CUDA device every wait for it is counted; on the CPU every read of a value, which would be such a wait.
"""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from method_lists import BY_GRADIENT
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode

from avgzsl_bench.testing.trial import Trial

COUNTS = ("batches_per_epoch", "generator_batches", "classifier_steps")
SMALL = {"classifier_epochs": 1, "layers": 1, "time_steps": 2, "steps": 2, "batch_size": 6}
SMALL |= {"model_width": 16, "hidden_width": 16, "encoder_hidden_width": 16, "decoder_hidden_width": 16}
"""Short steps; and a classifier's every epoch is one of the generator too."""
ON_THE_HOST = {"fvaegan"}
"""These draw the order of a classifier's mini-batches there, once for each classifier."""

ASKING = {"item", "_local_scalar_dense", "nonzero", "masked_select", "_unique2", "unique_dim", "bincount", "equal"}
"""Operators whose result the host must wait for; `index` and `repeat_interleave` for some arguments."""
READING = {torch.Tensor.tolist, torch.Tensor.numpy, torch.Tensor.cpu, torch.Tensor.__array__}
"""What reads a tensor on the CPU without an operator."""


class Questions(TorchDispatchMode):
    """Counts what would be asked of a device."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []
        self.aside = False

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        masks = name == "index" and any(i is not None and i.dtype in (torch.bool, torch.uint8) for i in args[1])
        repeats = name == "repeat_interleave" and isinstance(args[-1], torch.Tensor)
        if not self.aside and (name in ASKING or masks or repeats):
            self.asked.append(name)
        return func(*args, **(kwargs or {}))


class Reads(TorchFunctionMode):
    """Tells of reads that are no operators, and leaves out what is asked on the CPU alone."""

    def __init__(self, questions: Questions) -> None:
        super().__init__()
        self.questions = questions

    def __torch_function__(self, func, types, args=(), kwargs=None):
        if func in READING:
            self.questions.asked.append(func.__name__)
        # Labels are checked there before they are spread; on a CUDA device they are not.
        self.questions.aside = func is torch.nn.functional.one_hot and len(args) > 1
        try:
            return func(*args, **(kwargs or {}))
        finally:
            self.questions.aside = False


@contextmanager
def asked_on_cpu():
    with Questions() as questions, Reads(questions):
        yield questions.asked


@contextmanager
def asked_on_cuda():
    torch.cuda.synchronize()
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        asked: list[str] = []
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield asked
        finally:
            torch.cuda.set_sync_debug_mode(before)
            asked += [str(warning.message) for warning in caught if "synchroniz" in str(warning.message)]


def asked(name: str, batches: int, device: str) -> list[str]:
    """What a method's second epoch, of so many batches, asks."""
    trial = Trial.of(name, device)
    known = trial.method.Config.model_fields
    settings = {key: value for key, value in (dict.fromkeys(COUNTS, batches) | SMALL).items() if key in known}
    method = replace(trial, config=trial.config.model_copy(update=settings)).trained()
    with asked_on_cuda() if device == "cuda" else asked_on_cpu() as found:
        method.train_epoch(trial.task.train)
    return found


def test_a_read_is_noticed():
    values = torch.arange(4.0)
    reads = (
        lambda: values.sum().item(),
        lambda: values.tolist(),
        lambda: values[values > 1],
        lambda: bool(values.any()),
        lambda: values.repeat_interleave(torch.tensor([1, 2, 0, 1])),
        lambda: torch.nn.functional.one_hot(values.long()),
        lambda: values.numpy(),
    )
    for read in reads:
        with asked_on_cpu() as found:
            read()
        assert found
    with asked_on_cpu() as found:
        torch.nn.functional.one_hot(values.long(), 4)
        values.sum() + values[torch.tensor([1, 2])].mean()
        values.repeat_interleave(3)
    assert not found


@pytest.mark.parametrize("name", BY_GRADIENT)
def test_a_longer_epoch_asks_no_more(name):
    short, long = asked(name, 5, "cpu"), asked(name, 10, "cpu")
    assert short == long
    assert short
    assert len(short) <= 3 or name in ON_THE_HOST


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", BY_GRADIENT)
def test_a_longer_epoch_waits_no_more_for_a_cuda_device(name):
    assert len(asked(name, 10, "cuda")) == len(asked(name, 5, "cuda"))
