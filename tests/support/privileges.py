"""Tests of permissions, also where they run as root, who may read everything."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_VERSION = 0x20080522
_READ_ALL = 0b110
"""Bits of CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""


@contextmanager
def permissions_count() -> Iterator[None]:
    """Give up root's right to read and enter everything inside the block, in this thread.

    Where that is not possible, the test is skipped.
    """
    if os.geteuid() != 0:
        yield
        return
    if sys.platform != "linux":
        pytest.skip("root reads everything, and gives that up only on Linux")
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION, 0)
    data = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable: bits 0 to 31, then 32 to 63
    before = None if libc.capget(header, data) else list(data)
    data[0] &= ~_READ_ALL
    if before is None or libc.capset(header, data):
        pytest.skip("root reads everything, and may not give that up here")
    try:
        yield
    finally:
        libc.capset((ctypes.c_uint32 * 2)(_VERSION, 0), (ctypes.c_uint32 * 6)(*before))
