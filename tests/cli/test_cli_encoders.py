"""`avbench encoders`: the list, its JSON, and what is refused; fetching itself is in `test_weights_places.py`."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

import avgzsl_bench as ab


@pytest.fixture(autouse=True)
def _empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("COLUMNS", "200")


def rows(result: Result) -> dict[str, dict[str, object]]:
    assert result.exit_code == 0, result.output
    return {row["name"]: row for row in json.loads(result.stdout)}


def snapshot(tmp_path: Path, source: dict[str, str]) -> Path:
    repository = f"models--{source['repository'].replace('/', '--')}"
    folder = tmp_path / "hub" / repository / "snapshots" / source["revision"]
    folder.mkdir(parents=True)
    (folder / "config.json").touch()
    (folder / "model.safetensors").touch()
    return folder


def test_list(avbench: Callable[..., Result], tmp_path: Path) -> None:
    found = rows(avbench("encoders", "--json"))
    snapshot(tmp_path, found["clip"]["weights"])
    lines = avbench("encoders").stdout.splitlines()
    (clip,) = [line for line in lines if line.strip().startswith("clip ")]
    (wavcaps,) = [line for line in lines if line.strip().startswith("wavcaps ")]
    assert "visual 512, text 512" in clip
    assert " here " in clip
    assert "not here" not in clip
    assert "not here" in wavcaps
    assert "for research, not for commerce" in wavcaps
    assert (
        "laion_clap: weights: 'avbench encoders --fetch laion_clap' downloads 614 MB of laion/clap-htsat-unfused "
        in ("\n".join(lines))
    )
    assert not [line for line in lines if line.startswith("clip: weights:")]


def test_json(avbench: Callable[..., Result], tmp_path: Path) -> None:
    found = rows(avbench("encoders", "--json"))
    assert list(found)[:3] == ["clip", "laion_clap", "wavcaps"]
    assert found["clip"]["widths"] == {"visual": 512, "text": 512}
    assert found["clip"]["folder"] is None
    assert found["clip"]["get"].startswith("'avbench encoders --fetch clip' downloads")
    assert found["clip"]["not_installed"] == []
    assert found["clip"]["distribution"] == "avgzsl-bench"
    folder = snapshot(tmp_path, found["clip"]["weights"])
    found = rows(avbench("encoders", "--json"))
    assert (found["clip"]["folder"], found["clip"]["get"]) == (str(folder), None)


def test_encoders_of_plugins(avbench: Callable[..., Result], register: Callable[[object], object]) -> None:
    class Plugin:
        @ab.hookimpl
        def avbench_encoders(self) -> list[ab.EncoderSpec]:
            none = ab.EncoderSpec(
                "level", "nowhere:Level", "audio", {"audio": 1}, "Level", needs=("no_such_module",)
            )
            source = ab.WeightsSource(package="no_such_package", install="pip install no-such-package==1")
            packaged = ab.EncoderSpec("packaged", "nowhere:P", "visual", {"visual": 3}, "Packaged", weights=source)
            return [none, packaged]

    register(Plugin())
    output = avbench("encoders").stdout
    assert "none needed" in output
    assert "level: not installed here: no_such_module" in output
    assert "packaged: weights: pip install no-such-package==1, or give --weights packaged=DIR" in output


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("clop", "unknown encoder 'clop'; did you mean 'clip'?"),
        (
            "wavcaps",
            "weights of 'wavcaps' cannot be fetched: give --weights wavcaps=DIR with HTSAT_BERT_zero_shot.pt",
        ),
    ],
)
def test_what_cannot_be_fetched(refused: Callable[..., str], name: str, reason: str) -> None:
    assert reason in refused("encoders", "--fetch", name)


def test_fetching_what_has_no_weights(refused: Callable[..., str], register: Callable[[object], object]) -> None:
    class Plugin:
        @ab.hookimpl
        def avbench_encoders(self) -> list[ab.EncoderSpec]:
            return [ab.EncoderSpec("level", "nowhere:Level", "audio", {"audio": 1}, "Level")]

    register(Plugin())
    assert (
        refused("encoders", "--fetch", "level")
        == "error: encoder 'level' has no weights: there is nothing to fetch"
    )
