from __future__ import annotations

import contextlib
import io
import os
import pickle
import struct
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from avgzsl_bench.data.untrusted.unpickle import load_object_array, load_pickle
from avgzsl_bench.errors import DataError

VALUE = {
    "features": [np.arange(6, dtype=np.float32).reshape(2, 3), np.zeros((0,), np.float16)],
    "video_names": [b"v_0", np.bytes_(b"v_1"), "v_2"],
    "fps": (25, 2**70, -1, 2.5, None, True),
    "arrays": [np.arange(4, dtype=">f4"), np.asfortranarray(np.ones((2, 3))), np.array(["a", "bcd"])],
    "objects": np.array([{"a": np.float32(1)}, None], dtype=object),
    "names": np.array([b"x", b"yz"], "S80"),
    "latin": bytes(range(256)),
}


class Evil:
    """Pickles as a call of something."""

    def __init__(self, function: object, *arguments: object, state: object = None) -> None:
        self.plan = (function, arguments) if state is None else (function, arguments, state)

    def __reduce__(self) -> tuple[object, ...]:
        return self.plan


def read(tmp_path: Path, content: bytes) -> object:
    path = tmp_path / "some.pkl"
    path.write_bytes(content)
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
    assert_equal(VALUE, read(tmp_path, pickle.dumps(VALUE, protocol=protocol)))


def test_reads_names_of_older_numpy(tmp_path: Path) -> None:
    content = pickle.dumps([np.ones(3)], protocol=2).replace(b"numpy._core.", b"numpy.core.")
    assert_equal([np.ones(3)], read(tmp_path, content))


def test_shared_element_type_keeps_its_byte_order(tmp_path: Path) -> None:
    big = np.dtype(">f4")
    value = [np.arange(3, dtype=big), np.arange(4, 6).astype(big)]
    assert_equal(value, read(tmp_path, pickle.dumps(value)))


def test_ordered_dict_becomes_dict(tmp_path: Path) -> None:
    assert read(tmp_path, pickle.dumps(OrderedDict(a=1, b=2))) == {"a": 1, "b": 2}


@pytest.mark.parametrize(
    ("content", "named"),
    [
        (pickle.dumps(Evil(os.system, "touch {}")), "system"),
        (pickle.dumps([np.ones(2), Evil(eval, "1")]), "builtins.eval"),
        (pickle.dumps({"features": np.array([Evil(os.system, "touch {}")], dtype=object)}), "system"),
        (pickle.dumps(Evil(np.ones(1).__reduce__()[0], bytearray, (0,), b"b")), "builtins.bytearray"),
        (pickle.dumps(Evil(np.ndarray, (10**9,), "f8")), "'ndarray'"),
        (pickle.dumps(Evil(np.ndarray, (1,), "O", b"12345678")), "'ndarray'"),
        (pickle.dumps(Evil(np.dtype, [("a", "O")])), "'dtype'"),
        (pickle.dumps(Evil(np.dtype, "V8", False, True)), "'dtype'"),
        (pickle.dumps(Evil(np.dtype, "f4,O", False, True)), "'dtype'"),
        (pickle.dumps(Evil(bytes, 10**12)), "'bytes'"),
        (pickle.dumps(Evil(OrderedDict, [("a", 1)])), "'dict'"),
        (pickle.dumps(Evil(np.frompyfunc, 1)), "frompyfunc"),
        (pickle.dumps(Evil(np.load, "x")), "load"),
        (b"\x80\x02cnumpy.ctypeslib\nload_library\n.", "ctypeslib"),
        (pickle.dumps({1, 2}), "EMPTY_SET"),
        (pickle.dumps(range(3)), "builtins.range"),
        (pickle.dumps(1 + 2j), "complex"),
        (pickle.dumps({(1, 2): 3}), "dict key"),
        (b"\x80\x02cnumpy\nndarray\n)\x81.", "NEWOBJ"),
        (b"(S'touch x'\nios\nsystem\n.", "STRING"),
        (b"\x80\x02\x82\x01.", "EXT1"),
        (b"\x80\x02Pthing\n.", "PERSID"),
        (b"\x80\x05\x97.", "NEXT_BUFFER"),
    ],
)
def test_refuses_what_is_not_plain_data(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes, named: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"some\.pkl.*refused") as error:
        read(tmp_path, content)
    assert named in str(error.value)
    assert "\n" not in str(error.value)
    assert [p.name for p in tmp_path.iterdir()] == ["some.pkl"]


def test_state_cannot_be_set_on_names(tmp_path: Path) -> None:
    """BUILD on a function would set its attributes; here a name is inert."""
    content = b"\x80\x02cnumpy\nndarray\n}X\x01\x00\x00\x00aK\x01sb."
    with pytest.raises(DataError, match="refused"):
        read(tmp_path, content)


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
    make = np.ones(1).__reduce__()[0]
    with pytest.raises(DataError):
        read(tmp_path, pickle.dumps(Evil(make, np.ndarray, (0,), b"b", state=state)))


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x80\x04",
        b"\x80\x04.",
        b"\x80\x04N",
        b"not a pickle",
        b"\x80\x63N.",
        b"\x80\x04NN.",
        b"\x80\x04h\x05.",
        b"\x80\x04e.",
        b"\x80\x04(.",
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


PICKLE, NPY = pickle.dumps(VALUE, protocol=4), npy({"a": np.ones(3, np.float32), "b": np.zeros(3)})


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(PICKLE)), st.lists(st.tuples(st.integers(0, len(PICKLE) - 1), st.integers(0, 255))))
def test_altered_pickles_never_surprise(
    tmp_path_factory: pytest.TempPathFactory, end: int, changes: list[tuple[int, int]]
) -> None:
    content = bytearray(PICKLE)
    for at, byte in changes:
        content[at] = byte
    with contextlib.suppress(DataError):
        read(tmp_path_factory.mktemp("fuzz"), bytes(content[: end or None]))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(NPY)), st.lists(st.tuples(st.integers(0, len(NPY) - 1), st.integers(0, 255))))
def test_altered_object_arrays_never_surprise(
    tmp_path_factory: pytest.TempPathFactory, end: int, changes: list[tuple[int, int]]
) -> None:
    content = bytearray(NPY)
    for at, byte in changes:
        content[at] = byte
    path = tmp_path_factory.mktemp("fuzz") / "words.npy"
    path.write_bytes(bytes(content[: end or None]))
    with contextlib.suppress(DataError):
        load_object_array(path)


def test_text_beyond_unicode_is_refused(tmp_path: Path) -> None:
    """NumPy would take it, and Python breaks on reading it."""
    for byte_order in "<>":
        content = pickle.dumps(np.array(["abc"], dtype=f"{byte_order}U3"))
        letter = "a".encode("utf-32-le" if byte_order == "<" else "utf-32-be")
        forged = b"\x00\x00\x11\x00" if byte_order == "<" else b"\x00\x11\x00\x00"
        assert content.count(letter) == 1
        with pytest.raises(DataError, match="a character that does not exist"):
            read(tmp_path, content.replace(letter, forged))
