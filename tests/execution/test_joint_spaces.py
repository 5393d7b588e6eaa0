"""Features and class texts in one space: which data a method gets, what is refused, and runs on a made-up set."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from own_features import OwnFiles
from read_table import texts

import avgzsl_bench as ab
from avgzsl_bench.data.choose import resolve_data
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.errors import DataError
from avgzsl_bench.execution.evaluate import evaluate_checkpoint
from avgzsl_bench.report.boards.board import read_boards
from avgzsl_bench.report.tables.board import board_document

JOINT = ab.Needs(joint={"visual": "clip", "audio": "clap"})
ZERO_SHOT = ("clip_zeroshot", "clap_zeroshot", "clipclap_zeroshot")


class JointFiles(OwnFiles):
    """The dataset `mine`, whose features are the texts of their classes, in two spaces, with noise."""

    def __init__(self, folder: Path, **names: str) -> None:
        super().__init__(folder)
        random = np.random.RandomState(3)
        self.names = {"visual": "clip", "audio": "clap"} | names
        label = [list(self.roles).index(name) for _, name, _ in self.rows]
        for modality, width in (("visual", 7), ("audio", 5)):
            text = random.standard_normal((len(self.roles), width))
            np.save(folder / f"{modality}.npy", text[label] + 1.2 * random.standard_normal((len(label), width)))
            np.savez(folder / f"{modality}_text.npz", **dict(zip(self.roles, text, strict=True)))

    def install(self, features: str = "own") -> None:
        arrays = {name: self.path(f"{name}.npy") for name in ("visual", "audio")}
        more = [f"--text={self.names['audio']}={self.path('audio_text.npz')}"]
        text = f"{self.names['visual']}={self.path('visual_text.npz')}"
        classes = None if self.facts.exists() else self.path("classes.csv")
        result = self.add("mine", *more, features=features, text=text, classes=classes, **arrays)
        assert result.exit_code == 0, result.output


@pytest.fixture
def joint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> JointFiles:
    monkeypatch.chdir(tmp_path)
    files = JointFiles(tmp_path)
    files.install()
    return files


def run(joint: OwnFiles, method: str, seed: int = 0, **options: Any) -> ab.Record:
    return ab.run(method, "mine", seed=seed, data_root=joint.root, device="cpu", **options)


@pytest.mark.parametrize("method", ZERO_SHOT)
def test_rows_without_training_are_deterministic_and_far_above_chance(joint: JointFiles, method: str) -> None:
    records = [run(joint, method, seed) for seed in (0, 1)]
    assert records[0].metrics == records[1].metrics
    assert records[0].method.parameters == 0
    assert records[0].metrics.hm > 0.5
    trace = records[0].trace
    assert len(trace) == (11 if method == "clipclap_zeroshot" else 1)
    assert all(value > 0.2 for name, value in trace[0].losses.items() if name.endswith("own_minus_other"))


@pytest.mark.parametrize("method", ["clipclap_far", "hsp_moe"])
def test_trained_methods_with_raw_distances_run(joint: JointFiles, method: str) -> None:
    record = run(joint, method, settings={"epochs": 2, "batches_per_epoch": 5, "batch_size": 8}, save=True)
    assert record.trace[0].losses["raw_scale"] > 0
    (model,) = Path("results").rglob("*.stage2.safetensors")
    assert evaluate_checkpoint(model, data_root=joint.root, device="cpu").metrics == record.metrics


def test_the_text_order_of_the_published_loaders_loses_classes(joint: JointFiles) -> None:
    by_name = run(joint, "clip_zeroshot")
    official = run(joint, "clip_zeroshot", settings={"text_order": "official"})
    assert official.metrics.zsl <= by_name.metrics.zsl


def test_settings_name_other_encoders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    other = JointFiles(tmp_path, visual="minilm", audio="other")
    other.install()
    options = ("--dataset", "mine", "--out", tmp_path / "results")
    refused = other.call("run", "--method", "clip_zeroshot", *options)
    assert refused.exit_code == 2
    have = "(have: minilm 7, other 5)"
    line = f"error: clip_zeroshot: features own have no text encoder 'clip' of the visual width 7 {have};"
    assert refused.stderr.startswith(line)
    assert refused.stderr.count("\n") == 1
    assert not (tmp_path / "results").exists()
    done = other.call("run", "--method", "clip_zeroshot", *options, "--set", "visual_text=minilm")
    assert done.exit_code == 0, done.output
    named = {"visual_text": "minilm", "audio_text": "other"}
    short = {"epochs": 1, "batches_per_epoch": 2, "batch_size": 8}
    assert run(other, "clipclap_far", settings=named | short).data.features == "own"
    for method in ("clipclap_far", "hsp_moe"):
        swapped = {"visual_text": "other", "audio_text": "minilm"}
        with pytest.raises(ab.AvbenchError, match="no text encoder 'other' of the visual width 7"):
            run(other, method, settings=swapped | short)


def test_auto_takes_a_set_that_fits(joint: JointFiles) -> None:
    """`another` comes before `own` by name, but its texts are not in one space with its features."""
    assert (
        joint.add("mine", features="another", classes=None, text=f"clip={joint.path('text.json')}").exit_code == 0
    )
    assert resolve_data("mine", root=joint.root).store.features == "another"
    assert resolve_data("mine", root=joint.root, needs=JOINT).store.features == "own"
    assert run(joint, "clip_zeroshot").data.features == "own"
    with pytest.raises(DataError, match=r"^m: features another have no text encoder 'clip' of the visual width 7"):
        resolve_data("mine", "another", root=joint.root, needs=JOINT, method="m")


def test_where_no_installed_set_fits_the_preferred_one_is_named_and_nothing_is_made(tmp_path: Path) -> None:
    own = OwnFiles(tmp_path)
    assert own.add().exit_code == 0
    with pytest.raises(
        DataError, match=r"^features own have no text encoder 'clip' of the visual width 7 .have: cl"
    ):
        resolve_data("mine", root=own.root, needs=JOINT)
    assert not store_path(own.root, "mine", "simulated").exists()


def test_one_encoder_of_texts_may_serve_both_modalities() -> None:
    needs = ab.Needs(joint={"visual": "one", "audio": "one"})
    assert ab.FeatureDims(4, 4, {"one": 4}).joint_fault(needs.joint) is None
    assert ab.FeatureDims(4, 5, {"one": 5}).joint_fault(needs.joint) is not None


@pytest.mark.parametrize(
    ("joint", "reason"),
    [
        ({"clip": "visual"}, "'clip' is no modality of a video"),
        ({"visual": "No Name"}, "'No Name' is not a valid name"),
    ],
)
def test_needs_that_cannot_be_are_refused(joint: dict[str, str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        ab.Needs(joint=joint)


def test_boards_keep_calibrations_and_ranks_apart(joint: JointFiles) -> None:
    for method in ("clip_zeroshot", "clipclap_far", "devise", "ale"):
        short = {"epochs": 1, "batches_per_epoch": 5, "batch_size": 8}
        run(joint, method, settings={} if method == "clip_zeroshot" else short)
    run(joint, "clip_zeroshot", settings={"calibration": "fixed:0"})
    exact, fixed = read_boards(Path("results"))
    assert (exact.key.calibration, fixed.key.calibration) == ("exact", "fixed:0")
    ranks = {row["Method"]: row["Rank"] for row in texts(board_document(exact).text[0])}
    assert {name for name, rank in ranks.items() if rank == "–"} == {
        "CLIP zero-shot (reference)",
        "ClipClap-GZSL + raw distances (reference)",
    }
    (row,) = fixed.rows
    assert (row.result.method.name, row.competes) == ("clip_zeroshot", False)
    assert row.result.spread["bias"].mean == 0


def test_the_interval_of_a_row_without_training_comes_from_videos(joint: JointFiles) -> None:
    for seed in range(3):
        run(joint, "clipclap_zeroshot", seed)
    (board,) = read_boards(Path("results"))
    (row,) = board.rows
    assert row.result.spread["hm"].std == 0
    assert row.result.interval["hm"].low < row.result.spread["hm"].mean < row.result.interval["hm"].high


def test_the_ablation_of_hsp_moe_has_a_row_of_clipclap(joint: JointFiles) -> None:
    short = ("--set", "epochs=1", "--set", "batches_per_epoch=2", "--set", "batch_size=8")
    ablate = ("ablate", "--method", "hsp_moe", "--dataset", "mine", *short)
    done = joint.call(*ablate, "--set", "moe_dropout=0.2")
    assert done.exit_code == 0, done.output
    assert "7 runs, of which 0 are finished" in done.stderr
    assert "run 1 of 7: ClipClap-GZSL (method clipclap), seed 0" in done.stderr
    assert len([*Path("results").rglob("clipclap/*.json")]) == 1
    again = joint.call(*ablate, "--set", "moe_dropout=0.2")
    assert "7 runs, of which 7 are finished" in again.stderr
    assert again.stdout == done.stdout
    (page,) = Path("ablations").glob("*.md")
    rows = [line.split("|")[1:4] for line in page.read_text().splitlines() if line.startswith("| ")]
    labels = [label.strip().replace("\\", "") for label, _, _ in rows[1:]]
    assert labels == ["ClipClap-GZSL", "+ sphere", "+ DP", "+ RP", "+ HUP", "+ FAR", "full"]
    assert {n.strip() for _, _, n in rows[1:]} == {"1"}
