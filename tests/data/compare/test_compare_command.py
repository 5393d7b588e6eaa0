"""`avbench data compare` on made-up stores: copies, rounded, noisy, rotated, of other widths."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result
from named_stores import install

from avgzsl_bench.cli import main
from avgzsl_bench.data.datasets.facts import partition_bit
from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.data.store.table import FeatureTable, Ragged

pytestmark = pytest.mark.usefixtures("standard")

UCF = registered_dataset("ucf")
CLASSES = {"ApplyEyeMakeup": "stage1_val_unseen", "Archery": "stage1_train", "Bowling": "stage1_train"}


def table() -> FeatureTable:
    """Three classes of twelve videos from six recordings, around their text vectors in both modalities."""
    random = np.random.default_rng(0)
    text = random.standard_normal((101, 6)).astype(np.float32)
    label, ids, partition = [], [], []
    for name, role in CLASSES.items():
        for i in range(12):
            label.append(UCF.class_id(name))
            ids.append(f"v_{name}_g{1 + i // 2:02d}_c{1 + i % 2:02d}")
            held = role == "stage1_train" and i % 2
            partition.append(partition_bit("stage1_val_seen" if held else role) | partition_bit("stage2_train"))
    audio, visual = ((text[label] + 0.1 * random.standard_normal((36, 6))).astype(np.float32) for _ in range(2))
    return FeatureTable(
        dataset="ucf",
        features="first",
        simulated=False,
        audio=audio,
        visual=visual,
        label=np.array(label),
        video_id=ids,
        partition=np.array(partition, np.uint8),
        text={"clip": text},
        source="added",
    )


@pytest.fixture
def compared(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """Compare the table with a changed one."""
    install(tmp_path, table())

    def compared(**change: Any) -> dict[str, Any]:
        install(tmp_path, replace(table(), features="second", **change))
        done = call(tmp_path, "first", "second", "--json")
        assert done.exit_code == 0, done.output
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return compared


def call(root: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["data", "compare", *arguments, "--data-root", str(root)])


def rotated(values: np.ndarray) -> np.ndarray:
    q = np.linalg.qr(np.random.default_rng(5).standard_normal((values.shape[1],) * 2))[0]
    return (values @ q).astype(np.float32)


def test_a_copy(compared: Callable[..., dict[str, Any]]) -> None:
    found = compared()
    assert (found["verdict"], found["shared"], found["videos"]) == ("same", 36, [36, 36])
    visual = found["modalities"]["visual"]
    assert visual["agreement"]["median"] == pytest.approx(1)
    assert visual["agreement"]["different"] < visual["agreement"]["mean"]
    assert visual["geometry"]["spearman"] == pytest.approx(1)
    assert list(visual["by_class"]) == list(CLASSES)
    assert found["text"]["clip"]["verdict"] == "same"
    assert len(found["text"]["clip"]["by_class"]) == 101


def test_half_precision(compared: Callable[..., dict[str, Any]]) -> None:
    found = compared(visual=table().visual.astype(np.float16).astype(np.float32))
    assert found["modalities"]["audio"]["verdict"] == "same"
    assert found["modalities"]["visual"]["verdict"] == found["verdict"] == "same up to rounding"


def test_noise(compared: Callable[..., dict[str, Any]]) -> None:
    noise = 0.1 * np.random.default_rng(1).standard_normal((36, 6)).astype(np.float32)
    found = compared(audio=table().audio + noise)
    audio = found["modalities"]["audio"]
    assert found["verdict"] == audio["verdict"] == "same space"
    assert 0.9 < audio["agreement"]["fifth"] < audio["agreement"]["median"] < 1
    assert audio["geometry"]["same_neighbour"] < 1
    assert "tells little" in audio["remark"]


def test_a_rotated_copy(compared: Callable[..., dict[str, Any]]) -> None:
    found = compared(visual=rotated(table().visual), text={"clip": rotated(table().text["clip"])})
    for relation in (found["modalities"]["visual"], found["text"]["clip"]):
        assert relation["verdict"] == "another space"
        assert relation["geometry"]["spearman"] == pytest.approx(1, abs=1e-5)
        assert relation["geometry"]["same_neighbour"] == 1
        assert "rotated" in relation["remark"]
    assert found["modalities"]["audio"]["verdict"] == "same"
    assert found["verdict"] == "another space"


def test_other_widths(compared: Callable[..., dict[str, Any]]) -> None:
    wide = rotated(np.pad(table().visual, ((0, 0), (0, 3))))
    found = compared(visual=wide, text={"clap": table().text["clip"][:, :4].copy()})
    visual = found["modalities"]["visual"]
    assert (visual["widths"], visual["agreement"], visual["by_class"]) == ([6, 9], None, {})
    assert visual["geometry"]["spearman"] == pytest.approx(1, abs=1e-5)
    assert visual["verdict"] == "another space"
    assert found["text"] == {}


def test_other_videos(compared: Callable[..., dict[str, Any]]) -> None:
    """Only what both have by id counts, wherever it stands; class and partition are those of the first."""
    base = table()
    keep = np.r_[1:12, 13:36]
    ids = [base.video_id[i] for i in keep]
    ids[3] = "v_Another_g01_c01"
    order = np.array(sorted(range(34), key=lambda i: (base.label[keep[i]], ids[i])))
    rows = keep[order]
    partition = base.partition[rows]
    partition[-1] = partition_bit("stage2_test_seen")
    found = compared(
        video_id=[ids[i] for i in order],
        audio=base.audio[rows],
        visual=base.visual[rows],
        label=base.label[rows],
        partition=partition,
    )
    assert (found["shared"], found["videos"], found["verdict"]) == (33, [36, 34], "same")
    assert (found["other_class"], found["other_partition"]) == (0, 1)


def test_sequences_are_compared_by_their_means(compared: Callable[..., dict[str, Any]]) -> None:
    base = table()
    offsets = np.arange(0, 73, 2)
    audio, visual = (
        Ragged(np.stack([v - 1, v + 1], axis=1).reshape(72, 6), offsets, 1.0) for v in (base.audio, base.visual)
    )
    assert compared(audio=audio, visual=visual)["verdict"] == "same up to rounding"


def test_baselines(compared: Callable[..., dict[str, Any]]) -> None:
    found = compared(visual=np.random.default_rng(2).standard_normal((36, 6)).astype(np.float32))
    rows = {(b["features"], b["rule"], b["by"]): b for b in found["baselines"]}
    assert len(rows) == len(found["baselines"]) == 2 * (3 + 2)
    for by in ("audio", "visual", "audio and visual"):
        entry = rows["first", "nearest prototype", by]
        assert entry["by_recording"] is True
        assert entry["scored"] == "stage1_val_seen"
        assert entry["accuracy"] == {"classes": 2, "videos": 12, "left_out": 0, "accuracy": 100.0}
    assert rows["second", "nearest prototype", "visual"]["accuracy"]["accuracy"] < 100
    entry = rows["first", "nearest text", "visual and text clip"]
    assert entry["accuracy"] == {"classes": 1, "videos": 12, "left_out": 0, "accuracy": 100.0}


def test_the_console(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "160")
    install(tmp_path, table())
    install(tmp_path, replace(table(), features="second", visual=rotated(table().visual)))
    done = call(tmp_path, "first", "second")
    assert done.exit_code == 0
    assert done.stdout.startswith("ucf: first and second, 36 videos in both (36 and 36)\n")
    (visual,) = (line for line in done.stdout.splitlines() if line.split()[:2] == ["visual", "6/6"])
    assert visual.rstrip().endswith("another space")
    for text in (
        "visual, lowest classes: ",
        "visual: arranged alike",
        "stage1_val_seen, by recording",
    ):
        assert text in done.stdout
    assert done.stdout.endswith("verdict: another space\n")


def test_refusals(tmp_path: Path) -> None:
    install(tmp_path, table())
    others = [f"v_Other_g01_c{i:02d}" for i in range(36)]
    install(tmp_path, replace(table(), features="second", video_id=others))
    for arguments, message in (
        (("first", "second"), "share no video: one has 'v_ApplyEyeMakeup_g01_c01', the other 'v_Other_g01_c00'"),
        (("first", "third"), "no dataset has both first and third"),
        (("first", "third", "--dataset", "ucf"), "unknown feature set 'third'"),
        (("first", "selavi", "--dataset", "ucf"), "selavi of ucf is not installed"),
        (("first", "second", "--dataset", "ufc"), "did you mean 'ucf'"),
    ):
        failed = call(tmp_path, *arguments)
        assert failed.exit_code == 2
        assert message in failed.stderr
        assert len(failed.stderr.splitlines()) == 1
    install(tmp_path, replace(table(), dataset="vggsound"))
    install(tmp_path, replace(table(), dataset="vggsound", features="second"))
    assert "installed for ucf, vggsound; choose one with --dataset" in call(tmp_path, "first", "second").stderr
