from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import avgzsl_bench as ab
from avgzsl_bench.cli import main
from avgzsl_bench.cli.plugin_status import all_plugin_statuses
from avgzsl_bench.errors import AvbenchError
from avgzsl_bench.execution.ablation import ablation_of
from avgzsl_bench.execution.seeds import runs
from avgzsl_bench.plugins import manager as plugins

SHORT = ("--set", "epochs=1", "--set", "batches_per_epoch=2", "--set", "batch_size=8", "--set", "layers=1")
MFT = ("ablate", "--method", "mft", "--dataset", "ucf")
COIN = """
[[tables]]
title = "The calibration"
reported = { source = "Coin paper, Table 7", table = 7 }

[[tables.variants]]
label = "free"
reported = "calibrated"

[[tables.variants]]
label = "no bias"
settings = { calibration = "fixed:0" }
"""
REPORTED = """{
 "sources": {"Coin paper, Table 7": {"citation": "Somebody: On coins, 2026"}},
 "ablations": [{"method": "Coin", "source": "Coin paper, Table 7", "table": 7, "variant": "calibrated",
  "features": "clip_clap", "split": "cls", "dataset": "ucf",
  "seen": 12.34, "unseen": 12.34, "hm": 12.34, "zsl": 56.78}]
}"""
_numbers = itertools.count()
Call = Callable[..., Result]


@pytest.fixture
def avbench(data_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Call:
    monkeypatch.setenv("AVBENCH_DATA", str(data_root))
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, list(arguments))


@pytest.fixture
def coin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fresh_plugins: None, request: pytest.FixtureRequest
) -> None:
    """A stranger's method with reported figures and an ablation; a test may bring another file of it."""
    name = f"coin_plugin_{next(_numbers)}"
    package = tmp_path / "packages" / name
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "ablation.toml").write_text(getattr(request, "param", COIN))
    (package / "reported.json").write_text(REPORTED)
    monkeypatch.syspath_prepend(str(package.parent))

    class Coin:
        @ab.hookimpl
        def avbench_methods(self) -> list[ab.MethodSpec]:
            return [
                ab.MethodSpec("coin", target="avgzsl_baselines.chance:Chance", title="Coin", follows="reference")
            ]

        @ab.hookimpl
        def avbench_reported(self) -> list[ab.ReportedSpec]:
            return [ab.ReportedSpec("coin", f"{name}:reported.json")]

        @ab.hookimpl
        def avbench_ablations(self) -> list[ab.AblationSpec]:
            return [ab.AblationSpec("coin", f"{name}:ablation.toml")]

    plugins.load_plugins().manager.register(Coin(), name="coin plugin")


def records(folder: Path) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in (folder / "results").rglob("*.json")}


def test_the_whole_ablation_then_nothing_more_then_tables_alone(avbench: Call, tmp_path: Path) -> None:
    result = avbench(*MFT, *SHORT)
    assert result.exit_code == 0, result.output
    assert "SIMULATED FEATURES" in result.stderr
    assert "6 runs, of which 0 are finished" in result.stderr
    assert "run 2 of 6: MFT = l = Both, seed 0" in result.stderr
    assert "run 3 of 6: l - l_cos (lambda_cos=0), seed 0" in result.stderr
    assert result.stderr.count("stage 1  epoch   1/1") == 6
    for text in ("Attention (Table 3)", "Losses (Table 4)", "Modality (Table 5)", "57.12", "SIMULATED", "wrote"):
        assert text in result.stdout
    done, files = records(tmp_path), sorted((tmp_path / "ablations").iterdir())
    assert len(done) == 6
    assert {p.suffix for p in files} == {".md", ".csv", ".tex"}

    again = avbench(*MFT, *SHORT)
    assert "6 runs, of which 6 are finished" in again.stderr
    assert "stage 1" not in again.stderr
    assert records(tmp_path) == done
    assert again.stdout == result.stdout

    (tmp_path / "elsewhere").mkdir()
    alone = avbench(*MFT, *SHORT, "--no-run", "--out", "again", "--data-root", str(tmp_path / "elsewhere"))
    assert alone.exit_code == 0, alone.output
    assert [p.read_bytes() for p in files] == [p.read_bytes() for p in sorted((tmp_path / "again").iterdir())]
    assert list((tmp_path / "elsewhere").iterdir()) == [], "tables need no features"


def test_an_interrupted_ablation_goes_on_where_it_was(
    avbench: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    execute, calls = runs.execute, []

    def interrupted(plan: object, *given: object) -> object:
        calls.append(plan)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return execute(plan, *given)  # type: ignore[arg-type]

    monkeypatch.setattr(runs, "execute", interrupted)
    first = avbench(*MFT, *SHORT)
    assert first.exit_code == 130
    kept = records(tmp_path)
    assert len(kept) == 2
    assert not (tmp_path / "ablations").exists()
    second = avbench(*MFT, *SHORT)
    assert second.exit_code == 0
    assert "6 runs, of which 2 are finished" in second.stderr
    assert len(calls) == 3 + 4
    assert kept.items() <= records(tmp_path).items()


def test_a_strangers_ablation_shows_up_with_its_reported_figures(
    avbench: Call, coin: None, tmp_path: Path
) -> None:
    result = avbench("ablate", "--method", "coin", "--dataset", "ucf", "--seeds", "2")
    assert result.exit_code == 0, result.output
    text = (tmp_path / "ablations" / "coin-ucf-simulated-cls.md").read_text()
    cells = [[cell.strip() for cell in row.split("|")] for row in text.splitlines() if row.startswith("|")]
    rows = {row[1]: row for row in cells}
    assert rows["free"][-5:-1] == ["12.34", "12.34", "12.34", "56.78"]
    assert rows["no bias"][2] == "calibration=fixed:0"
    assert rows["no bias"][-5:-1] == ["–"] * 4
    assert rows["free"][3] == rows["no bias"][3] == "2"
    assert " ± " in rows["free"][6]
    assert "Not in Coin paper, Table 7 (table 7): no bias." in text
    assert "Somebody: On coins, 2026" in text
    assert (
        "declares no ablation; methods that do: coin, hsp_moe, mft"
        in avbench("ablate", "--method", "avca", "--dataset", "ucf").stderr
    )


def test_seeds_of_earlier_commands_stay_in_the_tables(avbench: Call, coin: None) -> None:
    for seed in ("3", "5"):
        result = avbench("ablate", "--method", "coin", "--dataset", "ucf", "--seed", seed)
    assert "2 runs, of which 0 are finished" in result.stderr
    assert "±" in result.stdout
    table = Path("ablations", "coin-ucf-simulated-cls.csv").read_text()
    assert table.count(",3 5,") == 2


def test_edits_that_are_not_noticed_are_named_once(
    avbench: Call, coin: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avgzsl_bench.execution.unnoticed.why_no_code", lambda method: "it is compiled")
    for _ in ("made", "finished"):
        result = avbench("ablate", "--method", "coin", "--dataset", "ucf", "--seeds", "1")
        assert result.exit_code == 0, result.output
        assert result.stderr.count("edits of method 'coin' are not noticed") == 1


def test_tables_fit_80_characters(avbench: Call, coin: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = avbench("ablate", "--method", "coin", "--dataset", "ucf", "--seeds", "2")
    assert max(map(len, result.stdout.split("wrote")[0].splitlines())) <= 80
    assert "…" not in result.stdout


BROKEN = {
    "no table": ("tables = []", "tables: "),
    "no toml": ("[[tables", "cannot be read"),
    "no variant": ('[[tables]]\ntitle = "T"\nvariants = []', "tables.0.variants: "),
    "extra": (COIN + "setings = { epochs = 2 }", "tables.0.variants.1.setings: "),
    "twice": (COIN.replace("no bias", "free"), "the label 'free' comes twice"),
    "same title": (COIN + COIN, "the title 'The calibration' comes twice"),
    "no source": (COIN.replace("reported = { source", "# { source"), "'reported' of the table is missing"),
    "no such method": (COIN + 'method = "chanse"', "unknown method 'chanse'; did you mean 'chance'"),
}


@pytest.mark.parametrize(("coin", "reason"), BROKEN.values(), ids=BROKEN.keys(), indirect=["coin"])
def test_a_broken_file_is_left_out_with_its_reason_and_the_rest_work(
    avbench: Call, coin: None, reason: str
) -> None:
    result = avbench("ablate", "--method", "coin", "--dataset", "ucf")
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert "method 'coin' declares no ablation; methods that do: hsp_moe, mft; left out: " in line
    assert ":ablation.toml cannot be read: " in line
    assert reason in line
    assert ablation_of("mft").tables
    (fault,) = (s.error for s in all_plugin_statuses() if s.name == "coin plugin")
    assert fault is not None
    assert reason in fault


@pytest.mark.usefixtures("fresh_plugins")
def test_an_ablation_of_no_method_and_a_second_one_are_left_out() -> None:
    class Two:
        @ab.hookimpl
        def avbench_ablations(self) -> list[ab.AblationSpec]:
            return [ab.AblationSpec(name, "avgzsl_mft:ablations.toml") for name in ("mtf", "mft")]

    plugins.load_plugins().manager.register(Two(), name="zzz")
    (fault,) = (s.error for s in all_plugin_statuses() if s.error)
    assert fault is not None
    assert "unknown method 'mtf'; did you mean 'mft'?" in fault
    assert "the name 'mft' is taken" in fault
    with pytest.raises(AvbenchError, match="unknown method 'mtf'"):
        ablation_of("mtf")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("ablate", "--method", "avca", "--dataset", "ucf"),
            "'avca' declares no ablation; methods that do: hsp_moe, mft",
        ),
        (("ablate", "--method", "mtf", "--dataset", "ucf"), "did you mean 'mft'"),
        (("ablate", "--method", "mft", "--dataset", "ufc"), "did you mean 'ucf'"),
        ((*MFT, "--split", "mian"), "did you mean 'main'"),
        ((*MFT, "--features", "clip_clap"), "avbench data import"),
        ((*MFT, "--set", "laers=2"), "did you mean 'layers'"),
        ((*MFT, "--set", "laers=2", "--no-run"), "did you mean 'layers'"),
        ((*MFT, "--set", "layers"), "write key=value"),
        ((*MFT, "--seed", "1", "--seeds", "2"), "exclude each other"),
        ((*MFT, "--no-run", "--seeds", "2"), "leave out --seed and --seeds"),
        ((*MFT, "--no-run"), "leave out --no-run"),
        ((*MFT, "--device", "tpu"), "device"),
        ((*MFT, "--results", "/dev/null/x"), "choose another folder"),
        ((*MFT, "--out", "/dev/null/x"), "choose another folder"),
    ],
)
def test_bad_input_gives_one_line_and_writes_nothing(
    avbench: Call, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = avbench(*arguments)
    assert result.exit_code == 2, result.output
    (line,) = (line for line in result.stderr.splitlines() if line.strip())
    assert message in line
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("coin")
@pytest.mark.parametrize("whose", ["its own", "another seed's"])
def test_a_damaged_record_is_told_before_any_training(avbench: Call, tmp_path: Path, whose: str) -> None:
    command = ("ablate", "--method", "coin", "--dataset", "ucf")
    avbench(*command, "--seed", "0" if whose == "its own" else "7")
    (tmp_path / "ablations").rename(tmp_path / "earlier")
    damaged = sorted((tmp_path / "results").rglob("*.json"))[0]
    damaged.write_text(damaged.read_text().replace('"hm": 0.', '"hm": 0.9', 1))
    before = records(tmp_path)
    result = avbench(*command, "--seeds", "3")
    assert result.exit_code == 2
    assert str(damaged.relative_to(tmp_path)) in result.stderr
    assert f"move {damaged.name} out of results" in result.stderr
    assert records(tmp_path) == before
    assert not (tmp_path / "ablations").exists()
