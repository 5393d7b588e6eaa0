"""What the tests of AVCA share."""

from __future__ import annotations

from typing import Any

from avca_family import fixture_of
from joint_space import build
from paired_cases import FIXTURE
from torch import Tensor

from avgzsl_baselines.avca import AVCA
from avgzsl_bench import FeatureDims
from avgzsl_bench.method.registry import method_spec

SPEC = method_spec("avca")


def make(shape: FeatureDims, vectors: Tensor | None = None, **settings: Any) -> AVCA:
    return build(AVCA, shape, vectors, **settings)


def fixture_method(**settings: Any) -> AVCA:
    return fixture_of(AVCA, FIXTURE, **settings)
