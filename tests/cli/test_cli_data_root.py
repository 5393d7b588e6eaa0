"""A data folder that somebody named, and that is not there."""

from __future__ import annotations

from pathlib import Path

import platformdirs
import pytest
from own_features import OwnFiles

import avgzsl_bench as ab
from avgzsl_bench.errors import DataError

pytestmark = pytest.mark.filterwarnings("default")

CHANCE = ("--method", "chance", "--dataset", "ucf")
SWEEP = ("sweep", "--methods", "chance", "--datasets")


@pytest.fixture
def absent(tmp_path: Path) -> Path:
    return tmp_path / "absent"


@pytest.fixture(params=["option", "environment"])
def named(request: pytest.FixtureRequest, absent: Path, avbench, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What names the folder in a command."""
    if request.param == "option":
        return ["--data-root", str(absent)]
    monkeypatch.setenv("AVBENCH_DATA", str(absent))
    return []


@pytest.mark.parametrize(
    "command",
    [
        ("data", "list"),
        ("data", "info", "ucf"),
        ("data", "verify"),
        ("data", "audit"),
        ("data", "export", "ucf", "new", "--features", "selavi", "--layout", "avca"),
        ("datasets",),
        ("run", *CHANCE, "--features", "selavi"),
        ("run", "--method", "chance", "--dataset", "mine"),
        (*SWEEP, "ucf", "--features", "selavi"),
        (*SWEEP, "mine"),
    ],
    ids=" ".join,
)
def test_commands_that_need_what_is_in_it_refuse(
    refused, tmp_path: Path, absent: Path, named: list[str], command: tuple[str, ...]
) -> None:
    variable = "" if named else " (AVBENCH_DATA)"
    assert f"data folder {absent}{variable}: no such folder" in refused(*command, *named)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", [("run", *CHANCE), (*SWEEP, "ucf", "--dry-run")], ids=["run", "sweep"])
def test_runs_say_so_and_go_on(avbench, absent: Path, named: list[str], command: tuple[str, ...]) -> None:
    result = avbench(*command, *named)
    assert result.exit_code == 0, result.output
    variable = "" if named else " (AVBENCH_DATA)"
    expected = f"warning: data folder {absent}{variable}: no such folder: no features are installed there"
    assert len([line for line in result.stderr.splitlines() if line.startswith(expected)]) == 1
    notice = "".join(line.strip("│ ") for line in result.stderr.splitlines() if line.startswith("│"))
    assert f"{absent}. These are SIMULATED features".replace(" ", "") in notice.replace(" ", "")
    assert (absent / "ucf" / "simulated" / "features.h5").exists()
    again = avbench(*command, *named, "--seed", "1") if command[0] == "run" else avbench(*command, *named)
    assert "no such folder" not in again.stderr


def test_the_library_says_so_and_goes_on(absent: Path) -> None:
    with (
        pytest.warns(UserWarning, match="absent: no such folder: no features are installed there"),
        pytest.warns(UserWarning, match="are installed in .*absent: these are SIMULATED features"),
    ):
        benchmark = ab.load_benchmark("ucf", data_root=absent)
    assert benchmark.spec.simulated


def test_the_library_refuses_real_features(absent: Path) -> None:
    with pytest.raises(DataError, match="absent: no such folder"):
        ab.load_benchmark("ucf", "selavi", data_root=absent)
    assert not absent.exists()


def test_what_adds_makes_it(tmp_path: Path) -> None:
    own = OwnFiles(tmp_path)
    assert own.add().exit_code == 0
    own.write_text({name: [1.0] for name in own.roles})
    assert own.call("data", "add-text", "mine", own.path("text.json")).exit_code == 0


def test_the_users_own_folder_may_be_absent(
    avbench, absent: Path, monkeypatch: pytest.MonkeyPatch, recwarn: pytest.WarningsRecorder
) -> None:
    monkeypatch.delenv("AVBENCH_DATA")
    monkeypatch.setattr(platformdirs, "user_data_path", lambda name: absent)
    for command in (("data", "list"), ("datasets",), ("doctor",)):
        assert avbench(*command).exit_code == 0
    result = avbench("run", *CHANCE)
    assert result.exit_code == 0
    assert "no such folder" not in result.stderr
