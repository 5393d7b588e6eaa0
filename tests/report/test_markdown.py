from __future__ import annotations

import pytest

from avgzsl_bench.report.formats.markdown import escape, markdown_of, summary_of
from avgzsl_bench.report.tables.document import Document, Link
from avgzsl_bench.report.tables.table import Cell, Column, make_table

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
