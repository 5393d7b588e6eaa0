"""Exported trees: the audit knows them by their marker, and finds faults of the marker."""

from __future__ import annotations

import json
import shutil

import pytest
from audit_faults import audit, checks, every_file, evidence
from plausible_tree import UCF_VIDEOS, write_plausible_tree


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
