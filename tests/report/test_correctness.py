from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from make_record import LABELS, make_record

from avgzsl_bench.errors import RecordError
from avgzsl_bench.records.collect import collect
from avgzsl_bench.report.stats.correctness import RESAMPLED_FIGURES, correctness_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("labels", [LABELS, LABELS[LABELS != 6], np.tile(np.arange(8), 7)])
def test_figures_and_class_accuracies_are_those_of_the_records(tmp_path: Path, labels: np.ndarray) -> None:
    for seed in range(4):
        make_record(tmp_path, seed=seed, labels=labels)
    (table,) = collect(tmp_path)
    correctness = correctness_of(table.stored)
    figures = correctness.figures()
    for figure in RESAMPLED_FIGURES:
        assert figures[figure].tolist() == [getattr(s.record.metrics, figure) for s in table.stored]
    expected = [[np.nan if c.accuracy is None else c.accuracy for c in s.record.classes] for s in table.stored]
    np.testing.assert_array_equal(correctness.class_accuracy(), expected)


def test_it_covers_all_runs_on_all_videos(tmp_path: Path) -> None:
    for seed in (7, 2):
        make_record(tmp_path, seed=seed)
    (table,) = collect(tmp_path)
    correctness = correctness_of(table.stored)
    assert correctness.correct.shape == correctness.zsl_correct.shape == (2, len(LABELS))
    assert correctness.seeds == tuple(s.record.seed for s in table.stored)
    assert not correctness.zsl_correct[:, LABELS < 5].any()
    assert correctness.zsl_correct[:, LABELS >= 5].any()


def test_videos_in_another_order_are_refused(tmp_path: Path) -> None:
    make_record(tmp_path, seed=0)
    other = make_record(tmp_path, seed=1, labels=LABELS[::-1].copy())
    with pytest.raises(RecordError, match="test videos stand in another order") as caught:
        collect(tmp_path)
    assert str(other) in str(caught.value)
