"""`check_encoder` finds each rule that an encoder breaks, and names it."""

from __future__ import annotations

import random
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

import avgzsl_bench as ab
from avgzsl_bench.errors import DataError, PluginError, UnknownNameError
from avgzsl_bench.testing.encoder_checks import CHECKS, check_encoder
from avgzsl_bench.testing.encoder_trial import EncoderTrial

WIDTH, SIDE = 6, 8
WIDTHS = {"visual": WIDTH, "audio": WIDTH, "text": WIDTH}


class Plain(ab.Encoder):
    """Encodes frames, sound and text with fixed tables; each subclass below breaks one rule."""

    visual_input = ab.VisualInput(SIDE, SIDE, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    audio_input = ab.AudioInput(rate=1000, window=1.0)

    def encode_frames(self, frames):
        return self.unit([[*frame.mean((0, 1)), *frame.std((0, 1)) + 1] for frame in frames])

    def encode_sound(self, sound):
        return self.unit([[1, len(s), np.abs(s).max(), s.std(), s[0], s[-1]] for s in sound])

    def encode_text(self, text):
        return self.unit([[len(t), *(t.count(letter) for letter in "aeiou")] for t in text])

    def unit(self, rows):
        rows = np.array(rows, np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def nan_if_silent(vectors, sound):
    vectors[[not samples.any() for samples in sound]] = np.nan
    return vectors


def breaking(name, **broken):
    return type(name, (Plain,), {"__module__": __name__, **broken})


NoInput = breaking("NoInput", visual_input=None)
NoRate = breaking("NoRate", audio_input=16_000)
Unwritten = breaking("Unwritten", encode_text=ab.Encoder.encode_text)
GivesTensor = breaking("GivesTensor", unit=lambda self, rows: torch.from_numpy(Plain.unit(self, rows)))
GivesDouble = breaking("GivesDouble", unit=lambda self, rows: Plain.unit(self, rows).astype(float))
TooWide = breaking("TooWide", unit=lambda self, rows: np.tile(Plain.unit(self, rows), 2) / np.float32(2**0.5))
OneForAll = breaking("OneForAll", unit=lambda self, rows: Plain.unit(self, rows)[:1])
SilenceIsNaN = breaking(
    "SilenceIsNaN", encode_sound=lambda self, sound: nan_if_silent(Plain.encode_sound(self, sound), sound)
)
NotUnit = breaking("NotUnit", unit=lambda self, rows: np.array(rows, np.float32))
Centred = breaking("Centred", unit=lambda self, rows: Plain.unit(self, np.array(rows) - np.mean(rows, 0) + 1))


class FirstCounts(Plain):
    """Vectors depend on the place in the batch: alone each is the first."""

    def unit(self, rows):
        return Plain.unit(self, [[row[0] + index, *row[1:]] for index, row in enumerate(rows)])


class Alternates(Plain):
    calls = 0

    def unit(self, rows):
        self.calls += 1
        return Plain.unit(self, rows) * np.float32(1 + 1e-6 * (self.calls % 2))


class FilledAtRandom(Plain):
    built = 0

    def __init__(self, weights, device):
        super().__init__(weights, device)
        FilledAtRandom.built += 1
        self.part = 1 + 0.5 * (FilledAtRandom.built % 7)

    def unit(self, rows):
        return Plain.unit(self, [[self.part * row[0], *row[1:]] for row in rows])


class DrawsNumpy(Plain):
    def encode_sound(self, sound):
        np.random.rand()  # noqa: NPY002
        return super().encode_sound(sound)


class DrawsTorch(Plain):
    def __init__(self, weights, device):
        super().__init__(weights, device)
        torch.rand(1)


class DrawsPython(Plain):
    def encode_text(self, text):
        random.random()
        return super().encode_text(text)


class ClipsInPlace(Plain):
    def encode_sound(self, sound):
        for samples in sound:
            np.clip(samples, -1, 1, out=samples)
        return super().encode_sound(sound)


class TurnsInPlace(Plain):
    def encode_frames(self, frames):
        frames[:] = frames[..., ::-1].copy()
        return super().encode_frames(frames)


class ShortTexts(Plain):
    def encode_text(self, text):
        if max(map(len, text)) > 512:
            raise RuntimeError("index out of range in self")
        return super().encode_text(text)


def spec(kind, **values):
    return ab.EncoderSpec("tried", f"{__name__}:{kind.__name__}", "visual", WIDTHS, "Tried", **values)


def test_an_encoder_that_keeps_the_rules():
    check_encoder(spec(Plain))
    assert ab.check_encoder is check_encoder


@pytest.mark.parametrize(
    ("kind", "check", "rule"),
    [
        (NoInput, "check_vectors", "visual_input is not a VisualInput"),
        (NoRate, "check_vectors", "audio_input is not an AudioInput"),
        (Unwritten, "check_vectors", "the spec states a width for 'text', but encode_text is not written"),
        (GivesTensor, "check_vectors", "encode_frames must return a NumPy array, not Tensor"),
        (GivesDouble, "check_vectors", "encode_frames must return float32, not float64"),
        (TooWide, "check_vectors", "encode_frames must return [5, 6], not [5, 12]"),
        (OneForAll, "check_vectors", "encode_frames must return [5, 6], not [1, 6]"),
        (SilenceIsNaN, "check_vectors", "encode_sound returned numbers that are not finite"),
        (NotUnit, "check_unit_length", "unit_length is set, but a vector of 'visual' has length"),
        (Centred, "check_other_inputs", "a vector of 'visual' changes with the other inputs of its batch"),
        (FirstCounts, "check_other_inputs", "a vector of 'visual' changes with the other inputs of its batch"),
        (Alternates, "check_same_twice", "a second call gives other 'visual' vectors"),
        (FilledAtRandom, "check_same_twice", "built a second time it gives other 'visual' vectors"),
        (
            DrawsNumpy,
            "check_nothing_random",
            "encoding 'audio' draws from a global random generator: numpy.random",
        ),
        (DrawsTorch, "check_nothing_random", "building it draws from a global random generator: torch"),
        (DrawsPython, "check_nothing_random", "encoding 'text' draws from a global random generator: random"),
        (ClipsInPlace, "check_inputs_unchanged", "encoding changes its inputs of 'audio' in place"),
        (TurnsInPlace, "check_inputs_unchanged", "encoding changes its inputs of 'visual' in place"),
        (ShortTexts, "check_text_lengths", "a text of 10000 characters: RuntimeError: index out of range"),
    ],
)
def test_a_broken_rule_is_found_and_named(kind, check, rule):
    with pytest.raises(AssertionError) as caught:
        check_encoder(spec(kind))
    message = str(caught.value)
    assert message.startswith(f"encoder tried: {check}: ")
    assert rule in message


def test_the_order_of_a_batch_matters_too():
    class Sorted(Plain):
        def unit(self, rows):
            turned = len(rows) > 1 and rows[0][0] < rows[-1][0]
            return Plain.unit(self, [[row[0] + turned, *row[1:]] for row in rows])

    sys.modules[__name__].Sorted = Sorted
    trial = EncoderTrial.of(spec(Sorted))
    with pytest.raises(AssertionError, match=r"changes with"):
        next(check for check in CHECKS if check.__name__ == "check_other_inputs")(trial)


def test_vectors_that_are_not_brought_to_unit_length():
    Raw = breaking("Raw", unit=NotUnit.unit, unit_length=False)
    sys.modules[__name__].Raw = Raw
    check_encoder(spec(Raw))


@pytest.mark.parametrize("filling", ["zeros", "repeat", "none"])
def test_sounds_fill_a_window_where_the_encoder_wants_that(filling):
    given = []
    window = ab.AudioInput(rate=1000, window=2.0, filling=filling)

    def encode_sound(self, sound):
        given.extend(map(len, sound))
        return Plain.encode_sound(self, sound)

    sys.modules[__name__].Windowed = breaking("Windowed", audio_input=window, encode_sound=encode_sound)
    EncoderTrial.of(spec(sys.modules[__name__].Windowed)).encode(
        "audio", EncoderTrial.of(spec(sys.modules[__name__].Windowed)).inputs("audio")
    )
    assert given == ([100, 1000, 2000, 1000, 667] if filling == "none" else [2000] * 5)


class Loaded(Plain):
    """Has weights in a folder, and refuses them where they are missing or cut."""

    def __init__(self, weights, device):
        super().__init__(weights, device)
        try:
            self.scale = load_file(weights / "model.safetensors")["scale"]
        except (OSError, SafetensorError) as error:
            raise DataError(f"{weights}: {type(error).__name__}") from error

    def unit(self, rows):
        return Plain.unit(self, np.array(rows) * self.scale)


class Careless(Loaded):
    def __init__(self, weights, device):
        try:
            super().__init__(weights, device)
        except DataError:
            self.scale = np.ones(WIDTH)


class ManyLines(Loaded):
    def __init__(self, weights, device):
        try:
            super().__init__(weights, device)
        except DataError as error:
            raise DataError("first\nsecond") from error


class Raises(Loaded):
    def __init__(self, weights, device):
        super(Loaded, self).__init__(weights, device)
        self.scale = load_file(weights / "model.safetensors")["scale"]


class CarelessOfCuts(Loaded):
    def __init__(self, weights, device):
        try:
            super().__init__(weights, device)
        except DataError:
            if not (weights / "model.safetensors").exists():
                raise
            self.scale = np.ones(WIDTH)


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    save_file({"scale": np.arange(1, WIDTH + 1, dtype=np.float32)}, tmp_path / "model.safetensors")
    (tmp_path / "notes.txt").touch()
    return tmp_path


BROUGHT = ab.WeightsSource(files=("*.safetensors",), bring="model.safetensors")


def test_damaged_weights_have_to_be_refused(weights: Path):
    check_encoder(spec(Loaded, weights=BROUGHT), weights)


@pytest.mark.parametrize(
    ("kind", "rule"),
    [
        (Careless, "an empty folder in place of its weights: built without an error; raise DataError"),
        (ManyLines, "an empty folder in place of its weights: the message of DataError is not one line"),
        (Raises, "an empty folder in place of its weights: FileNotFoundError"),
        (CarelessOfCuts, "model.safetensors cut to half: built without an error; raise DataError"),
    ],
)
def test_damaged_weights_that_are_not_refused(weights: Path, kind, rule: str):
    with pytest.raises(AssertionError) as caught:
        check_encoder(spec(kind, weights=BROUGHT), weights)
    assert str(caught.value).startswith(f"encoder tried: check_refuses_damaged_weights: {rule}")


def test_what_cannot_be_checked_is_an_error_of_its_own(tmp_path: Path):
    with pytest.raises(UnknownNameError, match="unknown encoder 'clop'; did you mean 'clip'"):
        check_encoder("clop")
    with pytest.raises(DataError, match="weights of 'tried' are not here: give --weights tried=DIR with model"):
        check_encoder(spec(Loaded, weights=BROUGHT))
    with pytest.raises(DataError, match="no such folder"):
        check_encoder(spec(Loaded, weights=BROUGHT), tmp_path / "nowhere")
    with pytest.raises(PluginError, match="is not a subclass"):
        check_encoder(ab.EncoderSpec("tried", "builtins:int", "text", {"text": 1}, "Tried"))
    with pytest.raises(PluginError, match="needs no_such_package, not installed here"):
        check_encoder(spec(Plain, needs=("no_such_package",)))
