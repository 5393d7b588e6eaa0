"""Plain data and tensors in pickles are read as they are, without torch; nothing in a pickle runs."""

from __future__ import annotations

import io
import os
import pickle
import struct
import subprocess
import sys
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from pickled_values import VALUE, Evil

from avgzsl_bench.data.untrusted import pickled_torch
from avgzsl_bench.data.untrusted.unpickle import load_object_array, load_pickle
from avgzsl_bench.errors import DataError


def read(tmp_path: Path, value: object, protocol: int | None = None) -> object:
    """A value, or the bytes of a pickle, as the file `some.pkl` is read."""
    path = tmp_path / "some.pkl"
    path.write_bytes(value if isinstance(value, bytes) else pickle.dumps(value, protocol))
    return load_pickle(path)


def assert_equal(a: object, b: object) -> None:
    if isinstance(a, dict):
        assert isinstance(b, dict)
        assert list(a) == list(b)
        for key in a:
            assert_equal(a[key], b[key])
    elif isinstance(a, list | tuple):
        assert type(a) is type(b)
        assert len(a) == len(b)
        for x, y in zip(a, b, strict=True):
            assert_equal(x, y)
    elif isinstance(a, np.ndarray):
        assert isinstance(b, np.ndarray)
        # NumPy itself brings arrays of the other byte order to the machine's own.
        assert (a.dtype.newbyteorder("="), a.shape) == (b.dtype.newbyteorder("="), b.shape)
        assert_equal(a.tolist(), b.tolist())
    else:
        assert a == b
        assert type(a) is type(b)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_reads_what_numpy_writes(tmp_path: Path, protocol: int) -> None:
    assert_equal(VALUE, read(tmp_path, VALUE, protocol))


def test_reads_names_of_older_numpy(tmp_path: Path) -> None:
    content = pickle.dumps([np.ones(3)], protocol=2).replace(b"numpy._core.", b"numpy.core.")
    assert_equal([np.ones(3)], read(tmp_path, content))


def test_shared_element_type_keeps_its_byte_order(tmp_path: Path) -> None:
    big = np.dtype(">f4")
    value = [np.arange(3, dtype=big), np.arange(4, 6).astype(big)]
    assert_equal(value, read(tmp_path, value))


def test_ordered_dict_becomes_dict(tmp_path: Path) -> None:
    assert read(tmp_path, OrderedDict(a=1, b=2)) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("value", "named"),
    [
        (Evil(os.system, "touch {}"), "system"),
        ([np.ones(2), Evil(eval, "1")], "builtins.eval"),
        ({"features": np.array([Evil(os.system, "touch {}")], dtype=object)}, "system"),
        (Evil(np.ones(1).__reduce__()[0], bytearray, (0,), b"b"), "builtins.bytearray"),
        (Evil(np.ndarray, (10**9,), "f8"), "'ndarray'"),
        (Evil(np.ndarray, (1,), "O", b"12345678"), "'ndarray'"),
        (Evil(np.dtype, [("a", "O")]), "'dtype'"),
        (Evil(np.dtype, "V8", False, True), "'dtype'"),
        (Evil(np.dtype, "f4,O", False, True), "'dtype'"),
        (Evil(bytes, 10**12), "'bytes'"),
        (Evil(OrderedDict, [("a", 1)]), "'dict'"),
        (Evil(np.frompyfunc, 1), "frompyfunc"),
        (Evil(np.load, "x"), "load"),
        (b"\x80\x02cnumpy.ctypeslib\nload_library\n.", "ctypeslib"),
        ({1, 2}, "EMPTY_SET"),
        (range(3), "builtins.range"),
        (1 + 2j, "complex"),
        ({(1, 2): 3}, "dict key"),
        (b"\x80\x02cnumpy\nndarray\n)\x81.", "NEWOBJ"),
        (b"(S'touch x'\nios\nsystem\n.", "STRING"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x02Pthing\n.", "PERSID"),
        (b"\x80\x05\x97.", "NEXT_BUFFER"),
        # BUILD on a function would set its attributes; here a name is inert.
        (b"\x80\x02cnumpy\nndarray\n}X\x01\x00\x00\x00aK\x01sb.", ""),
    ],
)
def test_refuses_what_is_not_plain_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: object, named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"some\.pkl.*refused") as error:
        read(tmp_path, value)
    assert named in str(error.value)
    assert "\n" not in str(error.value)
    assert [p.name for p in tmp_path.iterdir()] == ["some.pkl"]


@pytest.mark.parametrize(
    "state",
    [
        (1, (10**12,), np.dtype("f8"), False, b"1234"),
        (1, (2**62, 2**62), np.dtype("f8"), False, b""),
        (1, (-1,), np.dtype("f8"), False, b""),
        (1, (1,), np.dtype("O"), False, b"12345678"),
        (1, (1,), np.dtype("f8"), False, [1]),
        (1, (1,), np.dtype("S5000"), False, b"1"),
        (1, (2,), np.dtype("O"), False, [1]),
        (1, (1,) * 40, np.dtype("u1"), False, b"1"),
        {"shape": (3,)},
    ],
)
def test_refuses_array_states_that_do_not_add_up(tmp_path: Path, state: object) -> None:
    with pytest.raises(DataError):
        read(tmp_path, Evil(np.ones(1).__reduce__()[0], np.ndarray, (0,), b"b", state=state))


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"\x80\x04", b"\x80\x04.", b"\x80\x04N", b"not a pickle"),
        *(b"\x80\x63N.", b"\x80\x04NN.", b"\x80\x04h\x05.", b"\x80\x04e.", b"\x80\x04(."),
        b"\x80\x05\x96" + struct.pack("<Q", 2**62) + b"x.",
        b"\x80\x04\x8e" + struct.pack("<Q", 2**40) + b"x.",
        b"\x80\x04\x95" + struct.pack("<Q", 2**40) + b"N",
        b"\x80\x02Nr\xff\xff\xff\xff0.",
        pickle.dumps(VALUE)[:-20],
    ],
)
def test_damaged_pickles(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(DataError, match=r"some\.pkl"):
        read(tmp_path, content)


def test_sparse_memo_takes_no_memory(tmp_path: Path) -> None:
    assert read(tmp_path, b"\x80\x02Nr\xff\xff\xff\xff.") is None


def test_deep_nesting_ends_well(tmp_path: Path) -> None:
    deep = read(tmp_path, b"\x80\x02" + b"]" * 200_000 + b"a" * 199_999 + b".")
    assert isinstance(deep, list)
    with pytest.raises(DataError):
        read(tmp_path, b"\x80\x02})" + b"\x85" * 200_000 + b"Ns.")


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.pkl"):
        load_pickle(tmp_path / "none.pkl")
    with pytest.raises(DataError, match="cannot be read"):
        load_pickle(tmp_path)


def npy(value: object) -> bytes:
    stream = io.BytesIO()
    np.save(stream, np.array(value, dtype=object), allow_pickle=True)
    return stream.getvalue()


def test_object_array(tmp_path: Path) -> None:
    path = tmp_path / "words.npy"
    path.write_bytes(npy({"a": np.ones(3, np.float32)}))
    assert_equal({"a": np.ones(3, np.float32)}, load_object_array(path))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x93NUMPY",
        b"\x93NUMPY\x01\x00\xff\xff{}",
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}",
        b"\x93NUMPY\x01\x00\x02\x00((",
        b"\x93NUMPY\x01\x00\x10'" + b"(" * 10_000,
        b"\x93NUMPY\x07\x00\x02\x00{}",
        npy({"a": 1})[:-5],
        npy([1, 2]),
        npy(Evil(os.system, "true")),
        npy({"a": Evil(os.system, "true")}),
        pickle.dumps({"a": 1}),
    ],
)
def test_damaged_object_arrays(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "words.npy"
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"words\.npy"):
        load_object_array(path)


def test_plain_array_is_no_object(tmp_path: Path) -> None:
    np.save(tmp_path / "words.npy", np.ones(3))
    with pytest.raises(DataError, match="single object"):
        load_object_array(tmp_path / "words.npy")


def test_text_beyond_unicode_is_refused(tmp_path: Path) -> None:
    """NumPy would take it, and Python breaks on reading it."""
    for dtype, encoding, forged in (("<U3", "utf-32-le", b"\0\0\x11\0"), (">U3", "utf-32-be", b"\0\x11\0\0")):
        content, letter = pickle.dumps(np.array(["abc"], dtype)), "a".encode(encoding)
        assert content.count(letter) == 1
        with pytest.raises(DataError, match="a character that does not exist"):
            read(tmp_path, content.replace(letter, forged))


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


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_tensors_are_read_as_arrays(tmp_path, protocol):
    assert_equal({name: tensor.numpy() for name, tensor in TENSORS.items()}, read(tmp_path, TENSORS, protocol))


@pytest.mark.parametrize(
    "value",
    [torch.ones(3, 4).T, torch.ones(2, dtype=torch.bfloat16), torch.nn.Parameter(torch.ones(2)), torch.float32],
)
def test_what_is_no_plain_tensor_is_refused(tmp_path, value):
    with pytest.raises(DataError, match="refused"):
        read(tmp_path, value)


def raw(tensor: torch.Tensor) -> bytes:
    _, (content,) = tensor.storage().__reduce__()
    return content


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_forged_storages_and_tensors_are_refused(tmp_path):
    whole = raw(torch.ones(4))
    load = torch.storage._load_from_bytes
    assert np.array_equal(pickled_torch.storage(whole), np.ones(4, np.float32))
    longer = whole[:-24] + struct.pack("<q", 2**40) + whole[-16:]
    renamed = whole.replace(b"FloatStorage", b"EvilsStorage")
    for content in (whole[:-1], whole + b"x", longer, whole[1:], b"", renamed):
        with pytest.raises(DataError):
            read(tmp_path, Evil(load, content))
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
            read(tmp_path, Evil(rebuild, Evil(load, whole), offset, shape, strides, False, {}))


@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated")
def test_no_code_in_a_storage_runs(tmp_path):
    """The pickles inside a storage are stepped through, never run."""
    target = tmp_path / "ran"
    evil = pickle.dumps(Evil(target.touch), protocol=2)
    parts = raw(torch.ones(4))
    for content in (evil * 5 + parts[-24:], parts[:14] + evil + parts[14:]):
        with pytest.raises(DataError):
            read(tmp_path, Evil(torch.storage._load_from_bytes, content))
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
