"""The device of a run: its choice, and repeatable results on it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from avgzsl_bench.errors import ConfigError


def choose_device(name: str) -> torch.device:
    """Choose the device of a name; `auto` takes CUDA, else MPS, else the CPU.

    Raises:
        ConfigError: no such device, or none of that kind on this machine.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if name == "auto":
        return torch.device(next(kind for kind, usable in available.items() if usable))
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"unknown device {name!r}; use auto, cpu, cuda, cuda:N or mps") from error
    if not available.get(device.type, False):
        usable = ", ".join(kind for kind, there in available.items() if there)
        raise ConfigError(f"device {name!r} is not available here (available: {usable})")
    if device.type == "cuda" and device.index is not None and device.index >= torch.cuda.device_count():
        raise ConfigError(f"device {name!r} is not available here (CUDA devices: {torch.cuda.device_count()})")
    return device


def make_deterministic(device: torch.device) -> None:
    """Request repeatable kernels on CUDA; torch warns about operations without one."""
    if device.type == "cuda":
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True, warn_only=True)


@contextmanager
def tf32(device: torch.device, *, allowed: bool) -> Iterator[None]:
    """Allow or forbid TF32 on CUDA in the block, for products of matrices and convolutions, and set both back."""
    if device.type != "cuda":
        yield
        return
    matmul, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    before = matmul.allow_tf32, cudnn.allow_tf32
    matmul.allow_tf32 = cudnn.allow_tf32 = allowed
    try:
        yield
    finally:
        matmul.allow_tf32, cudnn.allow_tf32 = before


def device_name(device: torch.device) -> str:
    """Describe a device, e.g. `cpu` or `cuda (NVIDIA A100)`."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


def reset_peak_memory(device: torch.device) -> None:
    """Reset the count of the device's peak memory."""
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def peak_memory(device: torch.device) -> int | None:
    """Give the peak bytes allocated on the device since the reset; None on devices without such a count."""
    return torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
