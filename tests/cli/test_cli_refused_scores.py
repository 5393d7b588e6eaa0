"""Scores that depend on the other videos end a command in one line, and leave nothing behind."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from click.testing import Result

import avgzsl_bench as ab
from avgzsl_baselines.devise import DeViSE
from avgzsl_bench.method.registry import method_class, method_spec
from avgzsl_bench.records.checkpoint import checkpoint_of, write_checkpoint

REASON = "error: DeViSE.score: "
SIMULATED = ("--dataset", "ucf", "--features", "simulated", "--device", "cpu")


@pytest.fixture
def centred(monkeypatch: pytest.MonkeyPatch) -> None:
    """DeViSE's scores less their mean over the videos that are scored together."""
    plain = DeViSE.compatibility

    def compatibility(self: DeViSE, videos: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
        scores = plain(self, videos, classes)
        return scores - scores.mean(dim=0)

    monkeypatch.setattr(DeViSE, "compatibility", compatibility)


@pytest.mark.usefixtures("centred")
@pytest.mark.parametrize("seeds", ["--seed", "--seeds"])
def test_a_run_is_refused(avbench: Callable[..., Result], tmp_path: Path, seeds: str) -> None:
    short = ("--set", "epochs=3", "--set", "batches_per_epoch=2", "--out", "results", seeds, 2)
    result = avbench("run", "--method", "devise", *SIMULATED, *short)
    assert result.exit_code == 2
    assert "Traceback" not in result.output
    (line,) = [line for line in result.stderr.splitlines() if "DeViSE.score" in line]
    assert line.startswith(REASON)
    assert "64 videos have other scores when they are scored alone" in line
    assert not [path for path in (tmp_path / "results").rglob("*") if path.is_file()]


@pytest.mark.usefixtures("centred")
def test_the_evaluation_of_a_checkpoint_is_refused(
    refused: Callable[..., str], data_root: Path, tmp_path: Path
) -> None:
    spec = method_spec("devise")
    benchmark = ab.load_benchmark("ucf", "simulated", data_root=data_root)
    config, cpu = method_class(spec).Config(), torch.device("cpu")
    paths = [tmp_path / name for name in ("stage1.safetensors", "stage2.safetensors")]
    for path in paths:
        method = method_class(spec)(config, benchmark.shape, benchmark.final.classes, seed=0, device=cpu)
        write_checkpoint(path, checkpoint_of(spec, method))
    for bias in (("--bias", 0), ("--selection-checkpoint", paths[0])):
        assert refused("evaluate", "--checkpoint", paths[1], *SIMULATED, *bias).startswith(REASON)
