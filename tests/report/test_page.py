from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

import pytest
from make_record import make_board, make_record

from avgzsl_bench.report.boards.board import read_boards
from avgzsl_bench.report.formats.page import page_of
from avgzsl_bench.report.tables.board import board_document
from avgzsl_bench.report.tables.document import Document
from avgzsl_bench.report.tables.table import Cell, Column, make_table
from avgzsl_bench.report.text import SIMULATED_WARNING

if TYPE_CHECKING:
    from pathlib import Path

_VOID = {"meta", "link", "input", "br"}


class Page(HTMLParser):
    """Tags with their attributes, and the text of each cell; fails on tags that do not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.words: list[str] = []
        self.feed(text)
        assert not self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in _VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.words.append(data)

    def of(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


def test_cells_carry_their_values_and_the_best_is_bold() -> None:
    table = make_table(
        [Column("a", "A<", "left"), Column("b", "B", lowest_first=True), Column("c", "C")],
        [
            {"a": "x&y", "b": Cell("1.5", 1.5, place=1), "c": "–"},
            {"a": "z", "b": Cell("–"), "c": Cell("2", place=2)},
        ],
        caption="Caption",
        notes=["<note>"],
    )
    text = page_of([Document(name="n", heading="H", page=[table], provenance=table)])
    for piece in (
        '<th scope="col">A&lt;</th>',
        '<th scope="col" class="number" data-first="lowest">B</th>',
        '<th scope="col">C</th>',
        '<th scope="row">x&amp;y</th>',
        '<td class="number" data-value="1.5"><strong>1.5</strong></td>',
        '<td class="number">–</td>',
        "<td>2</td>",
        "<li>&lt;note&gt;</li>",
    ):
        assert piece in text


@pytest.fixture
def page(tmp_path: Path) -> Page:
    other = {"method": "b", "title": "B", "follows": "paper", "skill": 2.0}
    make_board(tmp_path, {}, other, seeds=2)
    for seed in range(2):
        make_record(tmp_path, seed=seed, features="simulated", simulated=True)
    return Page(page_of([board_document(board) for board in read_boards(tmp_path)]))


def test_the_page_asks_for_nothing(page: Page) -> None:
    for tag, attributes in page.tags:
        for name in ("src", "href", "xlink:href", "srcset", "action", "data"):
            target = attributes.get(name)
            assert target is None or target.startswith(("#", "data:")), (tag, name, target)
    (policy,) = (m["content"] for m in page.of("meta") if m.get("http-equiv") == "Content-Security-Policy")
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_links_and_labels_lead_somewhere(page: Page) -> None:
    identities = [a["id"] for _, a in page.tags if "id" in a]
    assert len(identities) == len(set(identities))
    named = [
        *(a["href"][1:] for a in page.of("a") if a["href"]),
        *(a["for"] for a in page.of("label")),
        *(a["aria-labelledby"] for a in page.of("section")),
        *(a["data-filter"] for a in page.of("table") if "data-filter" in a),
        *(a["xlink:href"][1:] for a in page.of("use") if a["xlink:href"]),
        *(found for _, a in page.tags for found in re.findall(r"url\(#(.*?)\)", " ".join(map(str, a.values())))),
    ]
    assert named
    assert set(named) <= set(identities)


def test_tables_and_figures_have_names(page: Page) -> None:
    assert len(page.of("caption")) == len(page.of("table")) > 0
    assert all(a.get("scope") in ("row", "col") for a in page.of("th"))
    assert len(page.of("figure")) == len(page.of("figcaption")) == len(page.of("svg")) == 8
    assert all(a.get("role") == "img" and a.get("aria-label") for a in page.of("svg"))


def test_everything_is_there_without_javascript(page: Page) -> None:
    text = " ".join(page.words)
    for word in ("MFT (reconstruction)", "oracle", "not comparable: simulated features", "fingerprint"):
        assert word in text
    assert text.count(SIMULATED_WARNING) >= 1
    assert "SIMULATED: ucf, simulated, cls" in text


def test_measured_boards_carry_no_warning(tmp_path: Path) -> None:
    assert "SIMULATED" not in page_of([board_document(make_board(tmp_path))])


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "</title></style></svg><b>",
        "{{ 7 * 7 }}{% raw %}",
        r"$\frac{1}{",
        "' onmouseover='alert(1)",
        "&lt;b&gt;",
        "名前 ∑ \U0001f600",
    ],
)
def test_text_of_records_stays_text(tmp_path: Path, hostile: str) -> None:
    runs = {"follows": "paper"}, {"follows": "paper", "title": hostile, "changed": {"name": hostile}}
    boards = [make_board(tmp_path / name, facts) for name, facts in zip(("plain", "hostile"), runs, strict=True)]
    plain, page = (Page(page_of([board_document(board)])) for board in boards)
    kinds = {tag for tag, _ in page.tags}
    assert kinds <= {tag for tag, _ in plain.tags} | {"g", "defs", "use", "text", "path", "details", "dt", "dd"}
    assert not any(name.startswith("on") for _, a in page.tags for name in a)
    assert f"{hostile} (name={hostile})" in page.words
    assert len(page.of("script")) == 1
