"""Classes of transformers, imported late, and silence while they work."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import Any

from avgzsl_bench.errors import PluginError, one_line


def transformers_class(name: str) -> Any:
    """Import a class of transformers.

    Raises:
        PluginError: it cannot be imported; a torchvision that does not fit torch is named.
    """
    try:
        return getattr(import_module("transformers"), name)
    except Exception as error:  # an import runs code of other packages
        reason = torchvision_fault() or f"transformers.{name} cannot be imported: {one_line(str(error), 200)}"
        raise PluginError(reason) from error


def torchvision_fault() -> str | None:
    """Explain that the installed torchvision keeps transformers from working; None if none is, or it imports."""
    if find_spec("torchvision") is None:
        return None
    try:
        import_module("torchvision")
    except Exception:  # an import error, or what torch raises about operators that it does not know
        return (
            f"torchvision {_version('torchvision')} does not fit torch {_version('torch')}, and transformers "
            "cannot be used beside it: pip uninstall torchvision, or install the one that fits"
        )
    return None


@contextmanager
def quiet_transformers() -> Iterator[None]:
    """Keep reports and progress bars of transformers off the terminal in the block, and set both back."""
    hub: Any = import_module("huggingface_hub.utils")
    logging: Any = import_module("transformers.utils.logging")
    verbosity, bars, hub_bars = (
        logging.get_verbosity(),
        logging.is_progress_bar_enabled(),
        not hub.are_progress_bars_disabled(),
    )
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
        (hub.enable_progress_bars if hub_bars else hub.disable_progress_bars)()


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "(of unknown version)"
