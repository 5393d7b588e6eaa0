"""The benchmark of GPUs, tried out on the CPU with the least of everything; how fast it is, is never asserted."""

from __future__ import annotations

import json
from pathlib import Path

import gpu
import nvml
import pytest
import torch
from click.testing import CliRunner
from gpu_method import Counts

from avgzsl_bench import AvbenchError

CPU = torch.device("cpu")
LEAST = Counts(batches=2, repeats=1, busy=0.0, seeds=2)
HERE = Path(__file__).parent


@pytest.fixture(scope="module", autouse=True)
def data(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AVBENCH_DATA", str(tmp_path_factory.mktemp("data")))
        yield


@pytest.fixture(scope="module")
def measured(tmp_path_factory) -> Path:
    """A record of two methods and of one that is not there."""
    return gpu.measure_all(["devise", "chance", "nobody"], CPU, tmp_path_factory.mktemp("out"), LEAST)


def test_a_record_holds_every_figure(measured):
    record = json.loads(measured.read_text())
    assert record["device"]["name"].startswith("CPU, ")
    assert measured.stem.startswith("cpu-")
    assert {"processor", "torch", "python"} <= set(record["machine"])
    devise, chance = record["methods"]["devise"], record["methods"]["chance"]
    assert set(devise["training"]) == {"full", "bf16"}
    for of in devise["training"].values():
        assert of["steps_a_second"] == pytest.approx(2 / of["over_floor"]["one"])
        assert (of["utilisation"], of["no_utilisation"]) == (None, "cpu is no CUDA device")
    assert chance["training"] == {}
    for found in (devise, chance):
        assert found["evaluation"]["one"] > 0
        ways = found["seeds"]["a_second"]
        assert ways["one after another"] > 0
        assert found is chance or ways["together"] > 0
        assert found["videos"] == 1820
    assert "unknown method 'nobody'" in record["methods"]["nobody"]["failed"]


def test_the_page_says_what_was_measured_and_that_it_is_no_gpu(measured):
    page = measured.with_suffix(".md").read_text()
    assert "no GPU figures" in page
    assert "**simulated**" in page
    for line in ("| `devise` | full | 256 |", "| `devise` | bf16 | 256 |", "- `nobody`: "):
        assert line in page
    assert "No utilisation: cpu is no CUDA device." in page


def test_it_goes_on_where_it_was_and_tries_again_what_failed(measured, monkeypatch):
    asked = []
    monkeypatch.setattr(gpu, "measured_apart", lambda name, *_: asked.append(name) or {"failed": "again"})
    names = ["devise", "chance", "nobody"]
    before = json.loads(measured.read_text())
    assert gpu.measure_all(names, CPU, measured.parent, LEAST) == measured
    assert asked == ["nobody"]
    after = json.loads(measured.read_text())
    assert after["methods"]["devise"] == before["methods"]["devise"]
    monkeypatch.setattr(gpu, "source_hash", lambda: "another")
    gpu.measure_all(names, CPU, measured.parent, LEAST)
    assert asked == ["nobody", *names]


def test_what_is_no_record_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(gpu, "described", lambda device: {"name": "Some GPU", "kind": "cpu"})
    for content in ("[]", "{", '{"methods": 3}', "null", '{"methods": {"chance": {"training": {}}}}'):
        (tmp_path / "some-gpu.json").write_text(content)
        with pytest.raises(AvbenchError, match="no record of this benchmark"):
            gpu.measure_all(["chance"], CPU, tmp_path, LEAST)
        assert (tmp_path / "some-gpu.json").read_text() == content


def test_a_method_that_takes_too_long_is_kept_as_failed(monkeypatch):
    monkeypatch.setattr(gpu, "PATIENCE", 0.01)
    assert gpu.measured_apart("chance", CPU, LEAST) == {"failed": "not done after 0 s"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--device", "cpu"), "name a folder with --out"),
        (("--device", "tpu"), "unknown device"),
        pytest.param(
            (),
            "no GPU: PyTorch finds no CUDA device",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device"),
        ),
    ],
)
def test_without_a_device_it_says_so_in_one_line_and_writes_nothing(arguments, said):
    there = sorted(HERE.rglob("*"))
    done = CliRunner().invoke(gpu.main, arguments)
    assert done.exit_code == 2
    (line,) = done.stderr.splitlines()
    assert said in line
    assert [p for p in sorted(HERE.rglob("*")) if "__pycache__" not in p.parts] == [
        p for p in there if "__pycache__" not in p.parts
    ]


def test_its_help_reads_well():
    shown = CliRunner().invoke(gpu.main, ["--help"])
    assert shown.exit_code == 0
    assert "benchmarks/gpu" in shown.output


def test_utilisation_is_the_mean_of_what_is_read_after_the_first_second(monkeypatch):
    monkeypatch.setattr(nvml, "WARM_UP", 0.0)
    monkeypatch.setattr(nvml, "PERIOD", 0.001)
    values = iter([10, 30] * 100_000)
    assert 10 < nvml.busy_during(lambda: None, lambda: next(values), 0.1) < 30

    def no_more() -> int:
        raise nvml.NotToBeHad("gone")

    assert nvml.busy_during(lambda: None, no_more, 0.05) is None


def test_without_the_library_there_is_no_utilisation(monkeypatch):
    monkeypatch.setattr(nvml, "LIBRARY", "libnothing-of-the-kind.so.1")
    assert nvml.driver_version() is None
    with pytest.raises(nvml.NotToBeHad, match="is not installed"):
        nvml._library()
