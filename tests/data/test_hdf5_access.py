"""HDF5 files that are sound and cannot be read now are not called damaged."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
from own_features import OwnFiles

from avgzsl_bench.data.store.store import read_header
from avgzsl_bench.errors import InaccessibleError


@pytest.fixture
def own(tmp_path: Path) -> OwnFiles:
    """Files of a user's own dataset, with all plugins: `doctor` looks at them."""
    return OwnFiles(tmp_path)


HOLD = "import h5py, sys; f = h5py.File(sys.argv[1], 'r+'); print('held', flush=True); sys.stdin.read()"


def test_a_file_that_another_program_has_open(own: OwnFiles) -> None:
    assert own.add().exit_code == 0
    command = [sys.executable, "-c", HOLD, str(own.store)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        for command in (("doctor",), ("data", "list"), ("data", "verify"), ("data", "info", "mine")):
            result = own.call(*command)
            assert result.exit_code == 2, command
            expected = f"{own.store}: locked: another program has it open for writing; close it there"
            assert expected in result.stderr, command
            assert "damaged" not in result.output, command
            assert "--force" not in result.output, command
            assert "nothing installed" not in result.output, command
            assert "no features are installed" not in result.output, command
        holder.communicate()
    assert own.call("doctor").exit_code == 0


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP])
def test_a_file_system_without_locks(own: OwnFiles, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """With the words that the library has for it."""
    assert own.add().exit_code == 0

    def no_locks(*_: object) -> None:
        message = f"Unable to synchronously open file (unable to lock file, errno = {number}, error message = 'x')"
        raise OSError(number, message)

    monkeypatch.setattr(h5py.h5f, "open", no_locks)
    with pytest.raises(InaccessibleError) as error:
        read_header(own.store)
    assert str(error.value) == (
        f"{own.store}: its file system has no locks ({os.strerror(number)}); set the environment variable "
        "HDF5_USE_FILE_LOCKING=FALSE, and nothing waits for locks there"
    )


def with_other_filter(path: Path, values: np.ndarray, code: int, name: bytes) -> None:
    """Write a compressed array and give its filter another number and name, as if of a plugin."""
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=values, chunks=(len(values), values.shape[1]), compression="gzip")
    content = path.read_bytes()
    at = content.index(b"deflate\0")
    changed = content[: at - 8] + code.to_bytes(2, "little") + content[at - 6 : at] + name.ljust(8, b"\0")
    path.write_bytes(changed + content[at + 8 :])


def test_a_compression_filter_that_is_not_installed(own: OwnFiles) -> None:
    path = own.path("audio.h5")
    for code, name, shown in ((32001, b"blosc", "32001 (blosc)"), (32015, b"zstd", "32015 (zstd)")):
        with_other_filter(path, own.audio, code, name)
        own.refuses(f"audio.h5: 'x' is compressed with HDF5 filter {shown}, which is not installed", audio=path)
