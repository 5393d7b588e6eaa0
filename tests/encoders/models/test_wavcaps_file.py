"""The file of WavCaps: every tensor is accounted for, and whatever does not fit is refused by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_encoders import TinyWavcaps, save_wavcaps, standard_tensor, wavcaps_names

from avgzsl_bench.encoders.builtin.wavcaps import FILE, Wavcaps
from avgzsl_bench.encoders.builtin.wavcaps_tensors import sort_tensors
from avgzsl_bench.errors import DataError

CPU = torch.device("cpu")


class FullAudio(Wavcaps):
    """The published audio network, of full size, with a small text network."""

    text_config = TinyWavcaps.text_config


def test_every_tensor_is_accounted_for() -> None:
    names = {name: value for name, value, _ in wavcaps_names(FullAudio)}
    sound = [name for name in names if name.startswith("audio_")]
    assert len(sound) == 204
    audio = sort_tensors(names, "the file")
    assert len(audio.audio) == 236
    assert len(audio.audio_projection) == len(audio.text_projection) == 4
    kept = len(audio.audio) - 2 * sum(".query." in name for name in audio.audio) + len(audio.audio_projection)
    assert len(sound) - kept == 12


def test_published_text_network_has_197_tensors() -> None:
    names = {name: value for name, value, _ in wavcaps_names(Wavcaps) if name.startswith("text_encoder.")}
    assert len(sort_tensors(names, "the file").text) == 197
    assert len(names) == 198


@pytest.fixture
def state(tmp_path: Path) -> dict[str, torch.Tensor]:
    save_wavcaps(tmp_path)
    return torch.load(tmp_path / FILE, weights_only=True)["model"]


def refused(folder: Path, content: object) -> str:
    torch.save(content, folder / FILE)
    with pytest.raises(DataError) as caught:
        TinyWavcaps(folder, CPU)
    message = str(caught.value)
    assert message.isprintable()
    assert str(folder) in message
    return message


def test_unknown_tensors_are_refused_by_name(tmp_path: Path, state: dict[str, torch.Tensor]) -> None:
    message = refused(
        tmp_path, {"model": state | {"audio_encoder.audio_enc.layers.0.blocks.0.gamma": torch.ones(1)}}
    )
    assert "unknown: audio_encoder.audio_enc.layers.0.blocks.0.gamma" in message
    message = refused(tmp_path, {"model": state | {f"text_encoder.pooler.{i}": torch.ones(1) for i in range(9)}})
    assert "unknown: text_encoder.pooler.0, text_encoder.pooler.1, text_encoder.pooler.2 and 6 more" in message


@pytest.mark.parametrize(
    ("name", "reported"),
    [
        ("audio_encoder.audio_enc.bn0.running_var", "audio_encoder.batch_norm.running_var"),
        ("audio_encoder.audio_enc.layers.3.blocks.0.attn.qkv.bias", "layers.3.blocks.0.attention.self.key.bias"),
        ("text_encoder.text_encoder.embeddings.LayerNorm.weight", "embeddings.LayerNorm.weight"),
        ("audio_proj.2.bias", "audio_proj, do not fit, tensors missing: 2.bias"),
        ("text_proj.0.weight", "text_proj, do not fit, tensors missing: 0.weight"),
    ],
)
def test_missing_tensors_are_refused_by_name(
    tmp_path: Path, state: dict[str, torch.Tensor], name: str, reported: str
) -> None:
    del state[name]
    message = refused(tmp_path, {"model": state})
    assert "missing: " in message
    assert reported in message


@pytest.mark.parametrize(
    "name", ["audio_encoder.audio_enc.norm.weight", "text_proj.2.bias", "audio_proj.0.weight"]
)
def test_tensors_of_another_shape_are_refused_by_name(
    tmp_path: Path, state: dict[str, torch.Tensor], name: str
) -> None:
    message = refused(tmp_path, {"model": state | {name: torch.zeros(3, 5)}})
    assert "of another shape: " in message


def test_a_scalar_in_place_of_queries_keys_and_values_is_refused(
    tmp_path: Path, state: dict[str, torch.Tensor]
) -> None:
    name = "audio_encoder.audio_enc.layers.0.blocks.0.attn.qkv.weight"
    assert name in refused(tmp_path, {"model": state | {name: torch.tensor(1.0)}})


class Runs:
    def __reduce__(self) -> tuple[object, ...]:
        return print, ("run by a foreign file",)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"state": {}}, "holds no tensors under 'model'"),
        ({"model": [1, 2]}, "holds no tensors under 'model'"),
        ({"model": {"x": "text"}}, "holds no tensors under 'model'"),
        ([], "holds no tensors under 'model'"),
        ({"model": {}}, "missing: audio_encoder.batch_norm"),
        ({"model": Runs()}, "refused: the file holds more than tensors"),
    ],
)
def test_foreign_files_are_refused(tmp_path: Path, content: object, reason: str, capfd) -> None:
    assert reason in refused(tmp_path, content)
    assert "run by" not in capfd.readouterr().out


def test_file_or_vocabulary_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=f"{FILE} is missing"):
        TinyWavcaps(tmp_path, CPU)
    save_wavcaps(tmp_path)
    (tmp_path / "vocab.txt").unlink()
    with pytest.raises(DataError, match=r"tokenizer.json or vocab.txt or vocab.json and merges.txt is missing"):
        TinyWavcaps(tmp_path, CPU)


def test_vocabulary_in_the_hubs_cache_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = save_wavcaps(tmp_path / "weights")
    snapshot = tmp_path / "hub/models--google-bert--bert-base-uncased/snapshots"
    snapshot = snapshot / "86b5e0934494bd15c9632b12f734a8a67f723594"
    snapshot.mkdir(parents=True)
    (folder / "vocab.txt").rename(snapshot / "vocab.txt")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    assert TinyWavcaps(folder, CPU).encode_text(["surfing"]).shape == (1, 16)


def test_vocabulary_of_another_model_is_refused(tmp_path: Path) -> None:
    save_wavcaps(tmp_path)
    (tmp_path / "vocab.txt").write_text("\n".join(f"word{i}" for i in range(700)), encoding="utf-8")
    with pytest.raises(DataError, match=r"has tokens up to number 70\d, but the network knows 600"):
        TinyWavcaps(tmp_path, CPU)


def test_texts_read_the_first_token(tmp_path: Path) -> None:
    """Texts are cut to 30 tokens, and a change beyond them changes nothing."""
    encoder = TinyWavcaps(save_wavcaps(tmp_path), CPU)
    words = "surfing " * 40
    short, long, other = encoder.encode_text(["surfing", words, f"{words} a b"])
    np.testing.assert_array_equal(long, other)
    assert not np.allclose(short, long)


def test_standard_tensors_follow_from_their_names() -> None:
    assert standard_tensor("x.bn0.running_var", (5,)).min() > 100
    assert standard_tensor("x.norm1.weight", (50,)).mean() == pytest.approx(1, abs=0.1)
