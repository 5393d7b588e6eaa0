"""Downloading the weights of an encoder from the hub, which happens only when the user asks for it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

from avgzsl_bench.encoders.weights.files import weight_files
from avgzsl_bench.encoders.weights.places import how_to_get
from avgzsl_bench.errors import ConfigError, DataError, PluginError, one_line
from avgzsl_bench.plugins.specs import EncoderSpec, WeightsSource
from avgzsl_bench.system.files import os_reason


def fetch_weights(spec: EncoderSpec) -> Path:
    """Download the pinned revision of an encoder's weights into the hub's cache, and give its folder.

    What is there already is not downloaded again. Of weights in several formats only safetensors are, if there
    are any.

    Raises:
        ConfigError: the encoder has no weights, or they are not on the hub; the message says how to get them.
        DataError: offline, no such revision, no space, or whatever else kept them from being downloaded.
        PluginError: huggingface_hub is not installed.
    """
    source = spec.weights
    if source is None:
        raise ConfigError(f"encoder {spec.name!r} has no weights: there is nothing to fetch")
    if not source.repository:
        raise ConfigError(f"weights of {spec.name!r} cannot be fetched: {how_to_get(spec.name, source)}")
    try:
        from huggingface_hub import constants
    except ImportError as error:
        raise PluginError("huggingface_hub is not installed here: pip install 'avgzsl-bench[extract]'") from error
    what = f"weights of {spec.name!r} cannot be fetched"
    if constants.HF_HUB_OFFLINE:
        raise DataError(f"{what}: HF_HUB_OFFLINE forbids it; unset it, or give --weights {spec.name}=DIR")
    try:
        with _quiet_hub():
            folder = _download(source)
    except Exception as error:  # of the hub's library, its HTTP library, or the system
        raise DataError(f"{what} from {source.repository}: {_reason(error)}") from error
    if not weight_files(folder, source):
        raise DataError(f"{what}: {source.repository} has no file of weights at revision {source.revision}")
    return folder


def _download(source: WeightsSource) -> Path:
    from huggingface_hub import snapshot_download

    def snapshot(ignored: list[str]) -> Path:
        return Path(
            snapshot_download(
                source.repository,
                revision=source.revision,
                allow_patterns=list(source.files),
                ignore_patterns=ignored,
            )
        )

    folder = snapshot(["*.bin"])
    return folder if weight_files(folder, source) else snapshot([])


@contextmanager
def _quiet_hub() -> Iterator[None]:
    """Keep the hub's warnings off the terminal, and its progress bars out of files, and set both back."""
    utils: Any = import_module("huggingface_hub.utils")
    verbosity, hidden = utils.logging.get_verbosity(), utils.are_progress_bars_disabled()
    utils.logging.set_verbosity_error()
    if not sys.stderr.isatty():
        utils.disable_progress_bars()
    try:
        yield
    finally:
        utils.logging.set_verbosity(verbosity)
        (utils.disable_progress_bars if hidden else utils.enable_progress_bars)()


def _reason(error: Exception) -> str:
    """Give the innermost reason on one line: the hub's library wraps what its HTTP library raised."""
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    if isinstance(cause, OSError) and cause.errno:
        return os_reason(cause)
    return f"{type(cause).__name__}: {one_line(str(cause), 200)}"
