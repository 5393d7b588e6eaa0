"""Code of a stranger changes the process; afterwards everything that figures depend on is as before."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch

from avgzsl_bench.system.process_state import process_state_kept

CHANGES = {
    "default dtype": (lambda: torch.set_default_dtype(torch.float64), torch.get_default_dtype),
    "gradients": (lambda: torch.set_grad_enabled(False), torch.is_grad_enabled),
    "default device": (lambda: torch.set_default_device("meta"), lambda: torch.empty(1).device),
    "threads": (lambda: torch.set_num_threads(torch.get_num_threads() + 1), torch.get_num_threads),
    "denormals": (
        lambda: torch.set_flush_denormal(True),
        lambda: bool((torch.full((4,), 1e-310, dtype=torch.float64) / 2).any()),
    ),
    "deterministic": (
        lambda: torch.use_deterministic_algorithms(True, warn_only=True),
        lambda: (
            torch.are_deterministic_algorithms_enabled(),
            torch.is_deterministic_algorithms_warn_only_enabled(),
        ),
    ),
    "filled memory": (
        lambda: setattr(torch.utils.deterministic, "fill_uninitialized_memory", False),
        lambda: torch.utils.deterministic.fill_uninitialized_memory,
    ),
    "autocast": (
        lambda: torch.set_autocast_enabled("cpu", True),
        lambda: (torch.ones(2, 2) @ torch.ones(2, 2)).dtype,
    ),
    "matmul precision": (
        lambda: torch.set_float32_matmul_precision("medium"),
        lambda: (torch.get_float32_matmul_precision(), torch.backends.cuda.matmul.allow_tf32),
    ),
    "TF32 of matmul": (
        lambda: setattr(torch.backends.cuda.matmul, "allow_tf32", True),
        lambda: torch.backends.cuda.matmul.allow_tf32,
    ),
    "TF32 of cuDNN": (
        lambda: setattr(torch.backends.cudnn, "allow_tf32", not torch.backends.cudnn.allow_tf32),
        lambda: torch.backends.cudnn.allow_tf32,
    ),
    "cuDNN": (lambda: setattr(torch.backends.cudnn, "enabled", False), lambda: torch.backends.cudnn.enabled),
    "benchmark": (
        lambda: setattr(torch.backends.cudnn, "benchmark", True),
        lambda: torch.backends.cudnn.benchmark,
    ),
    "deterministic cuDNN": (
        lambda: setattr(torch.backends.cudnn, "deterministic", True),
        lambda: torch.backends.cudnn.deterministic,
    ),
    "stream of torch": (lambda: torch.manual_seed(7), torch.initial_seed),
    "draws of torch": (lambda: torch.rand(3), lambda: torch.get_rng_state().tolist()),
    "stream of NumPy": (lambda: np.random.seed(7), lambda: np.random.get_state()[1].tolist()),  # noqa: NPY002
    "errors of NumPy": (lambda: np.seterr(all="raise"), np.geterr),
    "stream of Python": (lambda: random.seed(7), random.getstate),
    "fatal warnings": (lambda: warnings.simplefilter("error"), lambda: list(warnings.filters)),
    "number of threads of OpenMP": (
        lambda: os.environ.update(OMP_NUM_THREADS="7"),
        lambda: os.environ.get("OMP_NUM_THREADS"),
    ),
}


@pytest.mark.parametrize(("change", "read"), CHANGES.values(), ids=CHANGES)
def test_what_a_stranger_changes_is_put_back(change, read):
    before = read()
    with process_state_kept():
        change()
        changed = read()
    assert changed != before
    assert read() == before


@pytest.mark.skipif(not hasattr(torch.backends, "fp32_precision"), reason="this torch has no fp32_precision")
@pytest.mark.parametrize("part", ["", "cuda.matmul", "cudnn", "cudnn.conv", "mkldnn", "mkldnn.matmul"])
def test_new_settings_of_tf32_are_put_back_even_where_they_were_mixed_with_the_old(part):
    owner = torch.backends
    for name in filter(None, part.split(".")):
        owner = getattr(owner, name)
    before = owner.fp32_precision
    with process_state_kept():
        torch.set_float32_matmul_precision("medium")
        owner.fp32_precision = "ieee" if before == "tf32" else "tf32"
    assert owner.fp32_precision == before
    assert torch.get_float32_matmul_precision() == "highest"
    assert torch.backends.cuda.matmul.allow_tf32 is False


def test_it_is_put_back_after_an_error():
    def break_off():
        torch.set_default_dtype(torch.float64)
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"), process_state_kept():
        break_off()
    assert torch.get_default_dtype() == torch.float32


FIRST_IMPORT = """
import os, random, sys
from avgzsl_bench.system.process_state import process_state_kept
with process_state_kept():
    pass
assert "torch" not in sys.modules and "numpy" not in sys.modules, "imported for nothing"
with process_state_kept():
    os.environ["OMP_NUM_THREADS"] = "1"
    import torch
    threads = torch.get_num_threads()
    import numpy
    numpy.seterr(all="raise")
    torch.set_num_threads(3)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    torch.manual_seed(3)
    seeded = torch.initial_seed()
assert not [f for f in sys.meta_path if type(f).__module__.startswith("avgzsl")], sys.meta_path
print(threads, torch.get_num_threads(), torch.get_default_dtype(), torch.is_grad_enabled())
print(seeded, torch.initial_seed() != 3, numpy.geterr()["divide"])
"""


def test_where_torch_is_imported_inside_it_is_as_after_a_plain_import():
    environment = {**os.environ, "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-c", FIRST_IMPORT]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.splitlines() == ["2 2 torch.float32 True", "3 True warn"]
