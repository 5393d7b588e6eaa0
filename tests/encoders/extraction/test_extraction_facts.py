"""What a store says of its extraction: verified, and followed by the settings of methods."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from avgzsl_bench.data.datasets.registry import known_dataset
from avgzsl_bench.data.store.store import read_header
from avgzsl_bench.data.store.verify import verify_store
from avgzsl_bench.encoders.extraction.extract import extract
from avgzsl_bench.encoders.extraction.options import ExtractOptions
from avgzsl_bench.execution.run import run
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.method.settings import default_settings


def errors(options: ExtractOptions, path: Path) -> list[str]:
    report = verify_store(read_header(path), known_dataset(options.dataset, options.root))
    return [f"{finding.name}: {finding.text}" for finding in report.errors]


def change(path: Path, **fields: object) -> None:
    content = json.loads(path.read_text())
    path.write_text(json.dumps(content | fields))


def test_an_untouched_extraction_has_no_errors(options: ExtractOptions) -> None:
    assert errors(options, extract(options).path) == []


def test_what_was_altered_is_found(options: ExtractOptions) -> None:
    done = extract(options)
    file = done.path.with_name("extraction.json")
    content = json.loads(file.read_text())
    change(file, recipe=content["recipe"] | {"frames": "middle"})
    assert errors(options, done.path) == [
        "extraction.json: the recipe has another hash than the file says: altered"
    ]
    change(file, recipe=content["recipe"], fingerprint="0" * 64)
    (error,) = errors(options, done.path)
    assert "is of a store 000000000000" in error
    file.unlink()
    (error,) = errors(options, done.path)
    assert "cannot be read" in error


@pytest.mark.parametrize("like", [None, "clip_clap"])
def test_a_record_says_whose_settings_the_method_used(options: ExtractOptions, like: str | None) -> None:
    done = extract(options)
    change(done.path.with_name("extraction.json"), like=like)
    record = run(
        "devise",
        "mine",
        features=done.features,
        data_root=options.root,
        out=options.root / "results",
        settings={"epochs": 1, "batches_per_epoch": 1},
    )
    assert record.data.origin == "extracted"
    assert record.data.like == like


def test_settings_of_another_set_hold_on_one_that_is_like_it() -> None:
    spec = method_spec("clipclap")
    published = default_settings(spec, "vggsound", "clip_clap")
    assert default_settings(spec, "vggsound", "clip_laion_clap") != published
    assert default_settings(spec, "vggsound", "clip_laion_clap", like="clip_clap") == published


def test_recipes_that_differ_have_other_hashes(options: ExtractOptions) -> None:
    def recipe(change: ExtractOptions) -> str:
        file = extract(change).path.with_name("extraction.json")
        return str(json.loads(file.read_text())["recipe_sha256"])

    first = recipe(options)
    assert recipe(replace(options, root=options.root / "a", workers=2, batch=3)) == first
    assert recipe(replace(options, root=options.root / "b", frames="middle", features="x")) != first
    assert recipe(replace(options, root=options.root / "c", sequences=True)) != first
