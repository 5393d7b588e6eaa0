"""A training epoch against its floor: the bare forward, backward and optimiser on a batch already in place."""

from __future__ import annotations

import pytest
import torch

import avgzsl_bench as ab
from avgzsl_bench.config import build_config
from avgzsl_bench.plugins import method_class, method_spec
from avgzsl_bench.protocol import seed_everything

BATCHES = 60


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """ClipClap at batch 64 on the full-size simulated UCF, with a batch in place."""
    root = tmp_path_factory.mktemp("data")
    benchmark = ab.load_benchmark("ucf", "simulated", data_root=root)
    spec = method_spec("clipclap")
    target = method_class(spec)
    settings = {"batch_size": 64, "batches_per_epoch": BATCHES}
    config = build_config(spec, target.Config, "ucf", "simulated", settings)
    seed_everything(0)
    task = benchmark.final
    method = target(config, benchmark.shape, task.classes, seed=0, device=torch.device("cpu"))
    index = torch.arange(64)
    videos = task.train.videos.take(index)
    return method, task.train, ab.Batch(videos.audio, videos.visual, task.train.label[index])


def epoch(method, train, batch):
    return method.train_epoch(train)


def floor(method, train, batch):
    method.module.train()
    for _ in range(BATCHES):
        loss = method.losses(batch)["total"]
        method.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        method.optimizer.step()


@pytest.mark.benchmark(group="epoch")
def test_epoch(benchmark, trained):
    benchmark.pedantic(epoch, args=trained, rounds=5, warmup_rounds=1)


@pytest.mark.benchmark(group="epoch")
def test_floor(benchmark, trained):
    benchmark.pedantic(floor, args=trained, rounds=5, warmup_rounds=1)


def test_ratio(paired, trained):
    paired(
        lambda: epoch(*trained),
        lambda: floor(*trained),
        repeats=15,
        meaning=f"ClipClap epoch of {BATCHES} batches of 64 / its forward, backward and optimiser alone",
    )
