"""How busy a CUDA device is, and its driver's version, from the management library that comes with the driver.

NVIDIA's Management Library (NVML) is read directly, so that no package is needed. Its utilisation is the share of
the time, over its last sample period of up to a second, in which at least one kernel ran.
"""

from __future__ import annotations

import ctypes
import statistics
import threading
import time
from collections.abc import Callable

import torch
from pairs import Way

LIBRARY = "libnvidia-ml.so.1"
WARM_UP = 1.0
"""Seconds before samples count: the longest sample period."""
PERIOD = 0.05
"""Seconds between samples."""


class NotToBeHad(Exception):
    """NVML cannot tell; the message says why."""


class _Rates(ctypes.Structure):
    _fields_ = (("gpu", ctypes.c_uint), ("memory", ctypes.c_uint))


def _library() -> ctypes.CDLL:
    try:
        library = ctypes.CDLL(LIBRARY)
    except OSError as error:
        raise NotToBeHad(f"{LIBRARY} is not installed") from error
    library.nvmlErrorString.restype = ctypes.c_char_p
    _checked(library, library.nvmlInit_v2())
    return library


def _checked(library: ctypes.CDLL, code: int) -> None:
    if code:
        raise NotToBeHad(f"NVML: {library.nvmlErrorString(code).decode()}")


def driver_version() -> str | None:
    """The driver's version; None where NVML is not there."""
    text = ctypes.create_string_buffer(96)
    try:
        library = _library()
        _checked(library, library.nvmlSystemGetDriverVersion(text, len(text)))
    except NotToBeHad:
        return None
    return text.value.decode()


def reader(device: torch.device) -> Callable[[], int]:
    """What reads a device's utilisation, in percent.

    Raises:
        NotToBeHad: it is no CUDA device, or NVML is not there or does not tell, as of a part of a device.
    """
    if device.type != "cuda":
        raise NotToBeHad(f"{device} is no CUDA device")
    library, handle, rates = _library(), ctypes.c_void_p(), _Rates()
    name = f"GPU-{torch.cuda.get_device_properties(device).uuid}".encode()
    _checked(library, library.nvmlDeviceGetHandleByUUID(name, ctypes.byref(handle)))

    def read() -> int:
        _checked(library, library.nvmlDeviceGetUtilizationRates(handle, ctypes.byref(rates)))
        return int(rates.gpu)

    read()
    return read


def busy_during(work: Way, read: Callable[[], int], seconds: float) -> float | None:
    """Mean utilisation in percent while a piece of work is done over and over.

    Args:
        work: what waits for the device at its end.
        read: from `reader`.
        seconds: for how long, after `WARM_UP`.

    Returns:
        None if NVML ceased to tell.
    """
    start = time.perf_counter()
    samples: list[int] = []
    done = threading.Event()

    def sample() -> None:
        while not done.wait(PERIOD):
            if time.perf_counter() - start >= WARM_UP:
                try:
                    samples.append(read())
                except NotToBeHad:
                    samples.clear()
                    return

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        while time.perf_counter() - start < WARM_UP + seconds:
            work()
    finally:
        done.set()
        thread.join()
    return statistics.fmean(samples) if samples else None
