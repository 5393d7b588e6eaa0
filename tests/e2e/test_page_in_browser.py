"""The page in a real browser: it sorts, filters, adapts, complains of nothing and asks for nothing."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from make_record import make_record

from avgzsl_bench.report.boards.board import read_boards
from avgzsl_bench.report.folder import write_boards

sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine")
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SKILLS = {"Alpha": 1.0, "Beta": 3.0, "Gamma": 0.0, "A title long enough to be wrapped on every telephone": 2.0}


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder: Path = tmp_path_factory.mktemp("page")
    for seed in range(2):
        for number, (title, skill) in enumerate(SKILLS.items()):
            name = f"m{number}"
            make_record(folder / "results", seed=seed, method=name, title=title, follows="paper", skill=skill)
        make_record(folder / "results", seed=seed, method="c", title="Chance", follows="reference", skill=0.0)
    (written,) = write_boards(read_boards(folder / "results"), folder / "out", ("html",))
    return written


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_api.sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield found
        found.close()


@pytest.fixture
def page(browser: Browser, file: Path) -> Iterator[Page]:
    """The page, opened; at the end it must have complained of nothing and asked for itself alone."""
    page = browser.new_page()
    faults: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: faults.append(message.text))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("request", lambda request: requests.append(request.url))
    page.goto(file.as_uri())
    yield page
    page.close()
    assert faults == []
    assert [url for url in requests if not url.startswith("data:")] == [file.as_uri()]


def methods(page: Page) -> list[str]:
    return [row.inner_text() for row in page.locator("table").first.locator("tbody th").all() if row.is_visible()]


def heading(page: Page, name: str) -> tuple[str | None, list[str]]:
    """Sort by a column of the first table: its `aria-sort` and the order of the methods."""
    table = page.locator("table").first
    table.get_by_role("button", name=name, exact=True).click()
    return table.locator("thead th", has_text=name).first.get_attribute("aria-sort"), methods(page)


def test_sorting(page: Page) -> None:
    shown = methods(page)
    assert heading(page, "Method") == ("ascending", sorted(shown))
    assert heading(page, "Method") == ("descending", sorted(shown, reverse=True))
    assert heading(page, "HM") == ("descending", shown)
    assert heading(page, "HM") == ("ascending", shown[::-1])
    assert page.locator("table").first.locator("thead [aria-sort]:not([aria-sort=none])").count() == 1


def test_rows_without_a_number_stay_last(page: Page) -> None:
    assert heading(page, "Rank")[1][-1] == heading(page, "Rank")[1][-1] == "Chance (reference)"


def test_sorting_with_the_keyboard(page: Page) -> None:
    shown = methods(page)
    page.locator("table").first.get_by_role("button", name="Method", exact=True).focus()
    page.keyboard.press("Enter")
    assert methods(page) == sorted(shown)


def test_filtering(page: Page) -> None:
    field = page.get_by_label("Show rows with")
    field.fill("ALPHA")
    assert methods(page) == ["Alpha"]
    assert page.get_by_role("status").inner_text() == "1 of 5 rows"
    field.fill("nothing of the kind")
    assert methods(page) == []
    field.fill("")
    assert len(methods(page)) == 5


@pytest.mark.parametrize("width", [390, 1280])
def test_no_width_scrolls_sideways(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.evaluate("document.querySelectorAll('details').forEach((part) => { part.open = true; })")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_light_and_dark(page: Page) -> None:
    found = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        colours = "(s => [s.backgroundColor, s.color])(getComputedStyle(document.body))"
        figure = "getComputedStyle(document.querySelector('svg text')).fill"
        paper, ink = page.evaluate(colours)
        assert page.evaluate(figure) == ink
        found.append((paper, ink))
    assert found[0] != found[1]


def test_readable_without_javascript(browser: Browser, file: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    assert len(methods(page)) == 5
    assert not page.get_by_label("Show rows with").is_visible()
    context.close()
