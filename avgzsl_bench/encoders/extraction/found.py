"""What there is to extract, without decoding anything, and what is needed for that."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec

from avgzsl_bench.encoders.clips.clip import ClipList
from avgzsl_bench.encoders.clips.find import find_clips
from avgzsl_bench.encoders.extraction.options import ExtractOptions
from avgzsl_bench.errors import PluginError

_LIBRARIES = ("av", "PIL", "pebble")
"""What every extraction needs; what an encoder needs beside them is in its spec."""


def require_libraries() -> None:
    """Refuse to begin without the libraries that decode.

    Raises:
        PluginError: one is not installed.
    """
    missing = [name for name in _LIBRARIES if find_spec(name) is None]
    if missing:
        raise PluginError(f"{', '.join(missing)} not installed here: pip install 'avgzsl-bench[extract]'")


def found_clips(options: ExtractOptions) -> ClipList:
    """Find out which file is which video; with a limit, only of the first ones.

    Raises:
        AvbenchError: as `find_clips`.
    """
    found = find_clips(
        options.dataset,
        options.folder,
        root=options.root,
        table=options.table,
        classes=options.classes,
        splits=options.splits,
        annotations=options.annotations,
    )
    return found if options.limit is None else replace(found, clips=found.clips[: options.limit])
