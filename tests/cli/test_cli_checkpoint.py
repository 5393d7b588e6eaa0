from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
import tiny_method
import torch
from command_line import with_options
from named_stores import install, overlapping_table, partial_table
from privileges import permissions_count
from tiny_method import Tiny, official_state

import avgzsl_bench as ab
from avgzsl_bench.data.datasets.registry import registered_dataset as dataset
from avgzsl_bench.data.simulated.simulated import simulate
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.writing import write_store
from avgzsl_bench.execution.scoring import score, validate
from avgzsl_bench.execution.stages import run_stage1, run_stage2
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.gzsl.metrics import metrics_of
from avgzsl_bench.method.registry import method_class, method_spec
from avgzsl_bench.records.checkpoint import checkpoint_of, read_checkpoint, write_checkpoint

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _tiny(register):
    register(tiny_method.Plugin())


@pytest.fixture
def released(tmp_path):
    path = tmp_path / "Tiny_score.pt"
    torch.save({"epoch": 12, "model": official_state(), "optimizer": {}, "metric": "score"}, path)
    return path


# Import and info


def test_import_and_info(avbench, released, tmp_path):
    done = avbench("checkpoint", "import", released, "--method", "tiny", "--out", "a.safetensors")
    assert done.exit_code == 0, done.output
    assert done.stdout == "Tiny: 8 tensors, 4,135 values -> a.safetensors\n"
    shown = avbench("checkpoint", "info", "a.safetensors")
    assert shown.exit_code == 0
    for part in (
        "method    tiny",
        "audio 128, visual 256, text word2vec 300",
        "released, file Tiny_score.pt, sha256 ",
        "epoch 12, metric score",
        "hidden = 6",
        "text_order = official",
    ):
        assert part in shown.stdout
    header = json.loads(avbench("checkpoint", "info", "a.safetensors", "--json").stdout)
    assert (header["origin"]["epoch"], header["config"]["hidden"]) == (12, 6)
    assert str(tmp_path) not in shown.stdout


def test_import_replaces_only_when_forced(avbench, refused, released, tmp_path):
    arguments = ("checkpoint", "import", released, "--method", "tiny", "--out", tmp_path / "a.safetensors")
    assert avbench(*arguments).exit_code == 0
    stamp = (tmp_path / "a.safetensors").stat().st_mtime_ns
    assert "--force" in refused(*arguments)
    assert (tmp_path / "a.safetensors").stat().st_mtime_ns == stamp
    assert avbench(*arguments, "--set", "shift=0.5", "--force").exit_code == 0
    assert "shift = 0.5" in avbench("checkpoint", "info", tmp_path / "a.safetensors").stdout


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ("Tiny_score.pt --method tinny", "did you mean 'tiny'"),
        ("Tiny_score.pt --method eszsl", "no released weights"),
        ("Tiny_score.pt --method devise", "unknown: enc.weight"),
        ("Tiny_score.pt --method tiny --set hiden=6", "did you mean 'hidden'"),
        ("Tiny_score.pt --method tiny --set hidden", "write key=value"),
        ("Tiny_score.pt --method tiny --set hidden=7", "enc.weight (float32 [6, 384], not float32 [7, 384])"),
        ("nowhere.pt --method tiny", "no such file"),
        (". --method tiny", "not a file"),
        ("truncated.pt --method tiny", "damaged"),
        ("hostile.pt --method tiny", "refused"),
    ],
)
def test_what_cannot_be_imported_is_one_line_and_writes_nothing(refused, released, tmp_path, arguments, part):
    class Runs:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'ran'}",)

    (tmp_path / "truncated.pt").write_bytes(released.read_bytes()[:3000])
    torch.save({"model": Runs()}, tmp_path / "hostile.pt")
    before = {p.name for p in tmp_path.iterdir()}
    assert part in refused("checkpoint", "import", *arguments.split(), "--out", "out/a.safetensors")
    assert {p.name for p in tmp_path.iterdir()} == before


def test_import_tells_where_it_cannot_write(refused, released, tmp_path):
    for out in ("/dev/null/a.safetensors", tmp_path):
        line = refused("checkpoint", "import", released, "--method", "tiny", "--force", "--out", out)
        assert "choose another folder" in line


def test_info_of_what_is_no_checkpoint(refused, released, tmp_path):
    assert "avbench checkpoint import" in refused("checkpoint", "info", released)
    assert "nowhere: no such file" in refused("checkpoint", "info", "nowhere")
    assert "cannot be read: File name too long" in refused("checkpoint", "info", "n" * 300)
    (tmp_path / "closed").mkdir(mode=0)
    with permissions_count():
        assert "cannot be read: Permission denied" in refused("checkpoint", "info", "closed/x")
        evaluate = ("evaluate", "--dataset", "ucf", "--bias", "1", "--checkpoint", "closed/x")
        assert "cannot be read: Permission denied" in refused(*evaluate)


# Evaluate

EVALUATE = ("evaluate", "--dataset", "ucf", "--checkpoint")


@pytest.fixture
def evaluated(avbench):
    """Evaluate a checkpoint; give the JSON and what is on standard error."""

    def evaluated(checkpoint, *arguments):
        done = avbench(*EVALUATE, checkpoint, "--json", *arguments)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout), done.stderr

    return evaluated


@pytest.fixture
def imported(avbench, tmp_path):
    """Weights of the tiny method for videos of some width, released and imported."""

    def imported(name, videos=384, scale=1.0):
        state = {key: value * scale for key, value in official_state(videos=videos).items()}
        torch.save(state, tmp_path / f"{name}.pt")
        done = avbench("checkpoint", "import", f"{name}.pt", "--method", "tiny", "--out", f"{name}.safetensors")
        assert done.exit_code == 0, done.output
        return f"{name}.safetensors"

    return imported


@pytest.fixture(scope="module")
def trained(tmp_path_factory, data_root):
    """DeViSE after both stages on simulated features, as two checkpoints, and what the protocol found."""
    folder = tmp_path_factory.mktemp("trained")
    spec = method_spec("devise")
    benchmark = ab.load_benchmark("ucf", "simulated", data_root=data_root)
    config = method_class(spec).Config(epochs=2, batches_per_epoch=20, normalize_input=True)
    first = []

    def factory(task):
        first.append(method_class(spec)(config, benchmark.shape, task.classes, seed=0, device=CPU))
        return first[-1]

    exact, options = parse_calibration("exact"), {"seed": 0, "report": lambda epoch: None}
    selection = run_stage1(factory, benchmark.selection, epochs=2, calibration=exact, **options)
    method, decisions = run_stage2(factory, benchmark.final, selection, **options)
    bias = validate(first[0], benchmark.selection, exact)[1]
    write_checkpoint(folder / "stage1.safetensors", checkpoint_of(spec, first[0]))
    write_checkpoint(folder / "stage2.safetensors", checkpoint_of(spec, method))
    metrics = metrics_of(decisions, benchmark.final.ground_truth, bias)
    return folder, bias, metrics


def test_a_checkpoint_scores_as_the_method_it_was_made_of(evaluated, trained):
    folder, bias, metrics = trained
    assert metrics.hm > 0.2
    checkpoint = folder / "stage2.safetensors"
    chosen, said = evaluated(checkpoint, "--selection-checkpoint", folder / "stage1.safetensors")
    assert "SIMULATED" in said
    assert chosen["metrics"] == pytest.approx(vars(metrics), abs=1e-12)
    assert (chosen["calibration"], chosen["metrics"]["bias"]) == ("exact", pytest.approx(bias))
    assert chosen["validation"]["hm"] > chosen["metrics"]["hm"] / 2
    assert (chosen["data"]["features"], chosen["data"]["simulated"]) == ("simulated", True)
    given, _ = evaluated(checkpoint, "--bias", repr(bias))
    assert given["metrics"] == chosen["metrics"]
    assert (given["calibration"], given["validation"]) == (None, None)
    assert evaluated(checkpoint, "--bias", "-99")[0]["metrics"]["unseen"] == 0


def test_a_checkpoint_is_scored_with_the_threads_of_a_run(evaluated, trained, monkeypatch):
    checkpoint, seen = trained[0] / "stage2.safetensors", []

    def counted(*arguments):
        seen.append(torch.get_num_threads())
        return score(*arguments)

    monkeypatch.setattr("avgzsl_bench.execution.evaluate.score", counted)
    evaluated(checkpoint, "--bias", "0", "--threads", "3")
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr("avgzsl_bench.execution.threads.LARGE", 0)
    evaluated(checkpoint, "--bias", "0")
    assert seen == [3, 2]
    assert torch.get_num_threads() == 1


def test_videos_that_are_not_standard_are_named(avbench, trained, tmp_path):
    folder, *_ = trained
    table = partial_table()
    install(tmp_path / "data", replace(table, features="own", text={"hashed": table.text["clip"]}))
    where = ("--data-root", tmp_path / "data", "--bias", "0", "--json")
    done = avbench(*EVALUATE, folder / "stage2.safetensors", *where)
    assert done.exit_code == 0, done.output
    (line,) = done.stderr.splitlines()
    assert line.startswith("warning: ucf own does not hold the standard videos of split cls (stage1_train ")
    assert json.loads(done.stdout)["differences"]["stage2_test_unseen"]["standard"] == 845
    done = avbench(*EVALUATE, folder / "stage2.safetensors", "--features", "simulated", "--bias", "0", "--json")
    assert json.loads(done.stdout)["differences"] == {}
    install(tmp_path / "data", replace(overlapping_table("stage2_train", "stage2_test_seen"), features="own"))
    refused = avbench(*EVALUATE, folder / "stage2.safetensors", *where)
    assert refused.exit_code == 2
    (line,) = refused.stderr.splitlines()
    assert "not to be used: stage2_train and stage2_test_seen: 3 videos are in both" in line


def test_the_table_shows_all_figures(avbench, trained):
    folder, bias, metrics = trained
    command = (*EVALUATE, folder / "stage2.safetensors")
    shown = avbench(*command, "--selection-checkpoint", folder / "stage1.safetensors")
    assert shown.exit_code == 0, shown.output
    figures = [f"{100 * value:.2f}" for name, value in vars(metrics).items() if name != "bias"]
    assert len(figures) == 5
    for part in (*figures, f"{bias:.4g}", "SIMULATED", "validation videos, exact"):
        assert part in shown.stdout
    assert "given" in avbench(*command, "--bias", "0.1").stdout


def test_calibration_text_order_and_split_can_be_chosen(evaluated, trained):
    folder, *_ = trained

    def told(*arguments):
        return evaluated(folder / "stage2.safetensors", *arguments)[0]

    from_stage1 = ("--selection-checkpoint", folder / "stage1.safetensors")
    assert told(*from_stage1, "--calibration", "avca")["metrics"]["bias"] in np.linspace(0, 3, 16)
    assert told(*from_stage1, "--calibration", "fixed:0.25")["metrics"]["bias"] == 0.25
    by_name, official = told("--bias", "0"), told("--bias", "0", "--text-order", "official")
    assert official["data"]["text_order"] == "official"
    assert official["metrics"]["zsl"] < by_name["metrics"]["zsl"]
    main_split = told("--bias", "0", "--split", "main")
    assert main_split["data"]["split_hash"] != by_name["data"]["split_hash"]


def test_a_released_checkpoint_keeps_to_its_official_settings(evaluated, imported):
    checkpoint = imported("a")
    told, _ = evaluated(checkpoint, "--selection-checkpoint", imported("stage1", scale=0.5))
    assert (told["data"]["text_order"], told["calibration"]) == ("official", "avca")
    by_name, _ = evaluated(checkpoint, "--bias", "1", "--text-order", "by-name")
    assert by_name["data"]["text_order"] == "by-name"


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        ((), ("no bias", "--bias VALUE", "--selection-checkpoint FILE")),
        (("--bias", "1", "--selection-checkpoint", "{stage1}"), ("two biases",)),
        (("--bias", "nan"), ("finite",)),
        (("--bias", "much"), ("not a valid float",)),
        (("--bias", "1", "--calibration", "exact"), ("leave one out",)),
        (("--selection-checkpoint", "{stage1}", "--calibration", "exakt"), ("unknown calibration",)),
        (("--selection-checkpoint", "nowhere"), ("nowhere: no such file",)),
        (("--selection-checkpoint", "{other}"), ("of tiny, and", "is of devise")),
        (("--bias", "1", "--dataset", "ufc"), ("did you mean 'ucf'",)),
        (("--bias", "1", "--split", "clss"), ("did you mean 'cls'",)),
        (("--bias", "1", "--features", "clip_clap"), ("avbench data import",)),
        (("--bias", "1", "--device", "tpu"), ("unknown device 'tpu'",)),
        (("--bias", "1", "--text-order", "random"), ("by-name",)),
        (("--bias", "1", "--checkpoint", "nowhere"), ("nowhere: no such file",)),
    ],
)
def test_bad_input_is_one_line(refused, trained, tmp_path, arguments, parts):
    folder, *_ = trained
    classes = ab.load_benchmark("ucf", "simulated").final.classes
    shape = ab.FeatureDims(128, 256, {"hashed": 300})
    other = Tiny(Tiny.Config(), shape, classes, seed=0, device=CPU)
    write_checkpoint(tmp_path / "other.safetensors", checkpoint_of(tiny_method.SPEC, other))
    places = {"stage1": folder / "stage1.safetensors", "other": tmp_path / "other.safetensors"}
    command = (*EVALUATE, folder / "stage2.safetensors")
    line = refused(*with_options(command, *(a.format(**places) for a in arguments)))
    assert all(part in line for part in parts)


@pytest.mark.parametrize("way", ["same file", "copy", "link", "same released weights"])
def test_a_checkpoint_cannot_choose_its_own_bias(refused, imported, tmp_path, way):
    """Stage 2 was trained on the validation videos: a bias chosen there on them is no honest one."""
    checkpoint, other = imported("stage2"), tmp_path / "other.safetensors"
    if way == "copy":
        shutil.copy(checkpoint, other)
    elif way == "link":
        other.symlink_to(tmp_path / checkpoint)
    else:
        other = imported("again") if way == "same released weights" else checkpoint
    line = refused(*EVALUATE, checkpoint, "--selection-checkpoint", other)
    assert "has the same weights as stage2.safetensors" in line
    assert "give --selection-checkpoint that of stage 1" in line


def test_of_a_method_that_learns_nothing_both_stages_have_the_same_weights(evaluated, tmp_path):
    classes = ab.load_benchmark("ucf", "simulated").final.classes
    spec, shape = method_spec("chance"), ab.FeatureDims(128, 256, {"hashed": 300})
    method = method_class(spec)(method_class(spec).Config(), shape, classes, seed=0, device=CPU)
    write_checkpoint(tmp_path / "chance.safetensors", checkpoint_of(spec, method))
    told, _ = evaluated("chance.safetensors", "--selection-checkpoint", "chance.safetensors")
    assert told["calibration"] == "exact"


@pytest.mark.parametrize(
    "arguments", [(), ("--bias", "1"), ("--bias", "1", "--selection-checkpoint", "also nowhere")]
)
def test_a_missing_file_is_named_before_a_bias_is_asked_for(refused, arguments):
    assert refused(*EVALUATE, "nowhere", *arguments) == "error: nowhere: no such file"


def test_features_of_other_widths_are_told(refused, imported):
    selavi, simulated = imported("selavi", videos=1024), imported("simulated")
    line = refused(*EVALUATE, selavi, "--bias", "1")
    assert "made for audio 512, visual 512, text 300" in line
    assert "ucf simulated has audio 128, visual 256, text 300" in line
    line = refused(*EVALUATE, simulated, "--selection-checkpoint", selavi)
    assert "selavi.safetensors: made for audio 512, visual 512, text word2vec 300" in line


def test_a_checkpoint_with_weights_of_another_shape_is_told(refused, trained, tmp_path):
    folder, *_ = trained
    state = {"map.weight": torch.ones(300, 383), "extra": torch.ones(1)}
    wrong = replace(read_checkpoint(folder / "stage2.safetensors"), state=state)
    write_checkpoint(tmp_path / "wrong.safetensors", wrong)
    line = refused(*EVALUATE, "wrong.safetensors", "--bias", "1")
    assert "unknown: extra" in line
    assert "misshapen: map.weight (float32 [300, 383], not float32 [300, 384])" in line


def small_store(root, features, audio, visual, text):
    """A video of UCF for each class and its partitions, with random features of the given widths."""
    table, random = simulate(dataset("ucf")), np.random.default_rng(0)
    _, rows = np.unique(np.stack([table.label, table.partition]), axis=1, return_index=True)
    rows.sort()

    def normal(*size):
        return random.standard_normal(size).astype(np.float32)

    small = replace(
        table,
        features=features,
        simulated=False,
        source="test",
        audio=normal(len(rows), audio),
        visual=normal(len(rows), visual),
        label=table.label[rows],
        video_id=[table.video_id[r] for r in rows],
        partition=table.partition[rows],
        text={encoder: normal(len(dataset("ucf").classes), width) for encoder, width in text.items()},
    )
    write_store(store_path(root, "ucf", features), small)


def test_auto_takes_the_installed_features_that_the_checkpoint_fits(evaluated, refused, imported, tmp_path):
    root = ("--data-root", tmp_path / "data")
    small_store(root[1], "clip_clap", 1024, 512, {"clip": 512, "clap": 1024})
    small_store(root[1], "selavi", 512, 512, {"word2vec": 300})
    selavi = imported("selavi", videos=1024)
    stage1 = imported("stage1", videos=1024, scale=0.5)
    told, said = evaluated(selavi, *root, "--selection-checkpoint", stage1)
    assert told["data"]["features"] == "selavi"
    assert "SIMULATED" not in said
    line = refused(*EVALUATE, selavi, *root, "--bias", "1", "--features", "clip_clap")
    assert "text 512 + 1024" in line
