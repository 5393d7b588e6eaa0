"""The file beside a store that says how its features were extracted from videos."""

from __future__ import annotations

from avgzsl_bench.data.store.store import StoreHeader
from avgzsl_bench.system.folders import is_there

FILE_NAME = "extraction.json"


def is_extracted(store: StoreHeader) -> bool:
    """Whether the features of a store were extracted from videos here, by the file beside it.

    Raises:
        InaccessibleError: that cannot be known.
    """
    return is_there(store.path.with_name(FILE_NAME))
