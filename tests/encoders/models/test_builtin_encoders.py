"""The built-in encoders on tiny saved models: the contract, and what each computes."""

from __future__ import annotations

import socket
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_encoders import SPECS, save_clap, save_clip, save_wavcaps, tiny_spec

from avgzsl_bench.encoders.builtin.clip import Clip
from avgzsl_bench.encoders.builtin.laion_clap import LaionClap
from avgzsl_bench.encoders.encoder import Encoder
from avgzsl_bench.encoders.inference import encode_blocks
from avgzsl_bench.encoders.pixels import pixels_of
from avgzsl_bench.encoders.registry import REGISTRY, encoder_class
from avgzsl_bench.encoders.weights.libraries import quiet_transformers, transformers_class
from avgzsl_bench.encoders.weights.pretrained import load_network
from avgzsl_bench.testing.encoder_checks import CHECKS
from avgzsl_bench.testing.encoder_trial import EncoderTrial

CPU = torch.device("cpu")
TARGETS = {"clip": "", "laion_clap": "", "wavcaps": "tiny_encoders:TinyWavcaps"}
RNG = np.random.default_rng(0)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    savers = {"clip": save_clip, "laion_clap": save_clap, "wavcaps": save_wavcaps}
    return {name: save(tmp_path_factory.mktemp(name)) for name, save in savers.items()}


@pytest.fixture(scope="module")
def trials(folders: dict[str, Path]) -> dict[str, EncoderTrial]:
    return {name: EncoderTrial.of(tiny_spec(name, target), folders[name]) for name, target in TARGETS.items()}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise AssertionError("reached for the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def test_every_built_in_encoder_is_registered_and_tried() -> None:
    ours = {name for name, owner in REGISTRY.gather().owners.items() if owner == "avgzsl-bench:standard"}
    assert ours == set(TARGETS) == set(SPECS)
    for spec in SPECS.values():
        assert issubclass(encoder_class(spec), Encoder)
        assert spec.licence
        assert spec.cite
        assert spec.overlap
        assert spec.text == spec.name


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", TARGETS)
def test_conformance(name: str, check, trials: dict[str, EncoderTrial]) -> None:
    check(trials[name])


def test_clip_gives_the_features_of_the_whole_model(folders: dict[str, Path]) -> None:
    frames = RNG.integers(0, 256, (3, 224, 224, 3), dtype=np.uint8)
    encoder = Clip(folders["clip"], CPU)
    whole = load_network("CLIPModel", "clip", folders["clip"], CPU)
    with torch.inference_mode():
        expected = whole.get_image_features(pixel_values=pixels_of(frames, Clip.visual_input, CPU)).pooler_output
        expected /= expected.norm(dim=1, keepdim=True)
    np.testing.assert_allclose(encoder.encode_frames(frames), expected.numpy(), atol=1e-6)


def test_pixels_are_those_of_transformers() -> None:
    frames = RNG.integers(0, 256, (2, 224, 224, 3), dtype=np.uint8)
    visual = Clip.visual_input
    processor = transformers_class("CLIPImageProcessorPil")(
        do_resize=False, do_center_crop=False, image_mean=list(visual.mean), image_std=list(visual.std)
    )
    theirs = processor(list(frames), return_tensors="np")["pixel_values"]
    assert np.array_equal(pixels_of(frames, visual, CPU).numpy(), theirs)


def test_clap_gives_the_features_of_the_whole_model(folders: dict[str, Path]) -> None:
    sounds = [RNG.standard_normal(n).astype(np.float32) for n in (48_000, 480_000)]
    encoder = LaionClap(folders["laion_clap"], CPU)
    whole = load_network("ClapModel", "clap", folders["laion_clap"], CPU)
    with torch.inference_mode():
        features = encoder._log_mel(sounds)
        expected = whole.get_audio_features(input_features=features).pooler_output.numpy()
    assert features.shape == (2, 1, 1001, 64)
    np.testing.assert_allclose(encoder.encode_sound(sounds), expected, atol=1e-6)


def test_clap_reads_its_spectrogram_from_the_folder(folders: dict[str, Path], tmp_path: Path) -> None:
    assert LaionClap(folders["laion_clap"], CPU).settings() == {
        "spectrogram": {
            "feature_size": 64,
            "sampling_rate": 48_000,
            "hop_length": 480,
            "fft_window_size": 1024,
            "frequency_min": 0,
            "frequency_max": 14_000,
            "top_db": None,
            "max_length_s": 10,
            "padding": "repeatpad",
            "padding_value": 0.0,
        },
        "text": {"tokens": 77},
    }
    folder = save_clap(tmp_path)
    extractor = transformers_class("ClapFeatureExtractor")
    extractor(truncation="rand_trunc", frequency_min=50).save_pretrained(folder)
    assert LaionClap(folder, CPU).settings()["spectrogram"]["frequency_min"] == 50


@pytest.mark.parametrize(("encoder", "rate"), [("laion_clap", 48_000), ("wavcaps", 32_000)])
def test_sound_longer_than_a_window_is_refused(encoder: str, rate: int, trials: dict[str, EncoderTrial]) -> None:
    """Of a longer one transformers would draw a part at random."""
    with pytest.raises(ValueError, match=f"give 1 to {10 * rate}"):
        trials[encoder].encoder.encode_sound([np.zeros(10 * rate + 1, np.float32)])
    with pytest.raises(ValueError, match="of 0 to 0 samples"):
        trials[encoder].encoder.encode_sound([np.zeros(0, np.float32)])


def test_padding_changes_no_text(trials: dict[str, EncoderTrial]) -> None:
    for trial in trials.values():
        alone = trial.encoder.encode_text(["surf"])
        padded = trial.encoder.encode_text(["surf", "a long text that makes the other one padded"])[:1]
        np.testing.assert_allclose(padded, alone, atol=2e-6)


def test_all_vectors_of_many_blocks_are_there_in_order() -> None:
    values = torch.arange(10.0)[:, None]
    assert encode_blocks(lambda block: 2 * block, values, 3, CPU).tolist() == (2 * values).tolist()


def test_vectors_are_computed_without_gradients_and_in_single_precision(folders: dict[str, Path]) -> None:
    encoder = Clip(folders["clip"], CPU)
    assert {p.dtype for p in encoder._network.parameters()} == {torch.float32}
    assert not encoder._network.training
    vectors = encoder.encode_pixels(torch.zeros(1, 3, 224, 224, requires_grad=True))
    assert vectors.dtype == np.float32


def test_loading_is_silent_and_leaves_verbosity_as_it_was(folders: dict[str, Path], capfd) -> None:
    logging = transformers_class("utils").logging
    logging.set_verbosity_info()
    try:
        Clip(folders["clip"], CPU)
        assert logging.get_verbosity() == logging.INFO
        assert logging.is_progress_bar_enabled()
        with quiet_transformers():
            assert logging.get_verbosity() == logging.ERROR
            assert not logging.is_progress_bar_enabled()
    finally:
        logging.set_verbosity_warning()
    assert capfd.readouterr() == ("", "")
