"""LAION's CLAP with HTSAT and RoBERTa, without fusion: sounds and texts in one space.

Source: Wu et al., Large-Scale Contrastive Language-Audio Pretraining with Feature Fusion and Keyword-to-Caption
Augmentation, ICASSP 2023.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from avgzsl_bench.encoders.builtin.log_mel import LogMel
from avgzsl_bench.encoders.builtin.text import TextTower
from avgzsl_bench.encoders.encoder import AudioInput, Encoder
from avgzsl_bench.encoders.inference import encode_blocks, unit_length
from avgzsl_bench.encoders.weights.files import required
from avgzsl_bench.encoders.weights.pretrained import load_extractor, load_network, load_tokenizer

if TYPE_CHECKING:
    import numpy as np
    import torch

_WINDOWS = 2
"""Windows of a block. On a CPU larger ones gain nothing, and with 8 the system hands out new memory for each step
of the network, which takes a sixth of the time."""


class LaionClap(Encoder):
    """CLAP: projected vectors of sounds and texts, each of unit length.

    The spectrogram's settings are those of the folder; the released model repeats short sounds.
    """

    audio_input = AudioInput(rate=48_000, window=10.0, filling="none")

    def __init__(self, weights: Path | None, device: torch.device) -> None:
        super().__init__(weights, device)
        folder = required(weights)
        self._network = load_network("ClapAudioModelWithProjection", "clap", folder, device)
        extractor = load_extractor("ClapFeatureExtractor", folder)
        self._log_mel = LogMel(
            extractor, self.audio_input, self._network.config.num_mel_bins, f"settings in {folder}"
        )
        text = load_network("ClapTextModelWithProjection", "clap", folder, device)
        self._text = TextTower(text, load_tokenizer(folder, text), longest=77)

    def settings(self) -> dict[str, object]:
        """Give the settings of the spectrogram, and the number of tokens that texts are cut to."""
        return {"spectrogram": self._log_mel.settings(), "text": self._text.settings()}

    def encode_sound(self, sound: Sequence[np.ndarray]) -> np.ndarray:
        """Encode sounds at 48 kHz, float32 `[L]`, at most 10 s each: float32 `[n, d]`, of unit length."""

        def encode(block: Sequence[np.ndarray]) -> torch.Tensor:
            features = self._log_mel(block).to(self.device)
            return unit_length(self._network(input_features=features).audio_embeds)

        return encode_blocks(encode, sound, _WINDOWS, self.device)

    def encode_text(self, text: Sequence[str]) -> np.ndarray:
        """Encode texts: float32 `[n, d]`, of unit length."""
        return self._text.encode(text, self.device, lambda output: output.text_embeds)
