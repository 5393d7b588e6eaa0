"""Another code of a method is another run, and the user is told."""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import Result

import avgzsl_bench as ab
from avgzsl_bench.data.data_spec import DataSpec
from avgzsl_bench.errors import RunError
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.plan import plan_of, plan_run
from avgzsl_bench.execution.sweep.engine import Failed
from avgzsl_bench.execution.sweep.failures import failure_path, forget_failure, keep_failure
from avgzsl_bench.execution.sweep.job import Job
from avgzsl_bench.records.record import read_record
from avgzsl_bench.records.run_spec import NUMERICS
from avgzsl_bench.system.checkout import Checkout

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "third_party_method" / "avbench_prototypes.py"
RUN = ("run", "--method", "edited", "--dataset", "ucf", "--features", "simulated", "--epochs", "1")
RUN += ("--set", "batches_per_epoch=2", "--device", "cpu")
OTHER = "an earlier record of this run is by other code"
Avbench = Callable[..., Result]
Edit = Callable[[str, str], None]


class Plugin:
    @ab.hookimpl
    def avbench_methods(self) -> list[ab.MethodSpec]:
        return [ab.MethodSpec("edited", "edited_method:Prototypes", "Edited", follows="paper")]


@pytest.fixture
def edit(
    tmp_path_factory: pytest.TempPathFactory,
    register: Callable[[object], object],
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Edit]:
    """Edit the method's source; what follows is as in a new process."""
    folder = tmp_path_factory.mktemp("plugin")
    path = folder / "edited_method.py"
    path.write_text(EXAMPLE.read_text(encoding="utf-8"), encoding="utf-8")
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    register(Plugin())

    def edit(old: str, new: str) -> None:
        text = path.read_text(encoding="utf-8")
        assert text.count(old) == 1
        path.write_text(text.replace(old, new), encoding="utf-8")
        sys.modules.pop("edited_method", None)
        importlib.invalidate_caches()

    yield edit
    sys.modules.pop("edited_method", None)


def records(folder: Path) -> list[ab.Record]:
    return [read_record(path) for path in sorted(folder.rglob("*.json"))]


def test_an_edited_method_is_another_run(avbench: Avbench, edit: Edit, tmp_path: Path) -> None:
    first = avbench(*RUN)
    assert first.exit_code == 0, first.output
    assert "by other code" not in first.stderr
    (old,) = records(tmp_path)
    assert old.method.code is not None
    assert old.numerics == NUMERICS
    edit('    """Cosine softmax over class prototypes made from text."""', "    # nothing new")
    edit('description="width of the common space"', "description='of the space'")
    again = avbench(*RUN)
    assert "already finished" in again.stderr
    edit("cross_entropy(self", "cross_entropy(-self")
    result = avbench(*RUN, "--seeds", "2")
    assert "already finished" not in result.stderr
    (line,) = [line for line in result.stderr.splitlines() if "by other code" in line]
    assert line.startswith(f"{OTHER} (code {old.method.code}, numerics {NUMERICS}; now code ")
    assert "left where it is" in line
    codes = {(record.seed, record.method.code) for record in records(tmp_path)}
    assert len(codes) == 3
    assert "already finished" in avbench(*RUN, "--seeds", "2").stderr

    board = avbench("leaderboard", "--out", tmp_path / "boards").output
    assert board.count("Edited (code") == 2
    verified = avbench("verify", "results")
    assert verified.exit_code == 0
    (mixed,) = [line for line in verified.stdout.splitlines() if line.startswith("mixed")]
    assert mixed.startswith("mixed edited on ucf, simulated, cls: runs of one configuration by 2 codes (")
    assert f"1 with code {old.method.code}, numerics {NUMERICS}" in mixed
    assert "2 with code " in mixed
    assert "each record is fine" in mixed
    assert verified.stdout.splitlines()[-1] == "3 ok, 0 failed"


def test_a_sweep_makes_the_runs_anew_and_says_so(avbench: Avbench, edit: Edit, tmp_path: Path) -> None:
    avbench(*RUN, "--seeds", "2")
    edit("cross_entropy(self", "cross_entropy(-self")
    sweep = ("sweep", "--methods", "edited", "--datasets", "ucf", "--seeds", "2", *RUN[5:7], *RUN[9:], "--set")
    result = avbench(*sweep, "epochs=1", "--dry-run")
    assert "2 earlier records of these runs are by other code (2 with code " in result.stderr
    assert "2 runs: 0 done, 2 to do" in result.stdout


def test_a_method_that_is_mended_leaves_no_failure_behind(edit: Edit, tmp_path: Path, data_root: Path) -> None:
    options = RunOptions(features="simulated", data_root=data_root, out=tmp_path, device="cpu")
    broken = [plan_run("edited", "ucf", seed, options) for seed in (0, 1)]
    for plan in broken:
        keep_failure(plan.path, Failed(Job(plan.spec, options), "no such thing"))
    edit("cross_entropy(self", "cross_entropy(-self")
    mended = plan_run("edited", "ucf", 0, options)
    assert mended.path != broken[0].path
    forget_failure(mended.path, mended.spec)
    assert [failure_path(plan.path).exists() for plan in broken] == [False, True]


def test_a_job_is_refused_where_its_method_has_other_code(edit: Edit, tmp_path: Path, data_root: Path) -> None:
    options = RunOptions(features="simulated", data_root=data_root, out=tmp_path, device="cpu")
    spec = plan_run("edited", "ucf", 0, options).spec
    assert plan_of(spec, options).spec == spec
    edit("cross_entropy(self", "cross_entropy(-self")
    with pytest.raises(RunError, match="the data or the method changed since the run was planned"):
        plan_of(spec, options)


def test_a_record_without_code_is_left_and_named(avbench: Avbench, edit: Edit, tmp_path: Path) -> None:
    avbench(*RUN)
    (path,) = tmp_path.rglob("*.json")
    content = json.loads(path.read_text())
    for name in ("code", "commit", "dirty"):
        del content["method"][name]
    del content["numerics"]
    spec = {name: content[name] for name in ("data", "seed", "precision")}
    spec["data"] = {name: spec["data"][name] for name in DataSpec.model_fields}
    method = {name: value for name, value in content["method"].items() if name != "parameters"}
    run_id = ab.RunSpec.model_validate({**spec, "method": method}).id
    assert run_id != path.stem
    content = json.loads(path.read_text()) | {"run_id": run_id}
    for name in ("code", "commit", "dirty"):
        del content["method"][name]
    del content["numerics"]
    content["decisions"]["file"] = f"{run_id}.npz"
    path.with_suffix(".npz").rename(path.with_name(f"{run_id}.npz"))
    path.unlink()
    old = path.with_name(f"{run_id}.json")
    old.write_text(json.dumps(content))
    assert avbench("verify", "results").exit_code == 0
    result = avbench(*RUN)
    assert f"{OTHER} (code not recorded; now code " in result.stderr
    assert old.exists()
    assert path.exists()


def test_python_is_told_by_a_warning(edit: Edit, tmp_path: Path, data_root: Path) -> None:
    def run() -> ab.Record:
        settings = {"epochs": 1, "batches_per_epoch": 2}
        place = {"data_root": data_root, "out": tmp_path, "device": "cpu"}
        return ab.run("edited", "ucf", features="simulated", settings=settings, **place)

    first = run()
    assert run().run_id == first.run_id
    edit("cross_entropy(self", "cross_entropy(-self")
    with pytest.warns(UserWarning, match=OTHER):
        assert run().run_id != first.run_id


def test_a_method_without_source_is_named_in_one_line(
    avbench: Avbench, edit: Edit, tmp_path: Path, data_root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    namespace = ModuleType("edited_method")
    exec(EXAMPLE.read_text(encoding="utf-8"), vars(namespace))
    monkeypatch.setitem(sys.modules, "edited_method", namespace)
    line = (
        "edits of method 'edited' are not noticed, and a finished run of it is not made again: "
        "it is written in a notebook or a script"
    )
    for finished in (False, True):
        result = avbench(*RUN, "--seeds", "2")
        assert result.exit_code == 0, result.output
        assert ("already finished" in result.stderr) == finished
        assert result.stderr.count(line) == 1
    assert {record.method.code for record in records(tmp_path)} == {None}
    sweep = ("sweep", "--methods", "edited", "--datasets", "ucf", "--seeds", "2", *RUN[5:7], *RUN[9:])
    assert avbench(*sweep, "--dry-run").stderr.count(line) == 1
    settings = {"epochs": 1, "batches_per_epoch": 2}
    place = {"data_root": data_root, "out": tmp_path / "other", "device": "cpu"}
    with pytest.warns(UserWarning, match="edits of method 'edited' are not noticed"):
        ab.run("edited", "ucf", features="simulated", settings=settings, **place)


def test_git_is_asked_only_for_a_run_that_is_made(
    avbench: Avbench, edit: Edit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[Path] = []

    def checkout_of(file: Path) -> Checkout:
        asked.append(file)
        return Checkout("1" * 40, dirty=True)

    monkeypatch.setattr("avgzsl_bench.method.code.identity.checkout_of", checkout_of)
    monkeypatch.setattr("avgzsl_bench.system.environment.checkout_of", checkout_of)
    assert avbench(*RUN).exit_code == 0
    (record,) = records(tmp_path)
    assert (record.method.commit, record.method.dirty) == ("1" * 40, True)
    assert {file.name for file in asked} == {"edited_method.py", "environment.py"}
    asked.clear()
    assert "already finished" in avbench(*RUN).stderr
    assert asked == []
