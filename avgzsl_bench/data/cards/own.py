"""Cards that users bring with features of their own: a JSON file beside the store."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from avgzsl_bench.data.cards.cards import Card, card_of, has_card
from avgzsl_bench.data.datasets.feature_sets import SIMULATED
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.errors import DataError, first_fault
from avgzsl_bench.system.files import os_reason, write_atomically

FILE_NAME = "card.json"

_LARGEST = 1 << 16


def card_path(root: Path, dataset: str, features: str) -> Path:
    """Where the card of a user's own features belongs.

    Raises:
        DataError: a name that could lead out of the data folder.
    """
    return store_path(root, dataset, features).with_name(FILE_NAME)


def card_for(root: Path, dataset: str, features: str) -> Card | None:
    """The card beside a store if there is one, else ours, else None. Simulated features have ours alone.

    Raises:
        DataError: the card beside the store cannot be read.
    """
    path = card_path(root, dataset, features)
    if features != SIMULATED and path.is_file():
        return read_card(path, features)
    return card_of(features) if has_card(features) else None


def read_card(path: Path, features: str) -> Card:
    """A card from a file.

    Raises:
        DataError: unreadable, no card, or of other features.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise DataError(f"{path}: refused: larger than {_LARGEST >> 10} KiB, no card")
        card = Card.model_validate_json(path.read_bytes())
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {os_reason(error)}") from error
    except ValidationError as error:
        raise DataError(f"{path}: no card of a feature set: {first_fault(error)}") from error
    if card.features != features:
        raise DataError(f"{path}: a card of {card.features!r}, not of {features!r}")
    return card


def write_card(path: Path, card: Card) -> None:
    """Write a card whole or not at all.

    Raises:
        AvbenchError: the file cannot be written.
    """
    content = json.dumps(card.model_dump(mode="json"), indent=1, ensure_ascii=False)
    write_atomically(path, f"{content}\n".encode())
