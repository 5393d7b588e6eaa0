"""Weights that are missing, cut short, foreign or malicious: one line each, and nothing filled in at random."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from process_control import python
from safetensors.torch import load_file, save_file
from tiny_encoders import save_clap, save_clip

from avgzsl_bench.encoders.builtin.clip import Clip
from avgzsl_bench.encoders.builtin.laion_clap import LaionClap
from avgzsl_bench.encoders.encoder import Encoder
from avgzsl_bench.encoders.weights.libraries import torchvision_fault, transformers_class
from avgzsl_bench.errors import DataError, PluginError

CPU = torch.device("cpu")
SAFE, PICKLED = "model.safetensors", "pytorch_model.bin"


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("saved")
    save_clip(folder / "clip")
    save_clap(folder / "clap")
    return folder


@pytest.fixture
def clip(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved / "clip", tmp_path / "clip"))


@pytest.fixture
def clap(saved: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(saved / "clap", tmp_path / "clap"))


def refused(folder: Path, kind: type[Encoder] = Clip) -> str:
    with pytest.raises(DataError) as caught:
        kind(folder, CPU)
    message = str(caught.value)
    assert message.isprintable()
    assert len(message) < 600
    assert str(folder) in message
    return message


def rewrite(folder: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    state = load_file(folder / SAFE)
    change(state)
    save_file(state, folder / SAFE, metadata={"format": "pt"})


def configure(folder: Path, **values: object) -> None:
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | values), encoding="utf-8")


def test_a_missing_tensor_is_named(clip: Path) -> None:
    rewrite(clip, lambda state: state.pop("visual_projection.weight"))
    assert "do not fit, tensors missing: visual_projection.weight; " in refused(clip)


def test_missing_tensors_of_the_text_half_are_found_too(clip: Path) -> None:
    rewrite(
        clip, lambda state: [state.pop(name) for name in list(state) if name.startswith("text_model.encoder.")]
    )
    message = refused(clip)
    assert "CLIPTextModelWithProjection" in message
    assert "and 29 more; " in message


def test_a_tensor_of_another_shape_is_named(clip: Path) -> None:
    rewrite(clip, lambda state: state.update({"visual_projection.weight": torch.zeros(7, 7)}))
    assert "tensors of another shape: visual_projection.weight; " in refused(clip)


@pytest.mark.parametrize("size", [0, 7, 5_000, -1])
def test_a_cut_file_is_refused(clip: Path, size: int) -> None:
    content = (clip / SAFE).read_bytes()
    (clip / SAFE).write_bytes(content[:size])
    assert "cut short or damaged" in refused(clip)


def test_a_cut_file_is_not_passed_over_for_another_format(clip: Path) -> None:
    torch.save(load_file(clip / SAFE), clip / PICKLED)
    (clip / SAFE).write_bytes((clip / SAFE).read_bytes()[:5_000])
    assert "cut short or damaged" in refused(clip)


def test_a_pickle_of_tensors_gives_the_same(clip: Path) -> None:
    frames = torch.randint(0, 256, (2, 224, 224, 3), dtype=torch.uint8).numpy()
    expected = Clip(clip, CPU).encode_frames(frames)
    torch.save(load_file(clip / SAFE), clip / PICKLED)
    (clip / SAFE).unlink()
    assert (Clip(clip, CPU).encode_frames(frames) == expected).all()
    content = (clip / PICKLED).read_bytes()
    (clip / PICKLED).write_bytes(content[: len(content) // 2])
    assert "cannot be read" in refused(clip)


class Runs:
    def __reduce__(self) -> tuple[object, ...]:
        return print, ("run by a foreign file",)


@pytest.mark.parametrize("content", [{"x": Runs()}, [1, 2], {"x": "text"}, None])
def test_a_pickle_of_anything_else_is_refused_and_not_run(clip: Path, content: object, capfd) -> None:
    (clip / SAFE).unlink()
    torch.save(content, clip / PICKLED)
    refused(clip)
    assert "run by" not in capfd.readouterr().out


def test_half_precision_is_read_as_single(clip: Path) -> None:
    rewrite(clip, lambda state: state.update({name: value.half() for name, value in state.items()}))
    configure(clip, dtype="float16")
    assert {p.dtype for p in Clip(clip, CPU)._network.parameters()} == {torch.float32}


@pytest.mark.parametrize("name", ["config.json", SAFE, "tokenizer.json"])
def test_a_missing_file_is_named(clip: Path, name: str) -> None:
    """Without its configuration a network would have the published one's; a tokenizer would be empty."""
    (clip / name).unlink()
    assert name in refused(clip)


def test_no_folder_no_weights(tmp_path: Path) -> None:
    assert "no such folder" in refused(tmp_path / "nowhere")
    (tmp_path / "file").touch()
    assert "not a folder" in refused(tmp_path / "file")
    with pytest.raises(DataError, match="needs a folder with its weights"):
        Clip(None, CPU)


@pytest.mark.parametrize("text", ["{", "[1]", '{"vision_config": 3}', "\0"])
def test_a_damaged_configuration_is_refused(clip: Path, text: str) -> None:
    (clip / "config.json").write_text(text, encoding="utf-8")
    refused(clip)


@pytest.mark.parametrize("name", ["tokenizer.json", "tokenizer_config.json"])
def test_a_damaged_tokenizer_is_refused(clip: Path, name: str) -> None:
    (clip / name).write_text("{", encoding="utf-8")
    refused(clip)


def test_weights_of_another_model_are_refused(clip: Path, clap: Path) -> None:
    assert "of another model, 'clap', not 'clip'" in refused(clap, Clip)
    assert "of another model, 'clip', not 'clap'" in refused(clip, LaionClap)
    configure(clip, model_type="clap")
    assert "missing: " in refused(clip, LaionClap)


def test_a_tokenizer_of_another_model_is_refused(clip: Path) -> None:
    text = (clip / "tokenizer.json").read_text(encoding="utf-8")
    (clip / "tokenizer.json").write_text(text.replace("599", "49407"), encoding="utf-8")
    assert "has tokens up to number 49407, but the network knows 600" in refused(clip)


def test_code_in_the_folder_is_not_run(clip: Path) -> None:
    (clip / "model.py").write_text("print('run')\nraise SystemExit\n", encoding="utf-8")
    configure(clip, auto_map={"AutoModel": "model.Net", "AutoTokenizer": ["model.Tok", None]})
    path = clip / "tokenizer_config.json"
    content = json.loads(path.read_text(encoding="utf-8")) | {"auto_map": {"AutoTokenizer": ["model.Tok", None]}}
    path.write_text(json.dumps(content), encoding="utf-8")
    Clip(clip, CPU)
    assert "model" not in sys.modules


def test_clip_of_other_frames_is_refused(tmp_path: Path, clip: Path) -> None:
    config = json.loads((clip / "config.json").read_text(encoding="utf-8"))
    configure(clip, vision_config=config["vision_config"] | {"image_size": 64})
    rewrite(
        clip,
        lambda state: state.update({"vision_model.embeddings.position_embedding.weight": torch.zeros(5, 32)}),
    )
    assert "are for frames of 64 pixels, not 224" in refused(clip)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"sampling_rate": 32_000}, "at 32000 Hz, not of 480000 at 48000 Hz"),
        ({"nb_max_samples": 960_000, "max_length_s": 20}, "windows of 960000 samples at 48000 Hz"),
        ({"truncation": "fusion"}, "truncation 'fusion' draws parts of clips at random"),
        ({"feature_size": 32}, "give spectrograms [1, 1001, 32], and the network reads [1, steps, 64]"),
        ({"hop_length": "wide"}, "cannot be read: "),
        ({"hop_length": 0}, "cannot be read: "),
    ],
)
def test_other_spectrograms_are_refused(clap: Path, settings: dict[str, object], reason: str) -> None:
    path = clap / "preprocessor_config.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | settings), encoding="utf-8")
    assert reason in refused(clap, LaionClap)


def test_a_spectrogram_without_settings_is_refused(clap: Path) -> None:
    (clap / "preprocessor_config.json").unlink()
    assert "preprocessor_config.json or processor_config.json is missing" in refused(clap, LaionClap)


@pytest.fixture
def torchvision(tmp_path: Path) -> Path:
    """A folder of packages with a torchvision that cannot be imported beside this torch."""
    package, facts = tmp_path / "site/torchvision", tmp_path / "site/torchvision-0.28.0.dist-info"
    package.mkdir(parents=True)
    facts.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')\n")
    (facts / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: torchvision\nVersion: 0.28.0\n", encoding="utf-8"
    )
    return tmp_path / "site"


def test_a_torchvision_that_does_not_fit_is_named(torchvision: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(torchvision))
    fault = torchvision_fault()
    assert fault == (
        f"torchvision 0.28.0 does not fit torch {torch.__version__}, and transformers cannot be used beside it: "
        "pip uninstall torchvision, or install the one that fits"
    )


@pytest.mark.slow
def test_clip_beside_a_torchvision_that_does_not_fit(torchvision: Path, clip: Path) -> None:
    done = python(
        f"""
import sys; sys.path.insert(0, {str(torchvision)!r})
from pathlib import Path
import torch
from avgzsl_bench.encoders.builtin.clip import Clip
from avgzsl_bench.encoders.weights.libraries import torchvision_fault, transformers_class
from avgzsl_bench.errors import PluginError
try:
    Clip(Path({str(clip)!r}), torch.device("cpu"))
except PluginError as error:
    print(error)
"""
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("torchvision 0.28.0 does not fit torch ")
    assert len(done.stdout.splitlines()) == 1


def test_a_class_that_transformers_lacks_is_an_error_of_the_plugin() -> None:
    with pytest.raises(PluginError, match=r"transformers\.NoSuchModel cannot be imported"):
        transformers_class("NoSuchModel")
