from __future__ import annotations

import json
import os
from dataclasses import replace

import numpy as np
import pytest
import tiny_method
import torch
from click.testing import CliRunner
from tiny_method import Tiny, official_state

import avgzsl_bench as ab
from avgzsl_bench.cli import main
from avgzsl_bench.data.datasets.facts import PARTITIONS, partition_bit
from avgzsl_bench.data.datasets.registry import registered_dataset as dataset
from avgzsl_bench.data.simulated.simulated import simulate
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.writing import write_store
from avgzsl_bench.execution.scoring import validate
from avgzsl_bench.execution.stages import run_stage1, run_stage2
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.gzsl.metrics import metrics_of
from avgzsl_bench.method.registry import method_class, method_spec
from avgzsl_bench.plugins.manager import load_plugins
from avgzsl_bench.records.checkpoint import checkpoint_of, read_checkpoint, write_checkpoint

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _tiny():
    """The tiny method, registered."""
    plugin = tiny_method.Plugin()
    load_plugins().manager.register(plugin)
    yield
    load_plugins().manager.unregister(plugin)


@pytest.fixture
def avbench(data_root, tmp_path, monkeypatch):
    monkeypatch.setenv("AVBENCH_DATA", str(data_root))
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        return CliRunner().invoke(main, [str(a) for a in arguments])

    return call


def assert_one_line(result, *parts):
    assert result.exit_code == 2, result.output
    said = [line for line in result.stderr.splitlines() if line.strip() and not line.startswith(("Usage", "Try"))]
    assert len(said) == 1, said
    for part in parts:
        assert part in said[0]
    assert "Traceback" not in result.output


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
    told = avbench("checkpoint", "info", "a.safetensors")
    assert told.exit_code == 0
    for part in (
        "method    tiny",
        "audio 128, visual 256, text word2vec 300",
        "released, file Tiny_score.pt, sha256 ",
        "epoch 12, metric score",
        "hidden = 6",
        "text_order = official",
    ):
        assert part in told.stdout
    header = json.loads(avbench("checkpoint", "info", "a.safetensors", "--json").stdout)
    assert header["origin"]["epoch"] == 12
    assert header["config"]["hidden"] == 6
    assert str(tmp_path) not in told.stdout


def test_import_replaces_only_when_forced(avbench, released, tmp_path):
    arguments = ("checkpoint", "import", released, "--method", "tiny", "--out", tmp_path / "a.safetensors")
    assert avbench(*arguments).exit_code == 0
    stamp = (tmp_path / "a.safetensors").stat().st_mtime_ns
    assert_one_line(avbench(*arguments), "--force")
    assert (tmp_path / "a.safetensors").stat().st_mtime_ns == stamp
    assert avbench(*arguments, "--set", "shift=0.5", "--force").exit_code == 0
    assert "shift = 0.5" in avbench("checkpoint", "info", tmp_path / "a.safetensors").stdout


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (("Tiny_score.pt", "--method", "tinny"), "did you mean 'tiny'"),
        (("Tiny_score.pt", "--method", "eszsl"), "no released weights"),
        (("Tiny_score.pt", "--method", "devise"), "unknown: enc.weight"),
        (("Tiny_score.pt", "--method", "tiny", "--set", "hiden=6"), "did you mean 'hidden'"),
        (("Tiny_score.pt", "--method", "tiny", "--set", "hidden"), "write key=value"),
        (("Tiny_score.pt", "--method", "tiny", "--set", "hidden=7"), "misshapen: enc.weight"),
        (("nowhere.pt", "--method", "tiny"), "no such file"),
        ((".", "--method", "tiny"), "no such file"),
        (("truncated.pt", "--method", "tiny"), "damaged"),
        (("hostile.pt", "--method", "tiny"), "refused"),
    ],
)
def test_what_cannot_be_imported_is_one_line_and_writes_nothing(avbench, released, tmp_path, arguments, part):
    class Runs:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'ran'}",)

    (tmp_path / "truncated.pt").write_bytes(released.read_bytes()[:3000])
    torch.save({"model": Runs()}, tmp_path / "hostile.pt")
    before = {p.name for p in tmp_path.iterdir()}
    assert_one_line(avbench("checkpoint", "import", *arguments, "--out", "out/a.safetensors"), part)
    assert {p.name for p in tmp_path.iterdir()} == before


def test_import_tells_where_it_cannot_write(avbench, released, tmp_path):
    arguments = ("checkpoint", "import", released, "--method", "tiny", "--force", "--out")
    assert_one_line(avbench(*arguments, "/dev/null/a.safetensors"), "choose another folder")
    (tmp_path / "folder").mkdir()
    assert_one_line(avbench(*arguments, tmp_path / "folder"), "choose another folder")


def test_info_of_what_is_no_checkpoint(avbench, released):
    assert_one_line(avbench("checkpoint", "info", released), "avbench checkpoint import")
    assert_one_line(avbench("checkpoint", "info", "nowhere"), "no such file")
    assert_one_line(avbench("checkpoint", "info", "n" * 300), "no such file")


# Evaluate


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

    exact = parse_calibration("exact")
    selection = run_stage1(
        factory, benchmark.selection, epochs=2, calibration=exact, seed=0, report=lambda epoch: None
    )
    method, decisions = run_stage2(factory, benchmark.final, selection, seed=0, report=lambda epoch: None)
    bias = validate(first[0], benchmark.selection, exact)[1]
    write_checkpoint(folder / "stage1.safetensors", checkpoint_of(spec, first[0]))
    write_checkpoint(folder / "stage2.safetensors", checkpoint_of(spec, method))
    metrics = metrics_of(decisions, benchmark.final.ground_truth, bias)
    return folder, bias, metrics


def test_a_checkpoint_scores_as_the_method_it_was_made_of(avbench, trained):
    folder, bias, metrics = trained
    assert metrics.hm > 0.2
    command = ("evaluate", "--checkpoint", folder / "stage2.safetensors", "--dataset", "ucf", "--json")
    chosen = avbench(*command, "--selection-checkpoint", folder / "stage1.safetensors")
    assert chosen.exit_code == 0, chosen.output
    assert "SIMULATED" in chosen.stderr
    told = json.loads(chosen.stdout)
    assert told["metrics"] == pytest.approx(vars(metrics), abs=1e-12)
    assert (told["calibration"], told["metrics"]["bias"]) == ("exact", pytest.approx(bias))
    assert told["validation"]["hm"] > told["metrics"]["hm"] / 2
    assert (told["data"]["features"], told["data"]["simulated"]) == ("simulated", True)
    given = json.loads(avbench(*command, "--bias", repr(bias)).stdout)
    assert given["metrics"] == told["metrics"]
    assert (given["calibration"], given["validation"]) == (None, None)
    assert json.loads(avbench(*command, "--bias", "-99").stdout)["metrics"]["unseen"] == 0


def test_the_table_shows_all_figures(avbench, trained):
    folder, bias, metrics = trained
    command = ("evaluate", "--checkpoint", folder / "stage2.safetensors", "--dataset", "ucf")
    shown = avbench(*command, "--selection-checkpoint", folder / "stage1.safetensors")
    assert shown.exit_code == 0, shown.output
    for value in (metrics.seen, metrics.unseen, metrics.hm, metrics.zsl, metrics.ausuc):
        assert f"{100 * value:.2f}" in shown.stdout
    assert f"{bias:.4g}" in shown.stdout
    assert "SIMULATED" in shown.stdout
    assert "validation videos, exact" in shown.stdout
    assert "given" in avbench(*command, "--bias", "0.1").stdout


def test_calibration_text_order_and_split_can_be_chosen(avbench, trained):
    folder, *_ = trained
    command = ("evaluate", "--checkpoint", folder / "stage2.safetensors", "--dataset", "ucf", "--json")
    from_stage1 = ("--selection-checkpoint", folder / "stage1.safetensors")

    def told(*arguments):
        done = avbench(*command, *arguments)
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    assert told(*from_stage1, "--calibration", "avca")["metrics"]["bias"] in np.linspace(0, 3, 16)
    assert told(*from_stage1, "--calibration", "fixed:0.25")["metrics"]["bias"] == 0.25
    by_name, official = told("--bias", "0"), told("--bias", "0", "--text-order", "official")
    assert official["data"]["text_order"] == "official"
    assert official["metrics"]["zsl"] < by_name["metrics"]["zsl"]
    main_split = told("--bias", "0", "--split", "main")
    assert main_split["data"]["split_hash"] != by_name["data"]["split_hash"]


def test_a_released_checkpoint_keeps_to_its_official_settings(avbench, released):
    assert avbench("checkpoint", "import", released, "--method", "tiny", "--out", "a.safetensors").exit_code == 0
    command = ("evaluate", "--checkpoint", "a.safetensors", "--dataset", "ucf", "--json")
    told = json.loads(avbench(*command, "--selection-checkpoint", "a.safetensors").stdout)
    assert told["data"]["text_order"] == "official"
    assert told["calibration"] == "avca"
    by_name = json.loads(avbench(*command, "--bias", "1", "--text-order", "by-name").stdout)
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
        (("--bias", "1", "--device", "tpu"), ("device",)),
        (("--bias", "1", "--text-order", "random"), ("by-name",)),
        (("--bias", "1", "--checkpoint", "nowhere"), ("nowhere: no such file",)),
    ],
)
def test_bad_input_is_one_line(avbench, trained, tmp_path, arguments, parts):
    folder, *_ = trained
    other = Tiny(
        Tiny.Config(),
        ab.FeatureDims(128, 256, {"hashed": 300}),
        ab.load_benchmark("ucf", "simulated").final.classes,
        seed=0,
        device=CPU,
    )
    write_checkpoint(tmp_path / "other.safetensors", checkpoint_of(tiny_method.SPEC, other))
    places = {"stage1": folder / "stage1.safetensors", "other": tmp_path / "other.safetensors"}
    filled = [a.format(**places) for a in arguments]
    command = ("evaluate", "--checkpoint", folder / "stage2.safetensors", "--dataset", "ucf")
    assert_one_line(avbench(*command, *filled), *parts)


def test_features_of_other_widths_are_told(avbench, tmp_path):
    torch.save(official_state(videos=1024), tmp_path / "selavi.pt")
    avbench("checkpoint", "import", "selavi.pt", "--method", "tiny", "--out", "selavi.safetensors")
    command = ("evaluate", "--checkpoint", "selavi.safetensors", "--dataset", "ucf", "--bias", "1")
    assert_one_line(
        avbench(*command),
        "made for audio 512, visual 512, text 300",
        "ucf simulated has audio 128, visual 256, text 300",
    )
    mixed = ("--selection-checkpoint", "selavi.safetensors")
    torch.save(official_state(), tmp_path / "simulated.pt")
    avbench("checkpoint", "import", "simulated.pt", "--method", "tiny", "--out", "c.safetensors")
    assert_one_line(
        avbench("evaluate", "--checkpoint", "c.safetensors", "--dataset", "ucf", *mixed),
        "selavi.safetensors: made for audio 512, visual 512, text word2vec 300",
    )


def test_a_checkpoint_with_weights_of_another_shape_is_told(avbench, trained, tmp_path):
    folder, *_ = trained
    state = {"map.weight": torch.ones(300, 383), "extra": torch.ones(1)}
    wrong = replace(read_checkpoint(folder / "stage2.safetensors"), state=state)
    write_checkpoint(tmp_path / "wrong.safetensors", wrong)
    assert_one_line(
        avbench("evaluate", "--checkpoint", "wrong.safetensors", "--dataset", "ucf", "--bias", "1"),
        "unknown: extra",
        "misshapen: map.weight (float32 [300, 383], not float32 [300, 384])",
    )


def small_store(root, features, audio, visual, text):
    """A few videos a class of UCF with random features of the given widths."""
    table = simulate(dataset("ucf"))
    standing = [(c, p) for c in range(len(dataset("ucf").classes)) for p in PARTITIONS]
    chosen = [
        np.flatnonzero((table.label == c) & ((table.partition & partition_bit(p)) != 0))[:3] for c, p in standing
    ]
    rows = np.unique(np.concatenate(chosen))
    random = np.random.default_rng(0)

    def normal(*size):
        return random.standard_normal(size).astype(np.float32)

    classes = len(dataset("ucf").classes)
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
        text={encoder: normal(classes, width) for encoder, width in text.items()},
    )
    write_store(store_path(root, "ucf", features), small)


def test_auto_takes_the_installed_features_that_the_checkpoint_fits(avbench, tmp_path, monkeypatch):
    root = tmp_path / "data"
    small_store(root, "clip_clap", 1024, 512, {"clip": 512, "clap": 1024})
    small_store(root, "selavi", 512, 512, {"word2vec": 300})
    torch.save(official_state(videos=1024), tmp_path / "selavi.pt")
    done = avbench("checkpoint", "import", "selavi.pt", "--method", "tiny", "--out", "selavi.safetensors")
    assert done.exit_code == 0, done.output
    command = ("evaluate", "--checkpoint", "selavi.safetensors", "--dataset", "ucf", "--data-root", root)
    told = avbench(*command, "--selection-checkpoint", "selavi.safetensors", "--json")
    assert told.exit_code == 0, told.output
    assert json.loads(told.stdout)["data"]["features"] == "selavi"
    assert "SIMULATED" not in told.stderr
    assert_one_line(avbench(*command, "--bias", "1", "--features", "clip_clap"), "text 512 + 1024")


def test_the_commands_are_listed_and_have_help(avbench):
    listed = avbench("--help").stdout
    assert "evaluate" in listed
    assert "checkpoint" in listed
    for command in (("evaluate",), ("checkpoint",), ("checkpoint", "import"), ("checkpoint", "info")):
        assert "Usage" in avbench(*command, "--help").stdout
    assert "record" in avbench("evaluate", "--help").stdout
