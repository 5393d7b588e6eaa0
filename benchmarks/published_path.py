"""An epoch of ClipClap-GZSL, evaluation included, by the data path of its published program and by ours.

`python benchmarks/published_path.py` prints one line of JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from itertools import product
from typing import Any

import naive_clipclap as naive
import numpy as np
import torch
from pairs import Pairs, compared, seconds

from avgzsl_bench import Classes, FeatureDims, Samples, Task, Videos
from avgzsl_bench.execution.execute import data_of
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import plan_run
from avgzsl_bench.execution.random_streams import seed_everything
from avgzsl_bench.execution.scoring import validate
from avgzsl_bench.gzsl.calibration import parse_calibration

CLIP_CLAP = FeatureDims(audio=1024, visual=512, text={"clip": 512, "clap": 1024})

Ways = tuple[Callable[[], Any], Callable[[], Any]]


def both_ways(
    collate: naive.Collate, *, widths: str = "simulated", one_pass: bool = False, **settings: object
) -> tuple[Ways, Ways]:
    """Training and evaluation, as published and as here, on stage 1 of UCF.

    Args:
        collate: how the published path puts batches together.
        widths: `simulated` features, or as many videos of noise as wide as `clip_clap`.
        one_pass: an epoch of as many batches as hold all training videos, in place of the default number.
        settings: of the method.
    """
    chosen = {"calibration": "clipclap", **settings}
    plan = plan_run("clipclap", "ucf", options=RunOptions(features="simulated", settings=chosen, device="cpu"))
    benchmark = data_of(plan)
    task, shape = benchmark.selection, benchmark.shape
    if widths == "clip_clap":
        task, shape = widened(task), CLIP_CLAP
    calibration = parse_calibration(plan.config.calibration)
    config = plan.config
    if one_pass:
        batches = math.ceil(len(task.train) / plan.spec.method.config["batch_size"])
        config = config.model_copy(update={"batches_per_epoch": batches})
    seed_everything(0)
    method = plan.method(config, shape, task.classes, seed=0, device=plan.device)
    return (
        (partial(naive.train_epoch, method, task.train, collate), partial(naive.evaluate, method, task, collate)),
        (partial(method.train_epoch, task.train), partial(validate, method, task, calibration)),
    )


def widened(task: Task) -> Task:
    """The same classes and as many videos, of noise."""
    random = torch.Generator().manual_seed(0)

    def noise(rows: int, width: int) -> torch.Tensor:
        return torch.randn(rows, width, generator=random) / width**0.5

    def videos(rows: int) -> Videos:
        return Videos(noise(rows, CLIP_CLAP.audio), noise(rows, CLIP_CLAP.visual))

    text = {encoder: noise(len(task.classes), width) for encoder, width in CLIP_CLAP.text.items()}
    return replace(
        task,
        classes=Classes(task.classes.names, text, task.classes.seen),
        train=Samples(videos(len(task.train)), task.train.label),
        videos=videos(len(task.videos)),
    )


def measure(repeats: int = 5) -> dict[str, dict[str, Pairs]]:
    """The published path over ours, by widths, collation and length: an epoch, its training, its evaluation."""
    found = {}
    for widths in ("clip_clap", "simulated"):
        for collate, one_pass in product((naive.listed, naive.stacked), (False, True)):
            theirs, ours = both_ways(collate, widths=widths, one_pass=one_pass)
            taken = np.array(
                [[[seconds(part) for part in way] for way in (theirs, ours)] for _ in range(repeats + 1)]
            )
            training, evaluation = taken[1:, :, 0], taken[1:, :, 1]  # the first time does not count
            length = "one pass" if one_pass else "default"
            found[f"{widths}, {collate.__name__}, {length}"] = {
                "epoch": compared(training + evaluation),
                "training": compared(training),
                "evaluation": compared(evaluation),
            }
    return found


if __name__ == "__main__":
    print(json.dumps({name: {p: asdict(f) for p, f in parts.items()} for name, parts in measure().items()}))
