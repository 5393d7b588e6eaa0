"""Real clips: a model is trained and saved, and predicts clips by file; and the commands of docs/predict.md."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable
from pathlib import Path

import made_clips
import numpy as np
import pytest
from click.testing import Result
from made_clips import Clip, Track, write_clip
from own_videos import write_own_videos

import avgzsl_bench as ab

Call = Callable[..., Result]
PAGE = (Path(__file__).resolve().parents[3] / "docs" / "predict.md").read_text(encoding="utf-8")


@pytest.fixture
def call(small_avbench: Call) -> Call:
    """Call a command that has to work."""

    def call(*arguments: object) -> Result:
        done = small_avbench(*arguments)
        assert done.exit_code == 0, done.output
        return done

    return call


def best_of(done: Result) -> dict[str, dict[str, dict[str, object]]]:
    """The ranked classes by name, for each video that could be used, by the stem of its name."""
    found = map(json.loads, done.stdout.splitlines())
    return {Path(p["video"]).stem: {c["name"]: c for c in p["classes"]} for p in found if "error" not in p}


def test_clips_by_file_with_new_classes(
    call: Call, shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clips = shared / "data" / "clips"
    tables = ("--table", clips / "mini_videos.csv", "--classes", clips / "mini_classes.csv")
    call("extract", "mine", clips, *tables, "--encoders", "lite0_conse,logmel", "--text", "minilm")
    call("run", "--method", "eszsl", "--dataset", "mine", "--features", "lite0_conse_logmel", "--save")
    (checkpoint,) = (tmp_path / "results").rglob("*.stage2.safetensors")
    given = ("predict", "--checkpoint", checkpoint, "--json", "--top", 9)

    noise = np.random.default_rng(0)
    monkeypatch.setattr(made_clips, "picture", lambda *_: noise.integers(0, 256, (48, 64, 3), np.uint8))
    of_noise = write_clip(tmp_path / "noise.mkv", Clip(sounds=[Track(noise.uniform(-1, 1, 96_000))]))
    silent = clips / "odd" / "no_audio_stream.mp4"
    files = (silent, clips / "ucf" / "v_Surfing_g22_c02.avi", of_noise)
    done = call(*given, *files, "--classes", "rowing a boat, basketball dunk")
    assert json.loads(done.stdout.splitlines()[0]) == {"video": str(silent), "error": "no sound stream"}
    surfing = best_of(done)["v_Surfing_g22_c02"]
    assert next(iter(surfing)) == "Surfing"
    roles = {name: c["role"] for name, c in surfing.items()}
    assert roles.pop("rowing a boat") == "new"
    assert sorted(roles.values()) == ["seen"] * 4 + ["unseen"] * 3
    assert len(best_of(done)["noise"]) == 8

    rows = call(*given, "v_Surfing_g22_c02", "--dataset", "mine")
    stored = best_of(rows)["v_Surfing_g22_c02"]
    for name, c in stored.items():
        assert surfing[name]["score"] == pytest.approx(c["score"], abs=1e-5)

    vector = ab.load(checkpoint).predict({"audio": np.zeros((1, 128)), "visual": np.zeros((1, 384))})
    assert vector[0].error is None
    np.savez(tmp_path / "vectors.npz", kayak=np.ones(384, np.float32))
    brought = best_of(call(*given, files[1], "--class-vectors", tmp_path / "vectors.npz"))
    assert brought["v_Surfing_g22_c02"]["kayak"]["role"] == "new"


def commands(block: str) -> list[list[str]]:
    section = re.search(rf"<!-- {block} -->\n(.*?)<!-- end of {block} -->", PAGE, re.S)
    assert section, f"docs/predict.md has lost its block {block!r}"
    lines = re.findall(r"^    (\S.*)$", section[1], re.M)
    return [words for words in map(shlex.split, lines) if words[0] != "pip"]


def test_the_commands_of_the_page(call: Call, tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    write_own_videos(tmp_path / "videos", tables=tmp_path, split="cls")
    outputs = []
    for program, *words in commands("encoders alone") + commands("a model of your own"):
        if program == "cp":
            (source,) = tmp_path.glob(words[0])
            shutil.copy(source, tmp_path / words[1])
            continue
        assert program == "avbench"
        outputs.append((words, call(*words).stdout))
    shown = [output for words, output in outputs if words[0] == "predict"]
    assert [output.count("rank  class") for output in shown] == [20, 20, 20, 0]
    assert "role" not in shown[0]
    last = [json.loads(line) for line in shown[-1].splitlines()]
    assert {c["name"] for p in last for c in p["classes"]} == {"rowing a boat", "air horn"}
