"""The page on known faults: its commands are ours, and it names every check of the audit."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path

import click
import pytest

import avgzsl_bench.data.audit as audit
from avgzsl_bench.cli import main
from avgzsl_bench.data.audit.finding import checks
from avgzsl_bench.data.datasets.registry import registered_dataset as dataset
from avgzsl_bench.method.registry import method_class, method_spec
from avgzsl_bench.report.reported.literature import read_literature

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "known-faults.md").read_text(encoding="utf-8")


def _commands() -> list[str]:
    spans = re.findall(r"`(avbench [^`]*)`", PAGE)
    lines = re.findall(r"^    (avbench [^#\n]*)", PAGE, re.M)
    return sorted({part.strip() for text in (*spans, *lines) for part in text.split("&&")})


def _resolve(command: click.Command, words: list[str]) -> tuple[click.Command, list[str]]:
    context = click.Context(command)
    while isinstance(command, click.Group) and words:
        found = command.get_command(context, words[0])
        assert found is not None, words
        command, words = found, words[1:]
    return command, words


@pytest.mark.parametrize("line", _commands())
def test_commands_exist_and_parse(line):
    command, words = _resolve(main, shlex.split(line)[1:])
    assert not isinstance(command, click.Group)
    if words:
        context = command.make_context("avbench", list(words), resilient_parsing=False)
        named = {name: value for name, value in context.params.items() if value is not None}
        if "split" in named and "dataset" in named:
            dataset(named["dataset"]).facts(named["split"])
        for assignment in named.get("assignments", ()):
            assert assignment.split("=")[0] in method_class(method_spec(named["method"])).Config.model_fields


def test_there_are_commands():
    assert len(_commands()) > 8


def test_every_check_is_on_the_page():
    names = {check.partition("/")[0] for check in checks()}
    assert len(names) > 40
    assert sorted(name for name in names if f"`{name}`" not in PAGE) == []


def test_the_audit_uses_every_check_of_its_file_and_no_other():
    paths = Path(audit.__path__[0]).glob("*.py")
    nodes = [node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    calls = [node for node in nodes if isinstance(node, ast.Call) and len(node.args) == 3]
    first = {c.args[0] for c in calls if ast.unparse(c.func).endswith(("finding", "findings.add", "faults.add"))}
    named = {argument.value for argument in first if isinstance(argument, ast.Constant)}
    assert len(named) > 40
    assert sorted(named - checks().keys()) == []
    assert sorted(checks().keys() - {node.value for node in nodes if isinstance(node, ast.Constant)}) == []


def test_settings_on_the_page_exist():
    for method, setting, value in (
        ("avca", "stage2_schedule", "official"),
        ("cjme", "bias", "mean_of_three"),
        ("kda", "loss", "released"),
        ("avmst", "fidelity", "released"),
        ("mstr", "fidelity", "released"),
        ("sten", "fidelity", "released"),
        ("sten", "scheduler", "none"),
        ("avca", "bn_refresh", "official"),
        ("tcaf", "audio_window", "official"),
        ("fvaegan", "schedule", "official"),
    ):
        assert f"`{setting}`" in PAGE
        field = method_class(method_spec(method)).Config.model_fields[setting]
        assert value in str(field.annotation), (method, setting)


def test_the_contradicting_figures_are_all_of_those_we_have():
    tables = read_literature()
    wrong = [f for table in tables for f in table.read if f.recomputed_hm is not None]
    rows = {(f"{f.seen:.2f}", f"{f.unseen:.2f}", f"{f.hm:.2f}", f"{f.recomputed_hm:.2f}") for f in wrong}
    assert len(rows) == 3
    for row in rows:
        assert " | ".join(row) in PAGE


def test_the_impossible_figures_are_all_of_those_we_have():
    figures = [f for table in read_literature() for f in table.read if f.unseen_above_zsl]
    rows = {(f.method, f"| {f.unseen:.2f} | {f.zsl:.2f} |") for f in figures}
    assert len(rows) == 3
    lines = [line for line in PAGE.splitlines() if line.startswith("|")]
    for method, printed in rows:
        assert [line for line in lines if method in line and line.endswith(printed)], method
