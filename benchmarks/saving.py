"""Disk space and time that `--save` and `--checkpoint-every` cost, beside an epoch of training, for every method.

`python benchmarks/saving.py [METHOD ...]` prints one line of JSON a method.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from pairs import seconds
from simulated_methods import simulated_methods

BATCHES, REPEATS = 5, 5


@dataclass(frozen=True)
class Saved:
    """Figures of a method at its default settings on the simulated UCF.

    Attributes:
        method: its name.
        epoch: seconds of training for an epoch of stage 1; None where an epoch is not made of batches.
        best: seconds to copy the weights after an epoch that is the best so far.
        models, write: bytes of both checkpoints, and seconds to encode, hash and write them.
        unfinished, keep: bytes of a kept training, and seconds to write it; None where training cannot go on.
    """

    method: str
    epoch: float | None
    best: float
    models: int
    write: float
    unfinished: int | None
    keep: float | None


def measure(name: str) -> Saved:
    """Measure a method."""
    import torch
    from every_method import prepared

    from avgzsl_bench.execution.execute import data_of
    from avgzsl_bench.execution.saving import checkpoints_of
    from avgzsl_bench.execution.selection import Selection
    from avgzsl_bench.execution.unfinished import UnfinishedRun
    from avgzsl_bench.records.checkpoint import checkpoint_bytes, write_checkpoint

    torch.set_num_threads(1)
    stage = prepared(name)
    method = stage.made(BATCHES if stage.counted else None)
    method.train_epoch(stage.task.train)
    epoch = None
    if stage.counted:
        share = stage.plan.spec.method.config["batches_per_epoch"] / BATCHES
        epoch = share * usual(lambda: method.train_epoch(stage.task.train))
    with TemporaryDirectory() as folder:
        options = replace(stage.plan.options, out=folder, checkpoint_every=1)
        plan = replace(stage.plan, options=options)
        benchmark = data_of(plan)
        selection = Selection(1, 0.0, (), method.state_dict())
        found = checkpoints_of(plan, benchmark, selection, method)
        places = {stage: Path(folder) / stage for stage in found}

        def write() -> None:
            for stage, checkpoint in checkpoints_of(plan, benchmark, selection, method).items():
                write_checkpoint(places[stage], checkpoint)

        run, unfinished = UnfinishedRun(plan, "cpu"), None
        if method.resumable:
            run.keep(1, 1, selection, method)
            unfinished = run.path.stat().st_size
        return Saved(
            method=name,
            epoch=epoch,
            best=usual(method.state_dict),
            models=sum(len(checkpoint_bytes(checkpoint)) for checkpoint in found.values()),
            write=usual(write),
            unfinished=unfinished,
            keep=usual(lambda: run.keep(1, 1, selection, method)) if method.resumable else None,
        )


def usual(work: Callable[[], object]) -> float:
    """Median seconds of a piece of work."""
    return statistics.median(seconds(work) for _ in range(REPEATS))


def main(names: list[str]) -> None:
    if names[:1] == ["one"]:
        print(json.dumps(asdict(measure(names[1]))))
        return
    for name in names or simulated_methods():
        command = [sys.executable, "-W", "ignore", __file__, "one", name]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        print(done.stdout.splitlines()[-1], flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
