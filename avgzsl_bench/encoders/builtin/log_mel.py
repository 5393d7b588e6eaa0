"""The log-mel spectrogram of the CLAP networks, in decibels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from avgzsl_bench.encoders.encoder import AudioInput
from avgzsl_bench.encoders.weights.refusals import explained
from avgzsl_bench.errors import DataError

if TYPE_CHECKING:
    import torch

_SETTINGS = (
    "feature_size",
    "sampling_rate",
    "hop_length",
    "fft_window_size",
    "frequency_min",
    "frequency_max",
    "top_db",
    "max_length_s",
    "padding",
    "padding_value",
)


class LogMel:
    """Makes the spectrogram of windows of sound; shorter ones are filled up as the extractor says.

    Args:
        extractor: a `ClapFeatureExtractor` of transformers.
        audio: rate and window of the sound that the encoder is handed.
        bands: that the network reads.
        what: where the extractor's settings come from, for messages.

    Raises:
        DataError: settings of another rate or window, with which no spectrogram can be made, or of a network that
            fuses a long clip's parts, which draws at random.
    """

    def __init__(self, extractor: Any, audio: AudioInput, bands: int, what: str) -> None:
        window = round(audio.rate * (audio.window or 0))
        if extractor.sampling_rate != audio.rate or extractor.nb_max_samples != window:
            raise DataError(
                f"{what}: windows of {extractor.nb_max_samples} samples at {extractor.sampling_rate} Hz, "
                f"not of {window} at {audio.rate} Hz; it is another model's"
            )
        if extractor.truncation != "rand_trunc":
            raise DataError(
                f"{what}: truncation {extractor.truncation!r} draws parts of clips at random; use a model without "
                "fusion, truncation 'rand_trunc'"
            )
        self._extractor, self._window, self._rate = extractor, window, audio.rate
        with explained(what):
            shape = tuple(self([np.zeros(window, np.float32)]).shape[1:])
        if len(shape) != 3 or shape[0] != 1 or shape[2] != bands:
            raise DataError(f"{what}: give spectrograms {list(shape)}, and the network reads [1, steps, {bands}]")

    def settings(self) -> dict[str, object]:
        """Give the settings of the spectrogram."""
        return {name: getattr(self._extractor, name) for name in _SETTINGS}

    def __call__(self, sound: Sequence[np.ndarray]) -> torch.Tensor:
        """Make spectrograms `[n, 1, steps, bands]` of windows of sound, `[L]` each, with L at most the window.

        Raises:
            ValueError: a longer or an empty sound; of a longer one transformers would take a part at random.
        """
        import torch

        lengths = [len(samples) for samples in sound]
        if not all(1 <= length <= self._window for length in lengths):
            raise ValueError(f"sounds of {min(lengths)} to {max(lengths)} samples; give 1 to {self._window}")
        features = self._extractor(list(sound), sampling_rate=self._rate)["input_features"]
        return torch.stack([torch.from_numpy(mel) for mel in features]).to(torch.float32)
