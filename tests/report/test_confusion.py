"""The plot of a confusion matrix."""

from __future__ import annotations

import io
import xml.etree.ElementTree as ElementTree
from typing import TYPE_CHECKING

import matplotlib
import numpy as np
import pytest
from make_record import LABELS, make_record
from matplotlib.image import imread

from avgzsl_bench.errors import ConfigError
from avgzsl_bench.records.load import load_record
from avgzsl_bench.report.formats.plot_file import ENDINGS, plot_bytes
from avgzsl_bench.report.plots.confusion import confusion_plot
from avgzsl_bench.report.text import SIMULATED_WARNING

if TYPE_CHECKING:
    from pathlib import Path

    from avgzsl_bench.records.record import Record


@pytest.fixture
def record(tmp_path: Path) -> Record:
    return load_record(make_record(tmp_path, title=r"$\frac{1}{ <b>"))


def test_the_same_record_gives_the_same_bytes_whatever_the_users_settings(record: Record, tmp_path: Path) -> None:
    files = [tmp_path / f"plot.{ending}" for ending in ENDINGS]
    first = [plot_bytes(confusion_plot(record), file) for file in files]
    with matplotlib.rc_context({"font.size": 30, "savefig.dpi": 20, "axes.facecolor": "red"}):
        assert [plot_bytes(confusion_plot(record), file) for file in files] == first
    svg, pdf, png = first
    assert ElementTree.fromstring(svg).tag.endswith("svg")
    assert pdf.startswith(b"%PDF")
    assert imread(io.BytesIO(png))[0, 0].tolist() == [1, 1, 1, 1], "on white"
    for content in first:
        assert b"avbench predictions" in content
        assert b"Date" not in content.replace(b"dc:date", b"Date")


def test_rows_are_shares_and_bars_are_accuracies(record: Record) -> None:
    matrix, _, bars = confusion_plot(record).figure.axes
    shares = np.asarray(matrix.images[0].get_array())
    assert shares.sum(axis=1) == pytest.approx(100)
    assert shares == pytest.approx(100 * record.confusion_matrix().to_numpy() / 6)
    widths = [patch.get_width() for patch in bars.patches]
    assert widths == pytest.approx((100 * record.class_accuracies()["accuracy"]).tolist())
    assert widths == pytest.approx(np.diag(shares))
    names = [f"class {i}" for i in range(8)]
    for labels in (matrix.get_xticklabels(), matrix.get_yticklabels()):
        assert [label.get_text() for label in labels] == names
        colours = [label.get_color() for label in labels]
        assert len({*colours[:5]}) == len({*colours[5:]}) == 1
        assert colours[0] != colours[5]


def test_a_class_without_videos_leaves_its_row_empty(tmp_path: Path) -> None:
    record = load_record(make_record(tmp_path, labels=np.where(LABELS == 6, 7, LABELS)))
    plot = confusion_plot(record)
    shares = np.ma.getmaskarray(plot.figure.axes[0].images[0].get_array())
    assert shares.all(axis=1).tolist() == [False] * 6 + [True, False]
    assert plot_bytes(plot, tmp_path / "plot.png")


def test_simulated_figures_say_so(tmp_path: Path) -> None:
    for simulated in (True, False):
        record = load_record(make_record(tmp_path, features="own", simulated=simulated, seed=simulated))
        content = plot_bytes(confusion_plot(record), tmp_path / "plot.svg").decode()
        assert (SIMULATED_WARNING in content) == simulated


@pytest.mark.parametrize("name", ["plot.gif", "plot", "svg", ".png"])
def test_other_endings_are_refused(record: Record, tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=r"unknown kind of plot; end the name in one of \.svg, \.pdf, \.png"):
        plot_bytes(confusion_plot(record), tmp_path / name)


def test_the_ending_may_be_in_capitals(record: Record, tmp_path: Path) -> None:
    assert plot_bytes(confusion_plot(record), tmp_path / "PLOT.PDF").startswith(b"%PDF")
