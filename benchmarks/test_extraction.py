"""Both ways of extracting give the same vectors; how long they take is measured, never asserted."""

from __future__ import annotations

from dataclasses import asdict, replace
from importlib import import_module

import pytest
from extraction import MEASUREMENTS
from extraction_again import dry_run, second_run
from extraction_clips import KINDS, made
from extraction_page import beyond, extraction
from extraction_ways import Measured, Workers, compare, gain, ways
from pairs import compared

from avgzsl_bench.data.store.store import read_store
from avgzsl_bench.encoders.decoding.clip import decode_clip
from avgzsl_bench.encoders.decoding.request import ClipRequest

TOY, FULL = "colour,level", "full_clip,full_clap"
SECONDS = {"UCF101": (2.0, 3.0), "VGGSound": (10.4, 21.0)}
"""Of the clips that are made: with one window of sound, with its middle, and with three windows."""


@pytest.fixture(params=SECONDS)
def them(request, tmp_path):
    """A few made-up clips of each kind, smaller than those that are measured, and of fewer frames."""
    kind = request.param
    files = made(replace(KINDS[kind], size=(96, 72), rate=5, seconds=SECONDS[kind]), tmp_path / "made")
    return ways(tmp_path, TOY, kind, files, 5)


def test_the_loop_gives_the_same_vectors(them, paired):
    _, table = read_store(them.extraction())
    audio, visual = them.loop()
    assert table.video_id == [clip.video_id for clip in them.clips]
    assert table.audio == pytest.approx(audio, rel=1e-4)
    assert table.visual == pytest.approx(visual, abs=1e-5)
    assert len({tuple(row) for row in visual.tolist()}) == len(SECONDS[them.kind]), "clips are told apart"
    paired(
        them.loop, them.extraction, repeats=2, meaning=f"loop / extract with its start, 6 tiny {them.kind} clips"
    )


def test_made_up_clips_have_nothing_odd(them):
    for clip in them.clips:
        inputs = decode_clip(clip.path, ClipRequest(them.visual.visual_input, them.audio.audio_input))
        assert inputs.notes == ()
        assert inputs.seconds in SECONDS[them.kind]


def test_figures_are_those_of_all_clips(them):
    found = compare(them, repeats=1)
    assert found.on == Measured(TOY, them.kind, clips=5, files=len(SECONDS[them.kind]), real=False)
    assert found.loop.one > 0
    assert found.start > 0
    assert found.overhead.other > 0
    line = f"| toy | 5 of {found.on.files} files, made up as {them.kind} | "
    assert line in extraction([{"what": "one_core", **asdict(found)}])


def test_several_workers_are_measured_where_there_are_cores_for_them(them):
    found = Workers(them.measured(), cores=3, workers=2, gain=gain(them, 2, repeats=1))
    assert "With 2 workers and 5 of" in extraction([{"what": "several_workers", **asdict(found)}])
    too_few = replace(found, cores=2, workers=1, gain=None)
    page = extraction([{"what": "several_workers", **asdict(too_few)}])
    assert "**Not measured**, since there are only 2 cores here" in page


def test_a_second_run_extracts_nothing():
    found = second_run(200, repeats=1)  # or it would raise
    assert (found.clips, found.again.repeats) == (200, 1)
    assert "200 tiny clips" in extraction([{"what": "second_run", **asdict(found)}])


def test_a_dry_run_finds_the_videos_of_the_lists():
    found = dry_run(1_000, repeats=1)
    assert (found.files, found.listed) == (1_000, 1_000)
    assert "which have 1,000 of them" in extraction([{"what": "dry_run", **asdict(found)}])


@pytest.mark.parametrize(("encoders", "text"), [(FULL, "20.0 % (20.0–20.0)"), (TOY, "5.0 ms per clip (5.0–5.0)")])
def test_what_is_beyond_the_work(encoders, text):
    overhead = asdict(compared([(0.05, 0.04)]))
    assert beyond({"overhead": overhead, "on": {"encoders": encoders, "clips": 2}}) == text


def test_the_page_says_which_bars_are_missed():
    on = asdict(Measured(FULL, "UCF101", clips=2, files=2, real=True))
    slow = {"on": on, "loop": asdict(compared([(1, 2)])), "overhead": asdict(compared([(2, 1)])), "start": 1.0}
    late = asdict(compared([(20, 1)]))
    figures = [
        {"what": "one_core", **slow},
        {"what": "second_run", "clips": 10_000, "first": 30.0, "again": late, "refused": late},
        {"what": "dry_run", "files": 100_000, "listed": 90_000, "taken": late},
    ]
    page = extraction(figures)
    assert page.count("all but **full size on UCF101**") == 2
    assert page.count("**missed**") == 2


def test_each_measurement_can_be_called():
    for text in MEASUREMENTS.values():
        module, _, function = text.split()[0].partition(":")
        assert callable(getattr(import_module(module), function))
