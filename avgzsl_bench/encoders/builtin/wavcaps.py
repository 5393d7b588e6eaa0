"""The CLAP of WavCaps, HTSAT with BERT: sounds and texts in one space.

Source: Mei et al., WavCaps: A ChatGPT-Assisted Weakly-Labelled Audio Captioning Dataset for Audio-Language
Multimodal Research, IEEE/ACM TASLP 2024.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from avgzsl_bench.encoders.builtin.log_mel import LogMel
from avgzsl_bench.encoders.builtin.text import TextTower
from avgzsl_bench.encoders.builtin.wavcaps_tensors import sort_tensors
from avgzsl_bench.encoders.encoder import AudioInput, Encoder
from avgzsl_bench.encoders.inference import encode_blocks, unit_length
from avgzsl_bench.encoders.weights.files import required
from avgzsl_bench.encoders.weights.libraries import transformers_class
from avgzsl_bench.encoders.weights.pickled import read_tensors
from avgzsl_bench.encoders.weights.places import cached_file
from avgzsl_bench.encoders.weights.pretrained import fill_network, load_tokenizer
from avgzsl_bench.encoders.weights.refusals import refuse_tensors
from avgzsl_bench.plugins.specs import WeightsSource

if TYPE_CHECKING:
    import numpy as np
    import torch

FILE = "HTSAT_BERT_zero_shot.pt"
"""The authors' file; its tensors lie under `model`."""

_WINDOWS = 2
"""Windows of a block. On a CPU larger ones gain nothing, and with 8 the system hands out new memory for each step
of the network, which takes a sixth of the time."""

_TOKENIZER = WeightsSource(
    repository="google-bert/bert-base-uncased", revision="86b5e0934494bd15c9632b12f734a8a67f723594"
)


class Wavcaps(Encoder):
    """CLAP of WavCaps: projected vectors of sounds and texts, each of unit length.

    Its folder has the authors' file, and the vocabulary of bert-base-uncased unless that is in the hub's cache.
    """

    audio_input = AudioInput(rate=32_000, window=10.0, filling="none")
    width: ClassVar[int] = 1024
    audio_config: ClassVar[Mapping[str, Any]] = {}
    """What differs from the defaults of `ClapAudioConfig`, which are those of the published network."""
    text_config: ClassVar[Mapping[str, Any]] = {}
    """What differs from the defaults of `BertConfig`, likewise."""

    def __init__(self, weights: Path | None, device: torch.device) -> None:
        super().__init__(weights, device)
        folder = required(weights)
        what = f"weights in {folder / FILE}"
        tensors = sort_tensors(read_tensors(folder, FILE, "model"), what)
        config = transformers_class("ClapAudioConfig")(**self.audio_config)
        self._log_mel = LogMel(_extractor(), self.audio_input, config.num_mel_bins, "wavcaps")
        self._network = fill_network("ClapAudioModel", config, tensors.audio, what, device)
        self._projection = _projection(
            config.hidden_size, self.width, tensors.audio_projection, f"{what}, audio_proj,", device
        )
        config = transformers_class("BertConfig")(**self.text_config)
        text = fill_network("BertModel", config, tensors.text, what, device, add_pooling_layer=False)
        self._text_projection = _projection(
            config.hidden_size, self.width, tensors.text_projection, f"{what}, text_proj,", device
        )
        self._text = TextTower(text, load_tokenizer(_tokenizer_folder(folder), text, "BertTokenizer"), longest=30)

    def settings(self) -> dict[str, object]:
        """Give the settings of the spectrogram, and the number of tokens that texts are cut to."""
        return {"spectrogram": self._log_mel.settings(), "text": self._text.settings()}

    def encode_sound(self, sound: Sequence[np.ndarray]) -> np.ndarray:
        """Encode sounds at 32 kHz, float32 `[L]`, at most 10 s each: float32 `[n, d]`, of unit length."""

        def encode(block: Sequence[np.ndarray]) -> torch.Tensor:
            pooled = self._network(input_features=self._log_mel(block).to(self.device)).pooler_output
            return unit_length(self._projection(pooled))

        return encode_blocks(encode, sound, _WINDOWS, self.device)

    def encode_text(self, text: Sequence[str]) -> np.ndarray:
        """Encode texts: float32 `[n, d]`, of unit length."""
        return self._text.encode(
            text, self.device, lambda output: self._text_projection(output.last_hidden_state[:, 0])
        )


def _extractor() -> Any:
    return transformers_class("ClapFeatureExtractor")(
        feature_size=64,
        sampling_rate=32_000,
        hop_length=320,
        fft_window_size=1024,
        frequency_min=50,
        frequency_max=14_000,
        truncation="rand_trunc",
        padding="pad",
        max_length_s=10,
    )


def _projection(
    inputs: int, outputs: int, state: Mapping[str, torch.Tensor], what: str, device: torch.device
) -> torch.nn.Module:
    """Build the two linear layers after a network, `[n, inputs]` to `[n, outputs]`.

    Raises:
        DataError: tensors that are missing, unknown, or of another shape.
    """
    import torch
    from torch import nn

    with torch.device("meta"):
        layers = nn.Sequential(nn.Linear(inputs, outputs), nn.ReLU(), nn.Linear(outputs, outputs))
    expected = layers.state_dict()
    shared = sorted(expected.keys() & state.keys())
    faults = {
        "missing": sorted(expected.keys() - state.keys()),
        "unknown": sorted(state.keys() - expected.keys()),
        "of another shape": [name for name in shared if expected[name].shape != state[name].shape],
    }
    refuse_tensors(what, faults)
    layers.load_state_dict(dict(state), assign=True)
    return layers.to(device, torch.float32).eval()


def _tokenizer_folder(folder: Path) -> Path:
    """Give the folder with BERT's vocabulary: the weights' own, else the hub's cache."""
    own = any((folder / name).is_file() for name in ("vocab.txt", "tokenizer.json"))
    cached = None if own else cached_file(_TOKENIZER, "vocab.txt")
    return cached.parent if cached else folder
