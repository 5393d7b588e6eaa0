"""A method declares its configuration once, as a type parameter; `Config` is found from it."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Generic, TypeVar

import pytest
from typing_extensions import TypeVar as TypeVarWithDefault

import avgzsl_bench as ab

ROOT = Path(__file__).resolve().parents[2]


class Wide(ab.TorchConfig):
    width: int = ab.Field(8, description="a width")


class Wider(Wide):
    more: int = ab.Field(1, description="more width")


class Plain(ab.MethodConfig):
    strength: float = ab.Field(1.0, description="a strength")


class Parametrised(ab.TorchMethod[Wide]):
    pass


class Inheriting(Parametrised):
    pass


class OfTheBase(ab.Method[Plain]):
    pass


class BareTorch(ab.TorchMethod):
    pass


class Bare(ab.Method):
    pass


AnyWide = TypeVarWithDefault("AnyWide", bound=Wide, default=Wide, covariant=True)
Bounded = TypeVar("Bounded", bound=Wider)
Extra = TypeVar("Extra")


class OverNumbers(ab.Method[Plain], Generic[Extra]):
    pass


class OfNumbers(OverNumbers[int]):
    pass


class Open(ab.TorchMethod[AnyWide]):
    pass


class Closed(Open[Wider]):
    pass


class OpenByItsBound(ab.TorchMethod[Bounded]):
    pass


class MoreParameters(ab.TorchMethod[Bounded], Generic[Extra, Bounded]):
    pass


class MoreArguments(MoreParameters[int, Wider]):
    pass


class AsBefore(ab.TorchMethod):
    Config = Wide
    config: Wide


class AsBeforeOnAParametrised(Parametrised):
    Config = Wider
    config: Wider


@pytest.mark.parametrize(
    ("method", "config"),
    [
        (Parametrised, Wide),
        (Inheriting, Wide),
        (OfTheBase, Plain),
        (OfNumbers, Plain),
        (BareTorch, ab.TorchConfig),
        (Bare, ab.MethodConfig),
        (Open, Wide),
        (Closed, Wider),
        (OpenByItsBound, Wider),
        (MoreParameters, Wider),
        (MoreArguments, Wider),
        (AsBefore, Wide),
        (AsBeforeOnAParametrised, Wider),
    ],
)
def test_config_is_the_type_parameter_that_is_nearest(method, config):
    assert method.Config is config


@pytest.mark.parametrize("parameter", [int, "Wide", TypeVar("Free")])
def test_a_parameter_that_is_no_configuration_is_refused_when_the_class_is_made(parameter):
    with pytest.raises(TypeError, match=r"Odd: TorchMethod\[...\] takes a subclass of MethodConfig, not"):

        class Odd(ab.TorchMethod[parameter]):
            pass


TYPED = """
from collections.abc import Mapping

from torch import Tensor

import avgzsl_bench as ab

class Wide(ab.TorchConfig):
    width: int = 8

class Chance(ab.Method):
    def train_epoch(self, train: ab.Samples) -> dict[str, float]:
        return {}

    def score(self, videos: ab.Videos, classes: ab.Classes) -> Tensor:
        return videos.audio

    def state_dict(self) -> dict[str, Tensor]:
        return {}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        pass

class Parametrised(ab.TorchMethod[Wide]):
    @classmethod
    def check(cls, config: Wide, shape: ab.FeatureDims) -> None:
        reveal_type(config.width)

    def width(self) -> int:
        reveal_type(self.config)
        return self.config.width

class AsBefore(ab.TorchMethod):
    Config = Wide
    config: Wide

    def width(self) -> int:
        return self.config.width

def any_method(method: ab.Method) -> ab.MethodConfig:
    return method.Config.model_validate({"epochs": 2})

def all_methods(a: Chance, b: Parametrised, c: AsBefore, d: ab.TorchMethod) -> list[ab.MethodConfig]:
    return [any_method(method) for method in (a, b, c, d)]

reveal_type(Chance.Config)
"""


def mypy(*paths: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """Check files as a plugin author does, with the packages on the path."""
    sources = os.pathsep.join(str(ROOT / folder) for folder in (".", "baselines", "methods/mft"))
    command = [sys.executable, "-m", "mypy", "--strict", f"--cache-dir={cache}", "--follow-imports=silent"]
    environment = {**os.environ, "MYPYPATH": sources}
    return subprocess.run(
        [*command, *map(str, paths)], cwd=paths[0].parent, env=environment, capture_output=True, text=True
    )


@pytest.mark.skipif(find_spec("mypy") is None, reason="needs mypy, which is in the dev extra")
def test_mypy_infers_the_configuration_and_passes_the_example_plugin(tmp_path):
    typed = tmp_path / "typed.py"
    typed.write_text(TYPED)
    example = ROOT / "examples" / "third_party_method" / "avbench_prototypes.py"
    checked = mypy(typed, example, cache=tmp_path / "cache")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    revealed = [line.rpartition("note: ")[2] for line in checked.stdout.splitlines() if "Revealed" in line]
    assert revealed == [
        'Revealed type is "int"',
        'Revealed type is "typed.Wide"',
        'Revealed type is "type[avgzsl_bench.method.base.MethodConfig]"',
    ]
    wrong = tmp_path / "wrong.py"
    wrong.write_text(TYPED.replace("return self.config.width", "return self.config.depth", 1))
    assert '"Wide" has no attribute "depth"' in mypy(wrong, cache=tmp_path / "cache").stdout
