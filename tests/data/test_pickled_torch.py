"""Tensors in pickles come out as the arrays they are, without torch, and what is not a tensor is refused."""

from __future__ import annotations

import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from avgzsl_bench.data.untrusted import pickled_torch
from avgzsl_bench.data.untrusted.unpickle import load_pickle
from avgzsl_bench.errors import DataError

TENSORS = {
    "matrix": torch.arange(12, dtype=torch.float32).reshape(3, 4),
    "classes": torch.arange(5),
    "empty": torch.zeros(0, 5),
    "scalar": torch.tensor(3.5),
    "part": torch.arange(24, dtype=torch.float64).reshape(6, 4)[2:4],
    "half": torch.ones(3).half(),
    "bytes": torch.arange(3, dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
    "one row": torch.ones(1, 7),
}


def read(tmp_path: Path, value: object, protocol: int = 4) -> object:
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(value, protocol=protocol))
    return load_pickle(path)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_tensors_are_read_as_arrays(tmp_path, protocol):
    content = read(tmp_path, TENSORS, protocol)
    assert isinstance(content, dict)
    for name, tensor in TENSORS.items():
        assert content[name].dtype == tensor.numpy().dtype, name
        assert np.array_equal(content[name], tensor.numpy()), name


@pytest.mark.parametrize(
    "value",
    [torch.ones(3, 4).T, torch.ones(2, dtype=torch.bfloat16), torch.nn.Parameter(torch.ones(2)), torch.float32],
)
def test_what_is_no_plain_tensor_is_refused(tmp_path, value):
    with pytest.raises(DataError, match="refused"):
        read(tmp_path, value)


class Forged:
    def __init__(self, function: object, *arguments: object) -> None:
        self.plan = (function, arguments)

    def __reduce__(self) -> object:
        return self.plan


def raw(tensor: torch.Tensor) -> bytes:
    _, (content,) = tensor.storage().__reduce__()
    return content


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_forged_storages_and_tensors_are_refused(tmp_path):
    whole = raw(torch.ones(4))
    load = torch.storage._load_from_bytes
    assert np.array_equal(pickled_torch.storage(whole), np.ones(4, np.float32))
    longer = whole[:-24] + struct.pack("<q", 2**40) + whole[-16:]
    for content in (
        whole[:-1],
        whole + b"x",
        longer,
        whole[1:],
        b"",
        whole.replace(b"FloatStorage", b"EvilsStorage"),
    ):
        with pytest.raises(DataError):
            read(tmp_path, Forged(load, content))
    rebuild = torch._utils._rebuild_tensor_v2
    for offset, shape, strides in (
        (1, (4,), (1,)),
        (-1, (2,), (1,)),
        (0, (5,), (1,)),
        (0, (2**40, 2**40), (2**40, 1)),
        (0, (4,), (0,)),
        (0, (2, 2), (1,)),
        (0, ("a",), (1,)),
    ):
        with pytest.raises(DataError, match="refused"):
            read(tmp_path, Forged(rebuild, Forged(load, whole), offset, shape, strides, False, {}))


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_no_code_in_a_storage_runs(tmp_path):
    """The pickles inside a storage are stepped through, never run."""
    target = tmp_path / "ran"
    evil = pickle.dumps(Forged(exec, f"open({str(target)!r}, 'w')"), protocol=2)
    parts = raw(torch.ones(4))
    for content in (evil * 5 + parts[-24:], parts[:14] + evil + parts[14:]):
        with pytest.raises(DataError):
            read(tmp_path, Forged(torch.storage._load_from_bytes, content))
    assert not target.exists()


def test_torch_is_not_imported(tmp_path):
    path = tmp_path / "x.pkl"
    path.write_bytes(pickle.dumps(TENSORS))
    code = (
        "import sys; from pathlib import Path; from avgzsl_bench.data.untrusted.unpickle import load_pickle; "
        f"load_pickle(Path({str(path)!r})); print('torch' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "False"
