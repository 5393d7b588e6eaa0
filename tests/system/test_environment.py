"""What a record says of the machine that it was made on."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from make_record import make_record

import avgzsl_bench as ab
from avgzsl_bench.records.collect import BoardKey
from avgzsl_bench.records.record import Record, read_record
from avgzsl_bench.report.boards.provenance import provenance_of
from avgzsl_bench.system import environment as system
from avgzsl_bench.system.environment import cpu_model, environment

INTEL = "processor : 0\nmodel name\t: Intel(R)  Xeon(R) CPU @ 2.20GHz\nmodel name\t: Another\nflags\t\t: a b\n"
ARM = "processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0c\n\nprocessor\t: 1\nCPU part\t: 0xd0d\n"


def test_a_record_names_the_processor_and_the_vectors_that_torch_uses(place: dict[str, Any]) -> None:
    found = ab.run("chance", "ucf", **place).environment
    assert found["cpu"] == cpu_model()
    assert found["vectors"] == torch.backends.cpu.get_cpu_capability()
    assert found["threads"] == "1"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (INTEL, "Intel(R) Xeon(R) CPU @ 2.20GHz"),
        (ARM, "0x41 0xd0c"),
        ("Model : Raspberry Pi 5\n", "Raspberry Pi 5"),
        ("", None),
    ],
)
def test_the_model_is_what_the_system_calls_it(
    text: str, expected: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "cpuinfo"
    path.write_text(text)
    monkeypatch.setattr(system, "_PROCESSORS", path)
    assert cpu_model() == expected


def test_without_cpuinfo_the_system_is_asked_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "_PROCESSORS", tmp_path / "none")
    monkeypatch.setattr(system, "_output", lambda *command: "Apple M3")
    assert cpu_model() == "Apple M3"
    monkeypatch.setattr(system, "_output", lambda *command: None)
    monkeypatch.setattr("platform.processor", lambda: "")
    assert cpu_model() is None
    assert environment()["cpu"] is None


def test_provenance_shows_the_processor_apart_from_the_versions(tmp_path: Path) -> None:
    made = read_record(make_record(tmp_path))

    def record(**more: str | None) -> Record:
        return made.model_copy(update={"environment": {"torch": "2.13", **more}})

    def processor(*records: Record) -> tuple[str, str]:
        runs = [SimpleNamespace(record=one) for one in records]
        row: Any = SimpleNamespace(runs=runs, seeds=(0,), options={}, method=made.method, numerics=None)
        found = provenance_of(row, BoardKey.of(made))
        return found["processor"], found["versions"]

    new, old = record(cpu="Xeon", vectors="AVX512"), record()
    assert processor(old) == ("unknown", "torch 2.13")
    assert processor(new, new) == ("Xeon, AVX512", "torch 2.13")
    assert processor(old, new, record(cpu=None, vectors="AVX2")) == (
        "unknown / Xeon, AVX512 / AVX2",
        "torch 2.13",
    )
