from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from avgzsl_bench.encoders.encoder import Encoder
from avgzsl_bench.encoders.registry import REGISTRY, encoder_class, missing_modules

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "small_encoders"
Build = Callable[..., Encoder]


@pytest.fixture(scope="session")
def example() -> Iterator[object]:
    """The plugin's module, found without being installed."""
    sys.path.insert(0, str(EXAMPLE))
    yield import_module("avbench_small_encoders")
    sys.path.remove(str(EXAMPLE))


@pytest.fixture
def small(example: object, register: Callable[[object], object]) -> object:
    """The example's encoders are registered, as if it was installed."""
    return register(example)


@pytest.fixture(scope="session")
def built() -> dict[str, Encoder]:
    return {}


@pytest.fixture
def build(small: object, built: dict[str, Encoder]) -> Build:
    """Build an encoder of the example once for all tests; skip the test where its packages are not installed."""

    def build(name: str, weights: Path | None = None) -> Encoder:
        spec = REGISTRY.item(name)
        packages = [spec.weights.package] if spec.weights and spec.weights.package else []
        missing = [*missing_modules(spec), *(package for package in packages if not installed(package))]
        if missing:
            pytest.skip(f"{name} needs {', '.join(missing)}")
        if name not in built:
            built[name] = encoder_class(spec)(weights, torch.device("cpu"))
        return built[name]

    return build


def installed(package: str) -> bool:
    return find_spec(package) is not None
