from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import h5py
import pytest
from click.testing import CliRunner, Result
from own_features import OwnFiles
from privileges import permissions_count

from avgzsl_bench.cli import main
from avgzsl_bench.data.datasets.registry import registered_dataset as dataset
from avgzsl_bench.data.datasets.registry import write_own_dataset
from avgzsl_bench.data.simulated.simulated import ensure_simulated
from avgzsl_bench.data.store.store import read_store
from avgzsl_bench.data.store.writing import write_store
from avgzsl_bench.plugins.hookspecs import hookimpl
from avgzsl_bench.plugins.specs import EncoderSpec


def doctor(root: Path, *options: str) -> Result:
    return CliRunner().invoke(main, ["doctor", *options], env={"AVBENCH_DATA": str(root)})


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return ensure_simulated(tmp_path, dataset("ucf")).path


def test_stores_are_verified(store: Path, tmp_path: Path) -> None:
    result = doctor(tmp_path)
    assert result.exit_code == 0, result.output
    assert "ucf/simulated: 6816 videos; simulated, unaltered" in result.stdout
    assert "all is well" in result.output


def test_threads_and_how_they_wait_are_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOMP_SPINCOUNT", "77")
    lines = doctor(tmp_path).stdout.splitlines()
    assert {"threads       1 (OMP_NUM_THREADS)", "waiting       GOMP_SPINCOUNT=77"} <= {*lines}
    monkeypatch.delenv("OMP_NUM_THREADS")
    assert "threads       1, or 2 for a large model" in doctor(tmp_path).stdout.splitlines()


def test_encoders_are_imported(
    tmp_path: Path, register: Callable[[object], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avgzsl_bench.encoders.registry.find_spec", lambda name: name != "transformers" or None)
    lines = doctor(tmp_path).stdout.splitlines()
    assert [line for line in lines if line.startswith("encoders      clip (not installed: transformers), ")]
    spec = EncoderSpec("broken", "no_such_module:Encoder", "audio", {"audio": 3}, title="Broken")
    register(SimpleNamespace(avbench_encoders=hookimpl(lambda: [spec])))
    result = doctor(tmp_path)
    assert result.exit_code == 2
    assert "encoder 'broken'" in result.stderr


def test_a_dataset_of_the_data_folder_is_known(tmp_path: Path) -> None:
    own = dataset("ucf").model_copy(update={"name": "mine", "recording": None})
    write_own_dataset(tmp_path / "mine" / "dataset.json", own)
    ensure_simulated(tmp_path, own)
    result = doctor(tmp_path)
    assert result.exit_code == 0, result.output
    assert "mine/simulated: 6816 videos; simulated, unaltered" in result.stdout


@pytest.mark.parametrize("kind", ["not HDF5", "no labels", "nan", "altered", "unknown dataset"])
def test_stores_that_must_not_be_used_are_not_well(store: Path, tmp_path: Path, kind: str) -> None:
    if kind == "unknown dataset":
        table = dataclasses.replace(read_store(store)[1], dataset="other")
        write_store(tmp_path / "other" / "simulated" / "features.h5", table)
    elif kind == "not HDF5":
        store.write_bytes(b"not hdf5")
    else:
        with h5py.File(store, "a") as file:
            if kind == "no labels":
                del file["label"]
            else:
                file["audio"][0, 0] = float("nan") if kind == "nan" else 7.0
    result = doctor(tmp_path)
    assert result.exit_code == 2
    assert "simulated" in result.stderr
    assert "all is well" not in result.output


def test_a_data_folder_that_is_none_is_not_well(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = doctor(tmp_path / "file")
    assert result.exit_code == 2
    assert f"error: data folder {tmp_path}/file (AVBENCH_DATA): cannot be read: not a folder" in result.stderr
    result = doctor(tmp_path / "file", "--data-root", str(tmp_path / "new"))
    assert result.exit_code == 2
    assert f"error: data folder {tmp_path}/new: no such folder" in result.stderr
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_read_only_data_folder_is_a_note(store: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o555)
    with permissions_count():
        result = doctor(tmp_path)
    tmp_path.chmod(0o755)
    assert result.exit_code == 0, result.output
    assert f"{tmp_path} (read-only: runs on installed features work" in result.stdout
    assert "all is well" in result.stdout


def test_own_datasets_are_named(tmp_path: Path) -> None:
    own = OwnFiles(tmp_path)
    assert own.add().exit_code == 0
    result = doctor(own.root)
    assert result.exit_code == 0, result.output
    assert "datasets      activitynet, ucf, vggsound, mine" in result.stdout
    assert f"mine/own: {len(own.rows)} videos; the standard data, unaltered" in result.stdout
    own.facts.write_text("{", encoding="utf-8")
    result = doctor(own.root)
    assert result.exit_code == 2
    assert f"{own.facts}: not a valid dataset file" in result.stderr
