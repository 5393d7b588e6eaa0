"""Vectors of classes: means over templates, in an encoder's space."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import pytest
import torch

from avgzsl_bench.encoders.encoder import Encoder
from avgzsl_bench.encoders.texts import class_texts as module
from avgzsl_bench.encoders.texts.class_texts import class_texts
from avgzsl_bench.errors import PluginError


class Hashed(Encoder):
    """A vector of any length for each text, drawn with the text as the seed."""

    def __init__(self) -> None:
        super().__init__(None, torch.device("cpu"))
        self.calls: list[int] = []

    def encode_text(self, text: Sequence[str]) -> np.ndarray:
        self.calls.append(len(text))
        rows = [np.random.default_rng(zlib.crc32(t.encode())).normal(0, 1 + len(t), 16) for t in text]
        return np.array(rows, np.float32)


class Given(Encoder):
    """The same array for any texts."""

    def __init__(self, array: np.ndarray) -> None:
        super().__init__(None, torch.device("cpu"))
        self.array = array

    def encode_text(self, text: Sequence[str]) -> np.ndarray:
        return self.array


NAMES = ["surfing", "rowing a boat", "{0.__class__}"]
TEMPLATES = ["a photo of {}.", "{}"]


def test_each_prompt_counts_the_same_whatever_its_length() -> None:
    vectors = class_texts(Hashed(), NAMES, TEMPLATES)
    assert vectors.dtype == np.float32
    assert vectors.shape == (3, 16)
    for name, vector in zip(NAMES, vectors, strict=True):
        prompts = Hashed().encode_text([f"a photo of {name}.", name])
        mean = (prompts / np.linalg.norm(prompts, axis=1, keepdims=True)).mean(0)
        np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), rtol=1e-5, atol=1e-7)


def test_prompts_are_encoded_a_few_classes_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = class_texts(Hashed(), NAMES, TEMPLATES)
    monkeypatch.setattr(module, "_PROMPTS_AT_ONCE", 5)
    encoder = Hashed()
    np.testing.assert_array_equal(class_texts(encoder, NAMES, TEMPLATES), whole)
    assert encoder.calls == [4, 2]


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.ones((5, 4)), r"Given.encode_text gave an array \(5, 4\) for 6 texts"),
        (np.ones(6), r"Given.encode_text gave an array \(6,\) for 6 texts"),
        (np.zeros((6, 4)), "vector of zeros, or one that is not finite"),
        (np.full((6, 4), np.nan), "vector of zeros, or one that is not finite"),
        (np.array([[1.0], [-1.0]] * 3), "vector of zeros"),
    ],
)
def test_an_encoder_that_breaks_its_contract_is_named(array: np.ndarray, reason: str) -> None:
    with pytest.raises(PluginError, match=reason):
        class_texts(Given(array), NAMES, TEMPLATES)
