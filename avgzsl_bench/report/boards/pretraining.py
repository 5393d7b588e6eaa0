"""Rows that compare features with class texts as pre-trained encoders gave them, and what these may have met."""

from __future__ import annotations

from typing import TYPE_CHECKING

from avgzsl_bench.data.cards.cards import card_of, has_card
from avgzsl_bench.method.registry import list_methods

if TYPE_CHECKING:
    from avgzsl_bench.report.boards.board import Board

_NOT_KNOWN = "not known; 'avbench encoders' says what is known of each encoder"


def rows_by_pretraining(board: Board) -> list[str]:
    """List the labels of the rows whose methods need features and texts in one space, each once.

    It stands in the specs of methods: rows of methods that are not installed are left out.
    """
    joint = {spec.name for spec in list_methods() if spec.needs.joint}
    return list(dict.fromkeys(row.label for row in board.rows if row.result.method.name in joint))


def known_overlap(board: Board) -> str:
    """Say what is known of classes that pre-training and test of a board's features share."""
    features = board.key.data.features
    known = has_card(features) and not board.facts.added
    return card_of(features).overlap if known else _NOT_KNOWN
