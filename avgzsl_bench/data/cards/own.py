"""Cards of users' own features: a JSON file beside the store."""

from __future__ import annotations

from pathlib import Path

from avgzsl_bench.data.cards.cards import Card, card_of, has_card
from avgzsl_bench.data.datasets.feature_sets import SIMULATED
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.untrusted.json_file import read_json_model
from avgzsl_bench.errors import DataError
from avgzsl_bench.system.folders import is_there

_LARGEST = 1 << 16


def card_path(root: Path, dataset: str, feature_set: str) -> Path:
    """Give the path of the card of a user's own features.

    Raises:
        DataError: a name that could lead out of the data folder.
    """
    return store_path(root, dataset, feature_set).with_name("card.json")


def card_for(root: Path, dataset: str, feature_set: str, *, added: bool = False) -> Card | None:
    """Read the card beside a store if there is one; else give ours, or None. Simulated features have only ours.

    Args:
        root, dataset, feature_set: place of the store.
        added: its vectors were added by hand: whatever they are called, no card of ours describes them.

    Raises:
        DataError: the card beside the store cannot be read.
    """
    path = card_path(root, dataset, feature_set)
    if feature_set != SIMULATED and is_there(path):
        return read_card(path, feature_set)
    return card_of(feature_set) if has_card(feature_set) and not added else None


def read_card(path: Path, feature_set: str) -> Card:
    """Read a card from a file.

    Raises:
        DataError: unreadable, malformed, or of other features.
    """
    card = read_json_model(path, Card, _LARGEST, "card")
    if card.features != feature_set:
        raise DataError(f"{path}: is the card of {card.features!r}, expected that of {feature_set!r}")
    return card


def card_text(card: Card) -> bytes:
    """Write a card as the content of its file."""
    return f"{card.model_dump_json(indent=1)}\n".encode()
