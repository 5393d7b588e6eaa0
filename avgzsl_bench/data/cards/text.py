"""Cards as text: lines for the console, and Markdown for pages."""

from __future__ import annotations

import re
from collections.abc import Iterable

from avgzsl_bench.data.cards.cards import Card, ModalityCard

_INTRODUCTION = """\
# Feature sets

Facts about each feature set: the networks that made it, their training data, and where its authors publish it.
"Not known" stands where we could not find out. `avbench data info DATASET` shows the cards of the installed
feature sets; `avbench data add --card FILE` adds one to features of your own, which need a name that is not below.
"""


def card_facts(card: Card) -> list[tuple[str, str]]:
    """Give a card as pairs of term and text."""
    return [
        ("what", f"SIMULATED: {card.title}" if card.simulated else card.title),
        ("audio", _modality(card.audio)),
        ("visual", _modality(card.visual)),
        *((f"text {text.encoder}", f"{text.model}, width {text.width}; {text.made}") for text in card.text),
        ("overlap", card.overlap),
        ("licence", card.licence),
        ("published", ", ".join(card.published) or "nowhere"),
        ("obtain", card.obtain),
        *(("cite", reference) for reference in card.cite),
        *(("caveat", caveat) for caveat in card.caveats),
    ]


def _modality(card: ModalityCard) -> str:
    return (
        f"{card.backbone}, width {card.width}; pre-training: {card.pretraining}; rate: {card.rate}; "
        f"pooling: {card.pooling}; values: {card.values}"
    )


def card_markdown(card: Card, level: int = 2) -> str:
    """Render a card as a section whose anchor is the name of the feature set."""
    lines = [f"{'#' * level} `{card.features}`", ""]
    lines += [f"- **{term}**: {_escaped(text)}" for term, text in card_facts(card)]
    return "\n".join(lines) + "\n"


def feature_sets_page(cards: Iterable[Card]) -> str:
    """Render a page of cards with one anchor per feature set."""
    return "\n".join([_INTRODUCTION, *(card_markdown(card) for card in cards)])


def _escaped(text: str) -> str:
    return re.sub(r"([\\`*\[\]<>|])", r"\\\1", text)
