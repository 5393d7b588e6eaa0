"""What a notebook shows of benchmarks, runs and figures: one line each, without tensors or labels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import avgzsl_bench as ab
from avgzsl_bench.gzsl.decisions import Decisions


@pytest.fixture(scope="module")
def ucf(data_root):
    return ab.load_benchmark("ucf", "simulated", data_root=data_root, needs=ab.Needs(sequences="used"))


PARTS = {
    "": "Benchmark(ucf, simulated, split cls: 42 seen + 6 unseen classes, 4,994 training + 1,400 test videos, "
    "cpu, SIMULATED)",
    "final": "Task(42 seen + 6 unseen classes, 4,994 training + 1,400 scored videos, cpu)",
    "final.train": "Samples(4,994 videos with labels: audio 128, visual 256, with steps, cpu)",
    "final.videos": "Videos(1,400 videos: audio 128, visual 256, with steps, cpu)",
    "final.videos.audio_steps": "Sequences(of 1,400 videos: 128 wide, at most 6 steps, cpu)",
    "final.classes": "Classes(42 seen + 6 unseen classes: text hashed 300, cpu)",
    "final.truth": "Truth(of 1,400 videos)",
    "final.ground_truth": "GroundTruth(of 1,400 videos, 42 seen + 6 unseen classes)",
}


@pytest.mark.parametrize("part", PARTS)
def test_parts_of_a_benchmark(ucf, part):
    shown = ucf
    for name in filter(None, part.split(".")):
        shown = getattr(shown, name)
    assert repr(shown) == PARTS[part]


def test_no_videos_are_shown_too(ucf):
    assert repr(ucf.final.videos.take(slice(0, 0))).startswith("Videos(0 videos: ")
    assert repr(Decisions(*(np.zeros(0, kind) for kind in ("i8", "i8", "f8")))) == "Decisions(0 videos)"


def test_labels_of_scored_videos_are_not_in_it(ucf):
    task = ucf.final
    others = replace(task.truth, label=task.truth.label[::-1].copy(), row=task.truth.row[::-1].copy())
    other = replace(task, truth=others)
    assert (repr(other), repr(others)) == (repr(task), repr(task.truth))
    assert repr(other.ground_truth) == repr(task.ground_truth)


def test_a_record(place):
    record = ab.run("chance", "ucf", **place)
    m = record.metrics
    figures = f"S {100 * m.seen:.2f}, U {100 * m.unseen:.2f}, HM {100 * m.hm:.2f}, ZSL {100 * m.zsl:.2f}"
    figures += f", AUSUC {100 * m.ausuc:.2f} %, bias {m.bias:.4g}"
    assert repr(record) == f"Record(chance on ucf, simulated, split cls, seed 0: {figures}, SIMULATED)"
    assert str(record) == "chance on ucf, seed 0"
    assert repr(m) == f"Metrics({figures})"
    bf16 = record.model_copy(update={"precision": "bf16"})
    assert ", seed 0, precision bf16: S " in repr(bf16)
    assert len(repr([record]).splitlines()) == 1
