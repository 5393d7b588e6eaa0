"""The audit of whole trees, exported trees and stores, and its command."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from audit_caches import write_caches
from audit_faults import audit, audits, checks, every_file, everywhere, evidence, one_not_finite, set_first, txt
from click.testing import CliRunner
from plausible_tree import UCF_VIDEOS, write_plausible_tree
from published_tree import BY_NAME, WIDTHS, Videos, write_class

from avgzsl_bench.cli import main
from avgzsl_bench.data.audit.audit import audit_path, audit_store
from avgzsl_bench.data.datasets import registry
from avgzsl_bench.data.datasets.facts import PARTITIONS
from avgzsl_bench.data.layouts.importing import import_tree
from avgzsl_bench.data.layouts.tree import disk_name
from avgzsl_bench.data.store.store import read_header
from avgzsl_bench.errors import DataError


@pytest.mark.parametrize("features", WIDTHS)
def test_nothing_is_found_in_a_clean_tree(tmp_path, features):
    """But what the published names of UCF's classes bring with them; those of ClipClap sort as the classes do."""
    found = audit(write_plausible_tree(tmp_path, features))
    assert checks(found) == (set() if features == "clip_clap" else {"note text-order"}), found.findings
    assert (found.features, found.kind, found.failed, found.videos) == (features, "tree", False, 62)


@pytest.fixture
def stored(tmp_path):
    write_plausible_tree(tmp_path / "in", "clip_clap")
    (result,) = import_tree(tmp_path / "in", tmp_path / "data", force=False)
    return result.path


def test_nothing_is_found_in_a_clean_store(stored):
    found = audit_store(read_header(stored), registry.registered_dataset("ucf"))
    assert found.findings == ()
    assert (found.kind, found.features, found.videos) == ("store", "clip_clap", 62)


def test_faults_of_a_store(stored):
    with h5py.File(stored, "a") as file:
        file["audio"][0] = 0
        file["partition"][0] |= 1 << PARTITIONS.index("stage2_test_seen")
    found = audit_store(read_header(stored), registry.registered_dataset("ucf"))
    assert {"error fingerprint", "error two-partitions", "warning zero-vector"} <= checks(found), found.findings


def call(*arguments: object):
    return CliRunner().invoke(main, ["data", "audit", *map(str, arguments)])


def test_the_command(tmp_path, stored):
    clean, faulty = tmp_path / "in", tmp_path / "faulty"
    result = call(clean)
    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "nothing found")
    everywhere(one_not_finite)(write_plausible_tree(faulty, "clip_clap"))
    result = call(faulty)
    assert result.exit_code == 1, "errors"
    assert "error: not-finite" in result.stdout
    assert "    effect: " in result.stdout
    assert "    do: " in result.stdout
    (shown,) = json.loads(call(faulty, "--json").stdout)
    assert shown["counts"] == {"error": 1, "warning": 0, "note": 0}
    (finding,) = shown["findings"]
    assert set(finding) == {"check", "severity", "where", "evidence", "effect", "advice"}
    root = stored.parents[2]
    for options in ((), ("--dataset", "ucf"), ("--dataset", "ucf", "--features", "clip_clap")):
        result = call(*options, "--data-root", root)
        assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "nothing found"), result.output
    before = {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in tmp_path.rglob("*")}
    call(faulty)
    assert before == {p: (p.stat().st_mtime_ns, p.stat().st_size) for p in tmp_path.rglob("*")}


def test_warnings_only_do_not_fail(tmp_path):
    everywhere(set_first(0))(write_plausible_tree(tmp_path, "clip_clap"))
    assert call(tmp_path).exit_code == 0


def test_what_cannot_be_audited_is_reported_in_one_line(tmp_path):
    cases = {
        (tmp_path / "nothing",): "no such file or folder",
        (tmp_path,): "nothing recognised",
        (tmp_path, "--dataset", "ucf"): "leave out DIR",
        ("--data-root", tmp_path): "not installed",
        ("--data-root", tmp_path, "--features", "selawi"): "did you mean 'selavi'",
    }
    for arguments, message in cases.items():
        result = call(*arguments)
        assert result.exit_code == 2, arguments
        (line,) = (line for line in result.stderr.splitlines() if line.startswith("error: "))
        assert message in line


def test_control_characters_of_names_do_not_reach_the_terminal(tmp_path):
    txt(write_plausible_tree(tmp_path, "clip_clap")).write_text("Archery\nBowling\nDra\x1b[31mgons\n")
    assert "\x1b" not in call(tmp_path).stdout


def test_a_damaged_cache_is_reported_beside_a_tree_and_by_itself(tmp_path):
    write_plausible_tree(tmp_path, "clip_clap")
    path = tmp_path / "_features_processed" / "main_features" / "trainingmain_split.pkl"
    path.parent.mkdir(parents=True)
    path.write_bytes(np.random.default_rng(0).bytes(300))
    for place in (tmp_path, path.parent, path):
        found = audits(place)[-1]
        assert (found.kind, found.dataset, checks(found)) == ("cache", "unknown", {"error unreadable"})
    assert call(tmp_path).exit_code == 1


@pytest.mark.parametrize("kept", ["audio", "nonsense"])
def test_a_second_feature_set_that_is_incomplete_or_unknown_is_reported(tmp_path, kept):
    tree = write_plausible_tree(tmp_path, "clip_clap")
    second = tree.set.with_name("main_features")
    if kept == "audio":
        shutil.copytree(tree.set / "audio", second / "audio")
        expected = "error one-modality"
    else:
        for modality in ("audio", "video"):
            write_class(second / modality / "stage_1_train" / "Nonsense.h5", ["a"], [np.ones(512, np.float32)])
        expected = "error unknown-class"
    result = call(tmp_path, "--json")
    assert result.exit_code == 1
    shown = {
        Path(a["target"]).name: {f"{f['severity']} {f['check']}" for f in a["findings"]}
        for a in json.loads(result.stdout)
    }
    assert shown["cls_features_non_averaged"] == set()
    assert expected in shown["main_features"]


@pytest.fixture
def two_stores(tmp_path):
    """A data folder and the stores in it: ClipClap's and SeLaVi's."""
    paths = []
    for features in ("clip_clap", "selavi"):
        write_plausible_tree(tmp_path / features, features)
        (result,) = import_tree(tmp_path / features, tmp_path / "data", force=False)
        paths.append(result.path)
    return tmp_path / "data", *paths


def test_damaged_stores_are_reported_beside_sound_ones_and_by_themselves(two_stores):
    root, sound, broken = two_stores
    broken.write_bytes(broken.read_bytes()[:100])

    def shown(*options):
        result = call("--data-root", root, "--json", *options)
        found = {a["features"]: {f["check"] for f in a["findings"]} for a in json.loads(result.stdout)}
        return result.exit_code, found

    assert shown() == (1, {"selavi": {"unreadable"}, "clip_clap": set()})
    assert shown("--features", "clip_clap") == (0, {"clip_clap": set()})
    sound.unlink()
    assert shown("--dataset", "ucf") == (1, {"selavi": {"unreadable"}})
    assert "not installed" in call("--data-root", root, "--features", "clip_clap").stderr


def test_a_store_whose_body_is_damaged_does_not_hide_the_others(two_stores):
    root, _, broken = two_stores
    with h5py.File(broken, "a") as file:
        del file["audio"]
    result = call("--data-root", root, "--json")
    assert result.exit_code == 1
    assert {a["features"] for a in json.loads(result.stdout)} == {"clip_clap", "selavi"}


def test_the_sample_trees_have_what_they_are_known_for(shared, monkeypatch):
    monkeypatch.setattr(registry, "registered_datasets", lambda: BY_NAME)
    for layout in ("avca", "tcaf", "clipclap"):
        found = audit(shared / "data" / "trees" / layout)
        expected = {"note class-spelling", "note csv-beyond-list", "note shared-recordings", "note thin-class"}
        expected |= {"warning standard-counts", "warning csv-and-features"}  # a few per cent of the videos
        expected |= {"note class-beyond-list"} if layout == "clipclap" else {"note text-order"}
        assert checks(found) == expected, found.findings


@pytest.mark.slow
def test_the_whole_of_ucf_has_notes_and_nothing_else(shared, tmp_path):
    """The published lists and ids at full size, with plausible values."""
    lists = shared / "data" / "official" / "UCF" / "class-split" / "main_split"
    videos: Videos = {}
    for partition in PARTITIONS:
        with (lists / f"{disk_name(partition)}.csv").open(newline="") as stream:
            for line in csv.DictReader(stream):
                videos.setdefault(disk_name(partition), {}).setdefault(line["label"], []).append(line["filename"])
    tree = write_plausible_tree(tmp_path, "selavi", "ucf", videos)
    (found,) = audit_path(tree.root, list(BY_NAME.values()))
    assert found.videos == 6816
    notes = ("text-order", "class-spelling", "shared-recordings", "ucf-last-clips")
    assert checks(found) == {f"note {name}" for name in notes}
    evidence = {f"{f.check} {f.where}": f.evidence for f in found.findings}
    assert evidence["shared-recordings stage2_test_seen"].startswith("555 of 555 videos are")
    assert evidence["shared-recordings stage1_val_seen"].startswith("353 of 353 videos are")
    (order,) = (text for name, text in evidence.items() if name.startswith("text-order"))
    assert "79 of 101 classes get another's vector, 36 of the 51 in use (main), 5 of them unseen" in order


def mutate(path: Path, random: np.random.Generator) -> None:
    """Damage a file somewhere: cut it, or change some bytes."""
    content = bytearray(path.read_bytes())
    if random.random() < 0.3:
        del content[int(random.integers(len(content))) :]
    for at in random.integers(0, max(len(content), 1), int(random.integers(1, 20))):
        content[at : at + 1] = bytes(random.integers(0, 256, 1).tolist())
    path.write_bytes(bytes(content))


@pytest.mark.parametrize("features", ["clip_clap", "selavi", "selavi_seq"])
@pytest.mark.parametrize("seed", range(3))
def test_damaged_files_are_findings_never_crashes(tmp_path, features, seed):
    random = np.random.default_rng(seed)
    tree = write_plausible_tree(tmp_path, features)
    write_caches(tmp_path, features)
    paths = [path for path in sorted(tmp_path.rglob("*")) if path.is_file()]
    for path in random.choice(np.array(paths, dtype=object), len(paths) // 2, replace=False):
        mutate(path, random)
    assert any(item.findings for item in audits(tree.root))


def test_not_a_folder_is_a_data_error(tmp_path):
    with pytest.raises(DataError, match="nothing recognised"):
        audit_path(tmp_path, [])


def mark(tree, features, **change):
    content = {"form": "avgzsl-bench tree 1", "dataset": "ucf", "features": features, "audio": 30, "visual": 40}
    content |= {"simulated": features == "simulated", "text": {"hashed": 512}}
    (tree.set / "avgzsl-bench.json").write_text(json.dumps(content | change))


def exported(tmp_path, features, ids=lambda video: video):
    """As an export writes a tree of no published feature set."""
    tree = write_plausible_tree(tmp_path, "clip_clap")
    for modality, width in (("audio", 30), ("video", 40)):
        every_file(lambda c, w=width: ([*map(ids, c)], [v[:w] for v in c.values()]), modality)(tree)
    for stale in (tree.texts[1], tree.lists):
        shutil.rmtree(stale) if stale.is_dir() else stale.unlink()
    mark(tree, features)
    return tree


NUMBERS = {i: n for n, i in enumerate(i for c in UCF_VIDEOS.values() for ids in c.values() for i in ids)}


def test_exported_simulated_features_are_called_simulated(tmp_path):
    tree = exported(tmp_path, "simulated", lambda video: f"sim_000_{NUMBERS[video]:05d}")
    found = audit(tree)
    assert (found.features, found.simulated, checks(found)) == ("simulated", True, set())
    assert not found.failed
    (tree.set / "avgzsl-bench.json").unlink()
    found = audit(tree)
    assert (found.simulated, found.failed) == (True, True)
    assert "ids are of the form sim_" in evidence(found, "tree-mark")[0]


def test_exported_features_of_ones_own_are_known_by_their_mark(tmp_path):
    tree = exported(tmp_path, "own_features")
    found = audit(tree)
    assert (found.features, found.simulated, checks(found)) == ("own_features", False, set())


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"simulated": True}, "not a valid marker: content: "),
        ({"audio": 31}, "says own_features of widths 31/40, found 30/40"),
        ({"dataset": "mine"}, "exported from dataset 'mine', which is not known here"),
    ],
)
def test_a_mark_that_is_wrong_is_reported(tmp_path, change, expected):
    tree = exported(tmp_path, "own_features")
    mark(tree, "own_features", **change)
    found = audit(tree)
    assert "error tree-mark" in checks(found)
    assert expected in evidence(found, "tree-mark")[0]
