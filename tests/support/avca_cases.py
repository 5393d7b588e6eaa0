"""What the tests of AVCA share."""

from __future__ import annotations

from functools import partial
from typing import Any

from avca_family import fixture_of
from built_methods import build
from paired_cases import FIXTURE

from avgzsl_baselines.avca import AVCA
from avgzsl_bench.method.registry import method_spec

SPEC = method_spec("avca")


make = partial(build, AVCA)


def fixture_method(**settings: Any) -> AVCA:
    return fixture_of(AVCA, FIXTURE, **settings)
