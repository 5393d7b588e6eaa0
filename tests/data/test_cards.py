from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from published_tree import UCF, write_tree

from avgzsl_bench.cli.data import data
from avgzsl_bench.data.cards.cards import Card, card_of, known_cards
from avgzsl_bench.data.cards.own import card_for, card_path, read_card
from avgzsl_bench.data.cards.text import card_facts
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, SIMULATED
from avgzsl_bench.data.simulated.simulated import AUDIO_WIDTH, TEXT_WIDTH, VISUAL_WIDTH, ensure_simulated
from avgzsl_bench.errors import DataError
from avgzsl_bench.report.boards.board import read_boards
from avgzsl_bench.report.formats.page import page_of
from avgzsl_bench.report.tables.board import board_document

ROOT = Path(__file__).resolve().parents[2]


pytestmark = pytest.mark.usefixtures("standard")


def test_every_known_feature_set_has_a_card_that_fits_it() -> None:
    assert [card.features for card in known_cards()] == [*(f.name for f in PUBLISHED), SIMULATED]
    for feature_set in PUBLISHED:
        card = card_of(feature_set.name)
        assert (card.audio.width, card.visual.width) == (feature_set.audio, feature_set.visual)
        assert {text.encoder: text.width for text in card.text} == dict(feature_set.text)
        assert card.layout
        assert card.published
        assert not card.simulated
    simulated = card_of(SIMULATED)
    widths = (simulated.audio.width, simulated.visual.width, simulated.text[0].width)
    assert widths == (AUDIO_WIDTH, VISUAL_WIDTH, TEXT_WIDTH)
    assert card_facts(simulated)[0][1].startswith("SIMULATED")


def test_the_page_is_what_the_cards_render_to(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    subprocess.run([sys.executable, ROOT / "docs" / "feature_sets_page.py", page], check=True)
    assert page.read_bytes() == (ROOT / "docs" / "feature-sets.md").read_bytes()
    headings = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("## ")]
    assert headings == [f"## `{card.features}`" for card in known_cards()]


def test_boards_lead_to_the_card_and_the_page_holds_it() -> None:
    boards = ROOT / "leaderboards" / "simulated"
    for board in boards.glob("*-simulated-cls.md"):
        assert "[simulated](feature-sets.md#simulated)" in board.read_text(encoding="utf-8")
    assert "## `simulated`" in (boards / "feature-sets.md").read_text(encoding="utf-8")
    page = page_of(
        [*map(board_document, read_boards(boards / "results" / "ucf" / "simulated" / "cls" / "chance"))]
    )
    assert "What is known of the feature set simulated" in page
    assert card_of(SIMULATED).overlap in page


def test_info_shows_the_card(tmp_path: Path) -> None:
    root = tmp_path / "data"
    write_tree(tmp_path / "in", "selavi")
    call("import", tmp_path / "in", "--data-root", root)
    shown = call("info", "ucf", "selavi", "--data-root", root).stdout
    assert "SeLaVi was pre-trained on VGGSound itself" in shown
    assert "https://github.com/ExplainableML/AVCA-GZSL" in shown
    (entry,) = json.loads(call("info", "ucf", "selavi", "--data-root", root, "--json").stdout)
    assert Card.model_validate(entry["card"]) == card_of("selavi")


def test_a_card_beside_the_store_comes_first_but_for_simulated_features(tmp_path: Path) -> None:
    ensure_simulated(tmp_path, UCF)
    own = card_of("selavi").model_dump(mode="json") | {"title": "made anew"}
    path = card_path(tmp_path, "ucf", "selavi")
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(own), encoding="utf-8")
    found = card_for(tmp_path, "ucf", "selavi")
    assert found is not None
    assert found.title == "made anew"
    card_path(tmp_path, "ucf", SIMULATED).write_text("no card", encoding="utf-8")
    assert card_for(tmp_path, "ucf", SIMULATED) == card_of(SIMULATED)
    assert card_for(tmp_path, "ucf", "other") is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"features": "other"}, "is the card of 'other', expected that of "),
        ({"licence": "MIT\x1b[31m"}, "licence: .*control characters"),
        ({"caveats": ["line\nbreak"]}, "caveats: .*control characters"),
        ({"published": ["javascript:alert(1)"]}, "published"),
        ({"simulated": True}, "only 'simulated' is simulated"),
        ({"text": []}, "text"),
        ({"pooling": "mean"}, "pooling: Extra inputs"),
        ({"title": "x" * 1001}, "title"),
        ({"obtain": "x" * 70_000}, "larger than"),
        (None, "not a valid card: content: "),
    ],
)
def test_malformed_cards_are_told_in_one_line(
    tmp_path: Path, change: dict[str, object] | None, message: str
) -> None:
    path = tmp_path / "card.json"
    content = None if change is None else card_of("selavi").model_dump(mode="json") | change
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        read_card(path, "selavi")
    assert "\n" not in str(caught.value)


def call(*arguments: object):
    return CliRunner().invoke(data, [str(a) for a in arguments], catch_exceptions=False)
