from __future__ import annotations

import json

import pytest

RUN = ("run", "--method", "chance", "--dataset", "ucf")


def test_the_main_job_prints_figures_and_says_simulated_loudly(avbench, tmp_path):
    result = avbench(*RUN)
    assert result.exit_code == 0
    assert "SIMULATED FEATURES" in result.stderr
    assert "No real features of UCF-GZSL" in result.stderr
    assert "SIMULATED" in result.stdout
    assert list((tmp_path / "results").rglob("*.json"))


def test_rerunning_says_so_and_does_nothing(avbench, tmp_path):
    avbench(*RUN)
    path = next((tmp_path / "results").rglob("*.json"))
    stamp = path.stat().st_mtime_ns
    again = avbench(*RUN)
    assert again.exit_code == 0
    assert "already finished" in again.stderr
    assert path.stat().st_mtime_ns == stamp
    avbench(*RUN, "--force")
    assert path.stat().st_mtime_ns != stamp


def test_json_is_the_record_and_everything_else_goes_to_standard_error(avbench, tmp_path):
    one = avbench(*RUN, "--json")
    record = json.loads(one.stdout)
    assert set(record["metrics"]) == {"seen", "unseen", "hm", "zsl", "ausuc", "bias"}
    assert record["data"]["simulated"] is True
    assert "epoch" in one.stderr
    several = avbench(*RUN, "--seeds", "3", "--json")
    assert [r["seed"] for r in json.loads(several.stdout)] == [0, 1, 2]
    assert json.loads(avbench(*RUN, "--seeds", "1", "--json").stdout)[0] == record
    assert len(list((tmp_path / "results").rglob("*.json"))) == 3


def test_the_number_of_threads_is_recorded_and_is_no_part_of_the_id(avbench, tmp_path):
    record = json.loads(avbench(*RUN, "--threads", "3", "--json").stdout)
    assert record["environment"]["threads"] == "3"
    assert "already finished" in avbench(*RUN, "--threads", "2").stderr


def test_progress_shows_epochs_losses_hm_and_time_left(avbench):
    result = avbench("run", "--method", "devise", *RUN[3:], "--epochs", "3", "--set", "batches_per_epoch=4")
    lines = [line for line in result.stderr.splitlines() if "epoch" in line]
    assert "epoch   1/3" in lines[0]
    for part in ("stage 1", "HM", "total", "left in this stage"):
        assert part in lines[0]
    assert any("stage 2" in line for line in lines)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("run", "--method", "mftt", "--dataset", "ucf"), "did you mean 'mft'"),
        (("run", "--method", "mft", "--dataset", "vgsound"), "did you mean 'vggsound'"),
        ((*RUN, "--set", "epoch=3"), "did you mean 'epochs'"),
        ((*RUN, "--set", "epochs"), "write key=value"),
        ((*RUN, "--epochs", "0"), "'epochs'"),
        ((*RUN, "--threads", "0"), "0 is not in the range 1<=x<=1024"),
        ((*RUN, "--epochs", "many"), "not a valid integer"),
        ((*RUN, "--seed", "1", "--seeds", "2"), "exclude each other"),
        ((*RUN, "--features", "clip_clap"), "avbench data import"),
        ((*RUN, "--calibration", "grid:5"), "calibration"),
        ((*RUN, "--device", "tpu"), "device"),
        ((*RUN, "--precision", "fp16"), "--precision"),
        ((*RUN, "--precision", "bf16"), "'chance' trains only in full"),
        (("run", "--method", "mft", *RUN[3:], "--device", "cpu", "--precision", "tf32"), "needs a cuda device"),
        ((*RUN, "--out", "/dev/null/x"), "choose another folder"),
        (("leaderboard",), "avbench run"),
        (("verify", "nowhere"), "nowhere"),
        (("data", "import", "nowhere"), "nowhere"),
        (("data", "info", "ufc"), "did you mean 'ucf'"),
        (("rnu",), "No such command"),
    ],
)
def test_bad_input_gives_one_line_and_exit_code_2(refused, tmp_path, arguments, message):
    assert message in refused(*arguments)
    assert not [p for p in tmp_path.rglob("*") if p.is_file()], "something was written"
