"""The registry of formats, Markdown and CSV."""

from __future__ import annotations

import io
import math
import re
import subprocess
import sys

import pandas as pd
import pytest

from avgzsl_bench.report.formats import FORMATS, formats_help
from avgzsl_bench.report.formats.csv_table import csv_of
from avgzsl_bench.report.formats.markdown import escape, markdown_of, summary_of
from avgzsl_bench.report.tables.document import Document, Link
from avgzsl_bench.report.tables.table import Cell, Column, make_table, value_table

COLUMNS = (Column("name", "Method", "left"), Column("hm", "HM"))
MAIN = make_table(
    COLUMNS,
    [
        {"name": "a|b", "hm": Cell("1.00 ± 0.10", 0.01, ("1.00", "± 0.10"), place=1)},
        {"name": "–", "hm": Cell("0.50", 0.005, place=2, tied=True)},
    ],
    notes=["± is *one* thing."],
)
SECOND = make_table(COLUMNS, [{"name": "x", "hm": "12,345"}], title="Runs of a_b")
DOCUMENT = Document(
    name="name",
    heading="Head [ing]",
    text=[MAIN, SECOND],
    warning="Beware.",
    introduction="First of all.",
    notes=["Last | of all."],
    link=Link("Feature set", "clip_clap", "cards.md#clip_clap"),
)


def test_a_document_is_written_in_order() -> None:
    assert markdown_of(DOCUMENT) == (
        "# Head \\[ing\\]\n\n**Beware.**\n\nFirst of all.\n\n"
        "| Method   |              HM |\n"
        "|:---------|----------------:|\n"
        "| a\\|b     | **1.00 ± 0.10** |\n"
        "| –        |            0.50 |\n\n"
        "- ± is \\*one\\* thing.\n"
        "- Feature set: [clip_clap](cards.md#clip_clap).\n\n"
        "## Runs of a_b\n\n"
        "| Method   |     HM |\n"
        "|:---------|-------:|\n"
        "| x        | 12,345 |\n\n"
        "## Notes\n\n- Last \\| of all.\n"
    )


def test_a_summary_has_the_main_table_only() -> None:
    whole, text = markdown_of(DOCUMENT), summary_of(DOCUMENT, level=2)
    assert text == f"#{whole[: whole.index('## Runs')]}".rstrip() + "\n"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a|b", r"a\|b"),
        ("two\nlines\r\x1b[31m", r"two lines \[31m"),
        ("`code` $x$ ~y~", r"\`code\` \$x\$ \~y\~"),
        ("<script>&</script>", "&lt;script&gt;&amp;&lt;/script&gt;"),
        ("**loud**", r"\*\*loud\*\*"),
        ("[click](javascript:x)", r"\[click\](javascript:x)"),
        ("a_b _c_ \\", r"a_b \_c\_ \\"),
        ("# no heading", r"\# no heading"),
        ("- no item", r"\- no item"),
        ("1. no item", r"1\. no item"),
        ("-1 and #2", "-1 and #2"),
    ],
)
def test_escape(text: str, shown: str) -> None:
    assert escape(text) == shown


def test_values_are_written_unrounded_and_missing_ones_empty() -> None:
    table = value_table(
        [
            {"f": 1 / 3, "i": 7, "b": True, "s": 'a "b", c\nd', "none": None, "nan": math.nan},
            {"f": 1e-20, "i": None, "b": False, "s": "", "none": "ä", "nan": 1.0},
        ]
    )
    text = csv_of(table)
    assert text == ('f,i,b,s,none,nan\n0.3333333333333333,7,True,"a ""b"", c\nd",,\n1e-20,,False,,ä,1.0\n')
    frame = pd.read_csv(io.StringIO(text))
    assert frame["f"].tolist() == [1 / 3, 1e-20]
    assert frame["s"][0] == 'a "b", c\nd'


def test_help_names_every_format_once() -> None:
    text = formats_help()
    assert re.sub(r" \(.*?\)", "", text).split(", ") == list(FORMATS)
    assert "csv, tex (a file a table each), html (one page, index.html)" in text


def test_libraries_are_loaded_only_where_they_are_needed() -> None:
    code = (
        "import sys\nfrom avgzsl_bench.report.formats import formats_help\nformats_help()\n"
        "assert not {'numpy', 'matplotlib', 'jinja2', 'tabulate', 'pandas'} & set(sys.modules)\n"
        "from avgzsl_bench.report import folder\nfolder.load_format('md')\n"
        "assert not {'matplotlib', 'jinja2'} & set(sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
