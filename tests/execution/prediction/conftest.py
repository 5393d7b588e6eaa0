from __future__ import annotations

from collections.abc import Callable

import pytest
import toy_encoders
from toy_models import ToyModel, trained


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> ToyModel:
    """A closed-form method on one vector per video."""
    return trained(tmp_path_factory.mktemp("eszsl"))


@pytest.fixture
def toys(register: Callable[[object], object]) -> object:
    return register(toy_encoders)
