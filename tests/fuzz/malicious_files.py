"""Files made to do harm: to run code, to claim memory, to lead out of the file. None is read without complaint."""

from __future__ import annotations

import io
import pickle
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from random import Random

import h5py
import numpy as np

GIGABYTES = 2**36

_UNPACKED = 270 << 20
"""Bytes, more than any reader takes in."""

_CHUNK = 400 << 20
"""Bytes of a chunk, more than a file of its size may take."""


def _calling(module: str, name: str, *arguments: object, protocol: int = 2) -> bytes:
    """Instructions that leave the result of a call on the stack."""
    if protocol >= 4:
        named = b"".join(b"\x8c" + bytes([len(n)]) + n.encode() for n in (module, name)) + b"\x93"
    else:
        named = b"c" + module.encode() + b"\n" + name.encode() + b"\n"
    return named + b"(" + b"".join(_value(a) for a in arguments) + b"tR"


def _value(value: object) -> bytes:
    """Instructions that leave a plain value on the stack."""
    return pickle.dumps(value, 2)[2:-1]


def _pickled(instructions: bytes, protocol: int = 2) -> bytes:
    return b"\x80" + bytes([protocol]) + instructions + b"."


def pickles(random: Random, canary: Path) -> bytes:
    """A pickle of a feature class, or of anything, that does harm."""
    where = str(canary)
    protocol = random.choice((2, 4))
    calls = (
        ("os", "system", f"touch {where}"),
        ("posix", "system", f"touch {where}"),
        ("builtins", "eval", f"open({where!r}, 'w')"),
        ("builtins", "exec", f"open({where!r}, 'w')"),
        ("__builtin__", "open", where, "w"),
        ("io", "open", where, "w"),
        ("subprocess", "Popen", ["touch", where]),
        ("pathlib", "Path.touch", where),
        ("builtins", "getattr", "x", "__class__"),
        ("builtins", "bytearray", GIGABYTES),
        ("builtins", "bytes", GIGABYTES),
        ("numpy", "zeros", GIGABYTES),
        ("numpy", "fromfile", "/etc/passwd"),
        ("numpy", "load", where),
        ("numpy.core.multiarray", "_reconstruct", "x", (GIGABYTES,), b"b"),
        ("numpy._core.multiarray", "scalar", "f4", b"1"),
        ("torch", "load", where),
        ("torch.storage", "_load_from_bytes", b"cos\nsystem\n(S'touch " + where.encode() + b"'\ntR."),
        ("_codecs", "encode", "x" * 10, "rot13"),
        ("collections", "OrderedDict", [("a", 1)]),
        ("importlib", "import_module", "antigravity"),
    )
    module, name, *arguments = random.choice(calls)
    kinds: tuple[Callable[[], bytes], ...] = (
        lambda: _pickled(_calling(module, name, *arguments, protocol=protocol), protocol),
        lambda: _pickled(_in_class_file(_calling(module, name, *arguments, protocol=protocol)), protocol),
        lambda: _pickled(b"(i" + b"os\nsystem\n" + b"."),
        lambda: _pickled(b"(S'touch " + where.encode() + b"'\nios\nsystem\n"),
        lambda: _pickled(b"(cos\nsystem\nS'touch " + where.encode() + b"'\no"),
        lambda: _pickled(b"cos\nsystem\n)\x81"),
        lambda: _pickled(b"Pid\n"),
        lambda: _pickled(b"]Q"),
        lambda: _pickled(b"\x82\x01"),
        lambda: _pickled(b"\x8d" + struct.pack("<Q", GIGABYTES) + b"x", 4),
        lambda: _pickled(b"\x8e" + struct.pack("<Q", GIGABYTES) + b"x", 4),
        lambda: _pickled(b"\x96" + struct.pack("<Q", GIGABYTES) + b"x", 5),
        lambda: _pickled(b"T" + struct.pack("<i", -5) + b"x"),
        lambda: _pickled(b"B" + struct.pack("<I", 2**32 - 1) + b"x", 3),
        lambda: _pickled(b"\x8b" + struct.pack("<i", random.choice((-1, 2**31 - 1))) + b"x"),
        lambda: _pickled(b"I" + b"9" * 10_000 + b"\n"),
        lambda: _pickled(b"(" * random.choice((10, 100_000)) + b"t" * 10),
        lambda: _pickled(b"]" * 100_000 + b"a" * 99_999),
        lambda: _pickled(b"]q\x00h\x00a"),
        lambda: _pickled(b"}q\x00U\x01ah\x00s"),
        lambda: _pickled(b")\x85" + b"\x85" * 200_000),
        lambda: _pickled(b"}" + b")" + b"\x85" * 50_000 + b"Ks"),
        lambda: _pickled(b"]2" + b"2" * 1000 + b"e" * 3),
        lambda: _pickled(_doubling()),
        lambda: _pickled(_in_class_file(_doubling())),
        lambda: _pickled(_in_class_file(_array((GIGABYTES, 8), b"\0" * 32))),
        lambda: _pickled(_in_class_file(_array((-1, 8), b""))),
        lambda: _pickled(_in_class_file(_array((2**62, 2**62), b""))),
        lambda: _pickled(_in_class_file(_array((0,) * 33, b""))),
        lambda: _pickled(_in_class_file(_array((2, 8), b"\0" * 16, "O8"))),
        lambda: _pickled(_in_class_file(_array((8,), b"\0" * 32, "V4"))),
        lambda: _pickled(b"\x95" + struct.pack("<Q", GIGABYTES), 4),
        lambda: b"\x80\x63.",
        lambda: b"",
    )
    return random.choice(kinds)()


def _doubling() -> bytes:
    """A list of lists, each twice in the next: 2**40 of them if they were copied."""
    return b"]q\x00" + b"".join(
        b"]" + b"(" + b"h" + bytes([i]) + b"h" + bytes([i]) + b"eq" + bytes([i + 1]) for i in range(40)
    )


def _array(shape: tuple[int, ...], content: bytes, code: str = "f4") -> bytes:
    """An array as NumPy pickles it, which declares a shape of ours."""
    blank = b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n" + _value((0,)) + _value(b"b") + b"tR"
    dtype = b"cnumpy\ndtype\n(" + _value(code) + _value(False) + _value(True) + b"tR"
    dtype += _value((3, "<", None, None, None, -1, -1, 0)) + b"b"
    state = (_value(1), _value(shape), dtype, _value(False), b"C", bytes([len(content)]), content)
    return blank + b"(" + b"".join(state) + b"tb"


def _in_class_file(instructions: bytes) -> bytes:
    """A feature class whose arrays are what the instructions leave."""
    return (
        b"}(" + _value("features") + b"](" + instructions + b"e" + _value("video_names") + _value([b"v_0"]) + b"u"
    )


def hdf5(random: Random, canary: Path, dataset: str) -> bytes:
    """An HDF5 file in which a dataset leads elsewhere, or is not what it says."""
    path = canary.with_name("malicious.h5")
    secret = canary.with_name("secret.h5")
    with h5py.File(secret, "w") as file:
        file["secret"] = np.full((2, 8), 7.0, np.float32)
    raw = canary.with_name("secret.raw")
    raw.write_bytes(np.full((2, 8), 7.0, np.float32).tobytes())
    kinds: tuple[Callable[[h5py.File], object], ...] = (
        lambda f: f.__setitem__(dataset, h5py.ExternalLink(str(secret), "/secret")),
        lambda f: f.__setitem__(dataset, h5py.ExternalLink("../../../../../../etc/passwd", "/x")),
        lambda f: f.__setitem__(dataset, h5py.SoftLink("/other")),
        lambda f: f.__setitem__(dataset, h5py.SoftLink(f"/{dataset}")),
        lambda f: f.create_dataset(dataset, (2, 8), "f4", external=[(str(raw), 0, 64)]),
        lambda f: f.create_dataset(dataset, (2, 8), "f4", external=[("/etc/passwd", 0, 64)]),
        lambda f: f.create_dataset(dataset, (2**40, 8), "f4"),
        lambda f: f.create_dataset(dataset, (2**33, 8), "f4", chunks=(1, 8)),
        lambda f: f.create_dataset(dataset, (2**33, 8), "f4", chunks=(1, 8), compression="gzip"),
        lambda f: f.create_dataset(
            dataset, data=np.zeros((2**12, 512), "f4"), chunks=(2**12, 512), compression="gzip"
        ),
        lambda f: _large_chunk(f, dataset),
        lambda f: f.create_dataset(dataset, (2, 8), h5py.string_dtype()),
        lambda f: f.create_dataset(dataset, (2, 8), h5py.vlen_dtype(np.dtype("f4"))),
        lambda f: f.create_dataset(dataset, (2, 8), h5py.ref_dtype),
        lambda f: f.create_dataset(dataset, (2,), np.dtype([("a", "f4"), ("b", "S4")])),
        lambda f: f.create_dataset(dataset, (2, 8), "c8"),
        lambda f: f.create_dataset(dataset, data=h5py.Empty("f4")),
        lambda f: f.create_dataset(dataset, data=5.0),
        lambda f: f.create_group(dataset),
        lambda f: f.__setitem__(dataset, f["/"]),
        lambda f: f.__setitem__(dataset, np.dtype("f4")),
        lambda f: _virtual(f, dataset, secret),
        lambda f: None,
    )
    with h5py.File(path, "w", libver=random.choice(("earliest", "latest"))) as file:
        file["other"] = np.ones((2, 8), np.float32)
        random.choice(kinds)(file)
        if dataset != "video_urls":
            file["video_urls"] = np.array([b"v_0", b"v_1"], "S80")
        file.attrs["schema"] = np.bytes_(b"avgzsl-bench features 1")
    return path.read_bytes()


def _large_chunk(file: h5py.File, dataset: str) -> None:
    """Two rows in a chunk that unpacks to far more than they are."""
    shape = (_CHUNK // 4 // 8192, 8192)
    made = file.create_dataset(dataset, (2, 8), "f4", maxshape=(None, None), chunks=shape, compression="gzip")
    made.id.write_direct_chunk((0, 0), _packed_zeros(_CHUNK))


@lru_cache
def _packed_zeros(size: int) -> bytes:
    packer, block = zlib.compressobj(1), bytes(1 << 20)
    return b"".join([*(packer.compress(block) for _ in range(size >> 20)), packer.flush()])


def _virtual(file: h5py.File, dataset: str, secret: Path) -> None:
    layout = h5py.VirtualLayout((2, 8), "f4")
    layout[...] = h5py.VirtualSource(str(secret), "secret", (2, 8))
    file.create_virtual_dataset(dataset, layout)


def npy(random: Random, canary: Path) -> bytes:
    """A .npy file with a harmful header or pickle."""
    kinds: tuple[Callable[[], bytes], ...] = (
        lambda: _npy("{'descr': '|O', 'fortran_order': False, 'shape': (), }") + pickles(random, canary),
        lambda: _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (68719476736,), }") + b"\0" * 64,
        lambda: _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (4, -1), }") + b"\0" * 64,
        lambda: _npy(f"__import__('os').system('touch {canary}')"),
        lambda: _npy("{'descr': '|O', 'fortran_order': False, 'shape': (68719476736,), }"),
        lambda: _npy("[" * 5000),
        lambda: _npy("9" * 9000),
        lambda: _npy("(" * 90 + "1" + ")" * 90),
        lambda: b"\x93NUMPY\x02\x00" + struct.pack("<I", 2**32 - 1),
        lambda: b"\x93NUMPY\x09\x00",
    )
    return random.choice(kinds)()


def _npy(header: str) -> bytes:
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header.encode()


def npz(random: Random, canary: Path) -> bytes:
    """An archive that unpacks to gigabytes, holds pickles, or has names that lead out of it."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        kind = random.randrange(4)
        name = random.choice(("Archery.npy", "label.npy", "../../Archery.npy", "/etc/passwd", "a\x00b.npy"))
        if kind == 0:
            archive.writestr(name, npy(random, canary))
        elif kind == 1:
            return _bomb(name)
        elif kind == 2:
            archive.writestr(name, _npy("{'descr': '<f4', 'fortran_order': False, 'shape': (68719476736,), }"))
        else:
            archive.writestr(name, pickles(random, canary))
    return buffer.getvalue()


@lru_cache
def _bomb(name: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr(name, bytes(_UNPACKED))
    return buffer.getvalue()


def text(random: Random, canary: Path) -> bytes:
    """Text that is too deep, too long, or no text."""
    return random.choice(
        (
            b"[" * 200_000,
            b'{"a":' * 100_000,
            b'{"Archery": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
            b"9" * 1_000_000,
            b'{"Archery": [' + b"9" * 10_000 + b"]}",
            b'{"\\ud800": [1]}',
            b'{"../../x": [1, 2]}',
            b"\xff\xfe\x00\x00",
            b"\0" * 1000,
            b"a" * 1_000_000,
            b"a = " + b"[" * 100_000,
            b'"' + b"," * 300_000,
            b"",
        )
    )


def checkpoint(random: Random, canary: Path) -> bytes:
    """What torch.save would write around a harmful pickle, in its old and its new form."""
    content = pickles(random, canary)
    if random.random() < 0.3:
        return content
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("archive/data.pkl", content)
        archive.writestr("archive/version", "3\n")
        archive.writestr("archive/byteorder", "little")
    return buffer.getvalue()


def safetensors(random: Random, canary: Path) -> bytes:
    """A header that is too long, too deep, or places tensors outside."""
    header = random.choice(
        (
            b"[" * 100_000,
            b'{"a": {"dtype": "F32", "shape": [68719476736], "data_offsets": [0, 274877906944]}}',
            b'{"a": {"dtype": "F32", "shape": [4], "data_offsets": [16, 0]}}',
            b'{"a": {"dtype": "F32", "shape": [4294967296, 4294967296], "data_offsets": [0, 16]}}',
            b'{"__metadata__": {"avgzsl_bench": "' + b"[" * 50_000 + b'"}}',
            b'{"__metadata__": {"avgzsl_bench": "{}"}}',
            b"{}",
        )
    )
    length = random.choice((len(header), len(header), len(header), 2**40, 2**64 - 1, 0))
    return struct.pack("<Q", length) + header + bytes(16)


def parquet(random: Random, canary: Path) -> bytes:
    """A table of kilobytes that stands for gigabytes, or is not of text."""
    return _parquet(random.randrange(3))


@lru_cache
def _parquet(kind: int) -> bytes:
    import pyarrow as pa
    from pyarrow import parquet as pq

    count = 20_000
    ids = pa.array([f"v{i}" for i in range(count)])
    long = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), ["x" * 50_000])
    if kind == 1:
        long = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), [b"x" * 50_000])
    columns = {"video": ids, "class": long, "partition": pa.array(["stage1_train"] * count)}
    if kind == 2:
        columns["class"] = pa.array([[1, 2]] * count)
    stream = io.BytesIO()
    pq.write_table(pa.table(columns), stream, compression="zstd", store_schema=False)
    return stream.getvalue()
