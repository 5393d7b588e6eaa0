"""The README's table is the one in the committed leaderboards, and its commands are those of the gate."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import avgzsl_bench as ab

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_table_is_the_committed_one():
    found = re.search(r"<!-- table: (\S+) -->\n(.*?)<!-- end of table -->", README, re.S)
    assert found, "the README has lost its table"
    board = pd.read_csv(ROOT / found[1])
    rows = [
        [cell.strip(" *") for cell in line.strip("|").split("|")] for line in found[2].splitlines() if "|" in line
    ]
    shown = {row[0]: row[1:] for row in rows[2:]}
    assert len(shown) == len(board)
    for _, row in board.iterrows():
        mark = f" ({row['follows']})" if row["follows"] in ("reconstruction", "reference") else ""
        title = row["title"] + mark
        cells = [str(row["n_seeds"])]
        for figure in ("seen", "unseen", "hm", "zsl"):
            mean, spread = 100 * row[f"{figure}_mean"], 100 * row[f"{figure}_std"]
            cells.append(f"{mean:.2f}" + (f" ± {spread:.2f}" if row["n_seeds"] > 1 else ""))
        assert shown[title] == cells, title


def test_the_gate_calls_exactly_the_test_command():
    command = 'pip install -e ".[test]" && pytest'
    assert f"    {command}\n" in README
    assert command in (ROOT / ".ci" / "run").read_text().splitlines()


@pytest.mark.parametrize(
    "page", ["README.md", *(f"docs/{name}.md" for name in ("known-faults", "models", "predictions", "videos"))]
)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!http)([^)#]+)\)", (ROOT / page).read_text(encoding="utf-8")):
        assert ((ROOT / page).parent / target).exists(), target


def test_the_bias_of_the_shown_score_matrices_comes_from_validation():
    code = re.search(r"```python\n(val = ab\.evaluate.*?)```", README, re.S)[1]
    rng, labels = np.random.default_rng(0), np.arange(60) % 6
    scores = rng.normal(size=(60, 6)) + np.eye(6)[labels]
    names = {"ab": ab, "scores": scores, "labels": labels, "val_scores": scores[::-1], "val_labels": labels}
    exec(code.replace("seen=[...], unseen=[...]", "seen=[0, 1, 2, 3], unseen=[4, 5]"), names)
    val, test = names["val"], names["test"]
    assert (val.oracle, test.oracle, test.bias) == (True, False, val.bias)


@pytest.mark.filterwarnings("ignore:no real features")
def test_the_calls_of_a_notebook_work(data_root, tmp_path, monkeypatch):
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed: pip install -e '.[tensorboard]'")
    monkeypatch.setenv("AVBENCH_DATA", str(data_root))
    monkeypatch.chdir(tmp_path)
    code = re.search(r"```python\n(records = ab\.run.*?)```", README, re.S)[1]
    short = code.replace("seeds=5, epochs=10", 'seeds=2, epochs=1, settings={"batches_per_epoch": 3}')
    short = short.replace('{"margin": 0.2}', '{"margin": 0.2, "epochs": 1, "batches_per_epoch": 3}')
    assert short.count("batches_per_epoch") == 2
    names = {"ab": ab}
    exec(short, names)
    assert [record.seed for record in names["records"]] == [0, 1]
    assert names["record"].method.config["margin"] == 0.2
    assert [*tmp_path.glob(f"runs/ucf/simulated/cls/devise/{names['record'].run_id}/*tfevents*")]
    assert isinstance(names["benchmark"], ab.Benchmark)
