"""Real records from random scores: decisions, metrics and bias are computed, nothing is made up to fit."""

from __future__ import annotations

import hashlib
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from avgzsl_bench.data.data_spec import DataSpec
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.gzsl.curve import curve_of
from avgzsl_bench.gzsl.decisions import GroundTruth, decide
from avgzsl_bench.gzsl.metrics import metrics_of
from avgzsl_bench.records.decisions_file import DecisionTable
from avgzsl_bench.records.record import DecisionsFile, EpochTrace, Record, class_results, write_record
from avgzsl_bench.records.run_spec import MethodIdentity, RunSpec
from avgzsl_bench.report.boards.board import read_boards

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from avgzsl_bench.data.datasets.standard import Differences
    from avgzsl_bench.data.store.origin import Origin
    from avgzsl_bench.method.precision import Precision
    from avgzsl_bench.report.boards.board import Board

SEEN, UNSEEN = np.arange(5), np.arange(5, 8)
LABELS = np.repeat(np.arange(8), 6)


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _digest(*parts: object) -> str:
    return _sha256(repr(parts).encode())[:10]


def make_record(
    folder: Path,
    *,
    method: str = "mft",
    title: str = "MFT",
    follows: str = "reconstruction",
    version: str = "0.1.0",
    config: dict[str, Any] | None = None,
    changed: dict[str, Any] | None = None,
    preset: str | None = None,
    parameters: int | None = 12345,
    dataset: str = "ucf",
    features: str = "clip_clap",
    split: str = "cls",
    simulated: bool = False,
    text_order: str = "by-name",
    fingerprint: str | None = None,
    split_hash: str = "a" * 64,
    calibration: str = "exact",
    precision: Precision = "full",
    code: str | None = None,
    commit: str | None = None,
    dirty: bool | None = None,
    numerics: int | None = None,
    seed: int = 0,
    skill: float = 1.0,
    trained: int = 2,
    labels: np.ndarray[Any, Any] = LABELS,
    name: str | None = None,
    differences: Differences | None = MappingProxyType({}),
    origin: Origin | None = None,
    layout: str | None = None,
    ids: Sequence[str] | None = None,
) -> Path:
    """Write the record and the decisions of a run whose scores are noise, plus `skill` for the true class.

    The record says that its few videos are the standard ones, unless `differences` are given. Its decisions hold
    no ids, as older ones, unless `ids` are given.
    """
    # As in earnest, data of one name are the same data.
    fingerprint = fingerprint or _sha256(f"{dataset} {features} {simulated}".encode())
    rng = np.random.default_rng([seed, int(1000 * skill), len(method)])
    scores = rng.normal(size=(len(labels), 8))
    scores[np.arange(len(labels)), labels] += skill
    table = DecisionTable(labels, decide(scores, SEEN, UNSEEN), None if ids is None else "\n".join(ids))
    # The test curve stands in for a validation curve: where the bias comes from is not what is tested.
    truth = GroundTruth(labels, SEEN, UNSEEN)
    curve = curve_of(table.decisions, truth)
    metrics = metrics_of(table.decisions, truth, parse_calibration(calibration).choose(curve))
    names, is_seen = [f"class {i}" for i in range(8)], np.arange(8) < 5
    content = table.to_bytes()
    identity = (title, version, config, changed, calibration, simulated, text_order, fingerprint, trained)
    identity += () if precision == "full" else (precision,)
    identity += tuple(value for value in (code, numerics) if value is not None)
    stem = name or f"seed{seed}-{_digest(*identity)}"
    settings = {"epochs": 2, "learning_rate": 0.001, "calibration": calibration, "text_order": text_order}
    settings |= (config or {}) | (changed or {})
    spec = RunSpec(
        method=MethodIdentity(
            name=method,
            title=title,
            follows=follows,
            distribution="avgzsl-bench",
            version=version,
            config=settings,
            changed=changed or {},
            preset=preset,
            code=code,
            commit=commit,
            dirty=dirty,
        ),
        data=DataSpec(
            dataset=dataset,
            features=features,
            simulated=simulated,
            split=split,
            text_order=text_order,
            fingerprint=fingerprint,
            split_hash=split_hash,
        ),
        seed=seed,
        precision=precision,
        numerics=numerics,
    )
    record = Record.of(
        spec,
        parameters=parameters,
        counts={"stage2_test_seen": int((labels < 5).sum()), "stage2_test_unseen": int((labels >= 5).sum())},
        differences=differences,
        origin=origin,
        layout=layout,
        calibration=calibration,
        device="cpu",
        best_epoch=trained,
        metrics=metrics,
        classes=class_results(table, names, is_seen, metrics.bias),
        trace=[
            EpochTrace(
                epoch=epoch,
                learning_rate=0.001,
                losses={"loss": 1.0 / epoch},
                **dict.fromkeys(("seen", "unseen", "hm"), 0.1 * epoch),
                zsl=0.1,
                bias=metrics.bias,
            )
            for epoch in range(1, trained + 1)
        ],
        decisions=DecisionsFile(
            file=f"{stem}.npz", videos=len(labels), sha256=hashlib.sha256(content).hexdigest()
        ),
        environment={"python": "3"},
        timing={"selection_seconds": 0.1},
        peak_device_memory=None,
    )
    path = folder / dataset / features / split / method / f"{stem}.json"
    write_record(path, record, content)
    return path


def make_board(folder: Path, *runs: dict[str, Any], seeds: int = 1) -> Board:
    """Write the records of runs, by default of one, each with some seeds; read the one board that they make."""
    for facts in runs or ({},):
        for seed in range(seeds):
            make_record(folder, **{"seed": seed, **facts})
    (board,) = read_boards(folder)
    return board
