from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch
from click.testing import Result

from avgzsl_bench.encoders.encoder import Encoder
from avgzsl_bench.encoders.registry import REGISTRY, encoder_class, missing_modules
from avgzsl_bench.plugins.specs import EncoderSpec

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
    """The example's encoders are registered, as if it was installed; where it is, they are already."""
    return example if "logmel" in REGISTRY.items() else register(example)


@pytest.fixture
def require(small: object) -> Callable[[str], EncoderSpec]:
    """Give the spec of an encoder of the example; skip the test where its packages are not installed."""

    def require(name: str) -> EncoderSpec:
        spec = REGISTRY.item(name)
        held = [spec.weights.package] if spec.weights and spec.weights.package else []
        missing = [*missing_modules(spec), *(package for package in held if find_spec(package) is None)]
        if missing:
            pytest.skip(f"{name} needs {', '.join(missing)}")
        return spec

    return require


@pytest.fixture(scope="session")
def built() -> dict[tuple[str, Path | None], Encoder]:
    return {}


@pytest.fixture
def build(require: Callable[[str], EncoderSpec], built: dict[tuple[str, Path | None], Encoder]) -> Build:
    """Build an encoder of the example, once for all tests."""

    def build(name: str, weights: Path | None = None) -> Encoder:
        spec = require(name)
        if (name, weights) not in built:
            built[name, weights] = encoder_class(spec)(weights, torch.device("cpu"))
        return built[name, weights]

    return build


@pytest.fixture
def small_avbench(
    require: Callable[[str], EncoderSpec],
    avbench: Callable[..., Result],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Result]:
    """Call a command where encoders of frames, sound and texts are at hand, with a data folder of the test."""
    for name in ("lite0_conse", "logmel", "minilm"):
        require(name)
    monkeypatch.setenv("AVBENCH_DATA", str(tmp_path / "data"))
    return avbench
