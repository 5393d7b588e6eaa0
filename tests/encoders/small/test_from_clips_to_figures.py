"""Real clips, from the folder to a figure, with encoders that need no model hub."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Call = Callable[..., Result]


@pytest.fixture
def clips(shared: Path) -> Path:
    return shared / "data" / "clips"


@pytest.fixture
def call(small_avbench: Call) -> Call:
    """Call a command, which must not end in a traceback."""

    def call(*arguments: object) -> Result:
        result = small_avbench(*arguments)
        assert "Traceback" not in result.output
        return result

    return call


ENCODERS = ("--encoders", "lite0_conse,logmel", "--text", "minilm")


def test_a_dataset_of_18_clips(call: Call, clips: Path, tmp_path: Path) -> None:
    tables = ("--table", clips / "mini_videos.csv", "--classes", clips / "mini_classes.csv")
    done = call("extract", "mine", clips, *tables, *ENCODERS, "--workers", 2)
    assert done.exit_code == 0, done.output
    assert "18 of 18 standard videos are there" in done.stdout
    assert "extracted from videos" in call("data", "info", "mine").stdout
    assert call("data", "verify", "mine").exit_code == 0
    run = ("run", "--method", "devise", "--dataset", "mine", "--split", "all", "--epochs", 2)
    done = call(*run, "--features", "lite0_conse_logmel")
    assert done.exit_code == 0, done.output
    (record,) = (tmp_path / "results" / "mine").rglob("*.json")
    data = json.loads(record.read_text())["data"]
    assert (data["features"], data["origin"], data["simulated"]) == ("lite0_conse_logmel", "extracted", False)
    done = call("leaderboard", "--out", tmp_path / "boards")
    assert done.exit_code == 0, done.output
    (board,) = (tmp_path / "boards").rglob("mine-lite0_conse_logmel-all*.csv")
    assert "DeViSE" in board.read_text()
    zero_shot = ("run", "--method", "clip_zeroshot", "--dataset", "mine", "--split", "all", "--json")
    done = call(*zero_shot, "--set", "visual_text=minilm")
    assert done.exit_code == 0, done.output
    record = json.loads(done.stdout)
    assert record["method"]["config"]["visual_text"] == "minilm"
    (epoch,) = record["trace"]
    assert epoch["losses"]["visual_own_minus_other"] > 0.01, "frames lie in the space of these texts"
    refused = call(*zero_shot)
    assert refused.exit_code == 2
    assert "features lite0_conse_logmel have no text encoder 'clip' of the visual width 384" in refused.stderr


def test_ucf_with_few_clips_can_be_extracted_and_not_run(call: Call, clips: Path) -> None:
    extract = ("extract", "ucf", clips, *ENCODERS)
    refused = call(*extract)
    assert refused.exit_code == 2
    assert "18 of 6,816 standard videos can be used" in refused.stderr.splitlines()[-1]
    done = call(*extract, "--min-clips", 0)
    assert done.exit_code == 0, done.output
    assert "18 of 6,816 standard videos are there" in done.stdout
    info = call("data", "info", "ucf").stdout
    assert "videos       18\n" in info
    assert re.search(r"stage2_train +main +7 +42 +13 +4994", info)
    run = call("run", "--method", "devise", "--dataset", "ucf", "--features", "lite0_conse_logmel")
    assert run.exit_code == 2
    assert run.stderr.count("\n") == 1
    assert "stage2_test_unseen" in run.stderr
