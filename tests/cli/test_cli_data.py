from __future__ import annotations

import json
from pathlib import Path

import h5py
import pytest
from click.testing import CliRunner, Result
from published_tree import UCF, standard_plugins, write_tree

from avgzsl_bench.cli.data import data
from avgzsl_bench.data.simulated.simulated import ensure_simulated
from avgzsl_bench.errors import AvbenchError, DataError, UnknownNameError


@pytest.fixture(autouse=True)
def _standard_plugins_and_width(monkeypatch: pytest.MonkeyPatch) -> None:
    standard_plugins(monkeypatch)
    monkeypatch.setenv("COLUMNS", "160")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AVBENCH_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def imported(tmp_path: Path, root: Path) -> Path:
    write_tree(tmp_path / "in", "selavi", set_name="main_features")
    write_tree(tmp_path / "in", "clip_clap", set_name="cls_features_non_averaged")
    result = call("import", tmp_path / "in", "--data-root", root)
    assert result.stdout.splitlines() == [
        f"ucf clip_clap (clipclap): 9 videos -> {root}/ucf/clip_clap/features.h5",
        f"ucf selavi (avca): 9 videos -> {root}/ucf/selavi/features.h5",
    ]
    return root


def call(*arguments: object) -> Result:
    return CliRunner().invoke(data, [str(a) for a in arguments], catch_exceptions=False)


def test_list(imported: Path) -> None:
    (imported / "ucf" / "broken").mkdir()
    (imported / "ucf" / "broken" / "features.h5").write_bytes(b"?")
    result = call("list")
    assert result.exit_code == 2
    rows = [line.split() for line in result.stdout.splitlines() if line.strip().startswith("ucf")]
    assert [row[1] for row in rows] == ["clip_clap", "selavi"]
    assert "clip 512, clap 1024" in result.stdout
    assert "broken" in result.stderr
    shown = json.loads(call("list", "--json").stdout)
    assert [s["features"] for s in shown["stores"]] == ["clip_clap", "selavi"]
    assert [Path(u["path"]).parent.name for u in shown["unreadable"]] == ["broken"]


def test_list_of_nothing_says_how(root: Path) -> None:
    root.mkdir()
    assert "avbench data import" in call("list").stdout
    result = call("list", "--json")
    assert (result.exit_code, json.loads(result.stdout)) == (0, {"stores": [], "added_text": [], "unreadable": []})


def test_info(imported: Path) -> None:
    result = call("info", "ucf", "selavi")
    assert "word2vec 300" in result.stdout
    assert "clip_clap" not in result.stdout
    (row,) = (
        line.split() for line in result.stdout.splitlines() if "stage2_test_unseen" in line and "cls" in line
    )
    assert row[-4:] == ["0", "6", "0", "845"]
    (selavi,) = json.loads(call("info", "ucf", "selavi", "--json").stdout)
    counts = {(r["partition"], r["split"]): (r["videos"], r["standard_videos"]) for r in selavi["partitions"]}
    assert counts["stage2_train", "cls"] == (5, 4994)
    assert counts["stage2_test_unseen", "main"] == (3, 1267)
    assert len(json.loads(call("info", "ucf", "--json").stdout)) == 2


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("info", "ufc"), UnknownNameError, "did you mean 'ucf'"),
        (("info", "ucf", "selawi"), UnknownNameError, "did you mean 'selavi'"),
        (("info", "ucf", "../x"), DataError, "is not a valid name"),
        (("info", "ucf", "c3d_vggish"), DataError, "installed: clip_clap, selavi"),
        (("info", "vggsound"), DataError, "nothing of vggsound is installed .*avbench data import"),
        (("verify", "vggsound"), DataError, "nothing of vggsound"),
        (("verify", "ufc"), UnknownNameError, "did you mean 'ucf'"),
    ],
)
def test_names(imported: Path, arguments: tuple[str, ...], error: type[AvbenchError], message: str) -> None:
    with pytest.raises(error, match=message):
        call(*arguments)


def test_verify(imported: Path) -> None:
    result = call("verify")
    assert "ucf selavi: difference: stage1_train: 3 videos, standard 3174" in result.stdout
    assert "ucf selavi: unaltered; " in result.stdout
    with h5py.File(imported / "ucf" / "selavi" / "features.h5", "a") as file:
        file["audio"][0, 0] += 1
    assert "selavi" not in call("verify", "ucf", "clip_clap").stdout
    for arguments in (("verify",), ("verify", "ucf"), ("verify", "ucf", "selavi")):
        with pytest.raises(DataError, match="not to be used: ucf selavi; import again"):
            call(*arguments)
    (imported / "ucf" / "clip_clap" / "features.h5").write_bytes(b"?")
    with pytest.raises(DataError, match=r"clip_clap.*selavi"):
        call("verify")


def test_damaged_stores_are_named_once(imported: Path) -> None:
    damaged = imported / "vggsound" / "selavi" / "features.h5"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"?")
    for command in ("info", "verify"):
        with pytest.raises(DataError, match=str(damaged)):
            call(command, "vggsound")
    (imported / "ucf" / "broken").mkdir()
    (imported / "ucf" / "broken" / "features.h5").write_bytes(b"?")
    assert "broken" in call("info", "ucf").stderr
    result = CliRunner().invoke(data, ["verify"])
    (line,) = (line for line in result.stdout.splitlines() if str(damaged) in line)
    assert line.startswith(f"error: {damaged}: damaged")
    assert line.count(str(damaged)) == 1
    assert "avbench data import DIR --force" in line


def test_verify_calls_simulated_data_simulated(root: Path) -> None:
    ensure_simulated(root, UCF)
    assert call("verify").stdout == "ucf simulated: simulated, unaltered\n"


def test_a_narrow_terminal_hides_no_name(imported: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    rows = [line.split() for line in call("list").stdout.splitlines()]
    assert [row[:3] for row in rows if row[:1] == ["ucf"]] == [["ucf", "clip_clap", "9"], ["ucf", "selavi", "9"]]


def test_help_of_the_group_is_not_cut() -> None:
    assert "..." not in call("--help").stdout.split("Commands:")[1]


@pytest.mark.parametrize("arguments", [("verify",), ("info", "ucf")])
def test_another_data_folder_has_nothing_to_verify_or_show(imported: Path, arguments: tuple[str, ...]) -> None:
    (imported.parent / "other").mkdir()
    other = ("--data-root", imported.parent / "other")
    with pytest.raises(DataError, match=r"nothing .*is installed"):
        call(*arguments, *other)
    assert "avbench data import" in call("list", *other).stdout


def test_import_again_and_unwritable(imported: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="--force"):
        call("import", tmp_path / "in")
    assert "9 videos" in call("import", tmp_path / "in", "--force").stdout
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "ucf").write_text("in the way")
    with pytest.raises(AvbenchError, match="cannot write"):
        call("import", tmp_path / "in", "--data-root", tmp_path / "other")
