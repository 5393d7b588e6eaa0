"""The file beside a store whose features were extracted from videos here: how that was done."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict

from avgzsl_bench.data.store.origin import EXTRACTED
from avgzsl_bench.data.store.store import StoreHeader
from avgzsl_bench.data.untrusted.json_file import Name, Sha256, read_json_model

FILE_NAME = "extraction.json"

_LARGEST = 1 << 22


class ExtractionFacts(BaseModel):
    """What the harness reads of the file.

    Attributes:
        recipe: every choice that changed a number.
        recipe_sha256: its hash.
        fingerprint: of the store that it lies beside.
        like: the published set whose default settings methods use on this one; None: no set's.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)

    recipe: dict[str, Any]
    recipe_sha256: Sha256
    fingerprint: Sha256
    like: Name | None

    @property
    def computed_sha256(self) -> str:
        """Hash of the recipe as it stands in the file."""
        return recipe_sha256(self.recipe)


def is_extracted(store: StoreHeader) -> bool:
    """Whether the features of a store were extracted from videos here."""
    return store.origin == EXTRACTED


def extraction_facts(store: StoreHeader) -> ExtractionFacts | None:
    """Read how the features of a store were extracted; None if they were not.

    Raises:
        DataError: the file is missing, damaged or of another form.
    """
    if not is_extracted(store):
        return None
    return read_json_model(store.path.with_name(FILE_NAME), ExtractionFacts, _LARGEST, "file of an extraction")


def recipe_sha256(recipe: Mapping[str, Any]) -> str:
    """Hash a recipe as JSON with sorted keys, without blanks, in ASCII."""
    return hashlib.sha256(json.dumps(recipe, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
