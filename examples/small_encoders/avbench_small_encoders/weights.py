"""Weights from a folder: the file is found, read, and has to hold exactly the network's tensors."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from torch import Tensor, nn

import avgzsl_bench as ab


def package_folder(package: str) -> Path:
    """Find the folder of an installed package without importing it.

    Raises:
        DataError: it is not installed.
    """
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ab.DataError(f"the package {package}, which holds weights, is not installed")
    return Path(spec.origin).parent


def only_file(folder: Path, pattern: str, network: str) -> Path:
    """Find the one file of a folder that has the weights.

    Raises:
        DataError: there is none, or more than one.
    """
    found = sorted(folder.glob(pattern))
    if len(found) != 1:
        raise ab.DataError(f"{folder}: has {len(found)} files {pattern}; {network} needs exactly one")
    return found[0]


def unreadable(path: Path, network: str, error: Exception) -> ab.DataError:
    """Make the error for weights that cannot be read: cut short, damaged, or of another kind."""
    reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    return ab.DataError(f"{path}: cannot be read as the weights of {network}: {reason}")


def fill(network: nn.Module, tensors: Mapping[str, object], path: Path, name: str) -> None:
    """Put tensors into a network that was built without values, and make it ready for use.

    Args:
        network: on the device `meta`, so that nothing was drawn at random for it.
        tensors: by name, as they were read from `path`.
        name: of the network, for errors.

    Raises:
        DataError: a tensor is missing, unknown or of another shape or type.
    """
    expected = {key: _form(tensor) for key, tensor in network.state_dict().items()}
    given = {str(key): _form(value) for key, value in tensors.items()}
    wrong = sorted(key for key in expected.keys() | given.keys() if expected.get(key) != given.get(key))
    if wrong:
        raise ab.DataError(
            f"{path}: not the weights of {name}: {len(wrong)} tensors are missing, unknown or of another "
            f"shape or type, such as {wrong[0][:80]!r}"
        )
    network.load_state_dict(tensors, assign=True)
    network.requires_grad_(False).eval()


def _form(value: object) -> object:
    return (value.shape, value.dtype) if isinstance(value, Tensor) else type(value)
