"""From a folder of clips to an installed set, with encoders whose vectors tell what was taken of a clip."""

from __future__ import annotations

import csv
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import clip_workers
import numpy as np
import pytest
from made_clips import STEP

from avgzsl_bench.data.store.store import read_store
from avgzsl_bench.data.store.table import Ragged
from avgzsl_bench.encoders.extraction import extract as module
from avgzsl_bench.encoders.extraction.batches import Progress
from avgzsl_bench.encoders.extraction.extract import extract
from avgzsl_bench.encoders.extraction.found import found_clips
from avgzsl_bench.encoders.extraction.options import ExtractOptions
from avgzsl_bench.errors import AvbenchError, ConfigError, DataError


def workspaces(options: ExtractOptions) -> list[Path]:
    return sorted((options.root / options.dataset).glob(".extract-*"))


def test_vectors_are_of_the_chosen_frames_and_the_sound(options: ExtractOptions) -> None:
    progress: list[Progress] = []
    done = extract(options, report=progress.append)
    header, table = read_store(done.path)
    assert (header.features, header.origin, header.videos) == ("colour_level", "extracted", 20)
    assert header.fingerprint == done.fingerprint
    assert table.video_id == [clip.video_id for clip in found_clips(options).clips]
    for video, visual, audio in zip(table.video_id, table.visual, table.audio, strict=True):
        number = int(video[-1])
        frames = [(2 * i + 1) * (20 + number) // 8 for i in range(4)]
        assert visual * 255 == pytest.approx(np.full(3, 20 + STEP * np.mean(frames)), abs=1.5)
        assert audio == pytest.approx([0.1 * (number + 1) / 2**0.5, 1.0], rel=1e-2)
    assert table.text["letters"].shape == (5, 26)
    assert [(p.done, p.total) for p in progress] == [(6, 20), (12, 20), (18, 20), (20, 20)]
    assert done.coverage.covered.share == 1
    assert not workspaces(options)


def test_what_lies_beside_the_store(options: ExtractOptions) -> None:
    done = extract(options)
    beside = {path.name for path in done.path.parent.iterdir()}
    assert beside == {"features.h5", "card.json", "extraction.json", "left_out.csv"}
    written = json.loads(done.path.with_name("extraction.json").read_text())
    assert written["fingerprint"] == done.fingerprint
    assert written["recipe"]["frames"] == "uniform:4"
    assert written["recipe"]["texts"]["letters"]["templates"] == ["{}"]
    assert {e["name"] for e in written["encoders"]} == {"colour", "level", "letters"}
    assert written["libraries"]["av"]
    assert "not published" in done.path.with_name("card.json").read_text()


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_store_does_not_depend_on_the_workers(options: ExtractOptions, workers: int) -> None:
    first = extract(options)
    again = extract(replace(options, root=options.root / "other", workers=workers))
    assert again.fingerprint == first.fingerprint


def test_an_interrupted_extraction_goes_on_where_it_stopped(
    options: ExtractOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = extract(replace(options, root=options.root / "whole"))
    decoded: list[str] = []
    usual = module.decoded_clips

    def counted(pool: Any, clips: Iterable[Any], folder: Path) -> Iterator[Any]:
        def noted() -> Iterator[Any]:
            for path, request in clips:
                decoded.append(path.stem)
                yield path, request

        return usual(pool, noted(), folder)

    monkeypatch.setattr(module, "decoded_clips", counted)

    class Stop(BaseException):
        pass

    for stop in (1, 2, 3):

        def interrupt(progress: Progress, number: int = stop) -> None:
            if progress.done >= 6 * number:
                raise Stop

        with pytest.raises(Stop):
            extract(options, report=interrupt)
        assert not list(options.root.glob("mine/colour_level/*"))
        assert len(list(workspaces(options)[0].glob("batch-*"))) == stop
    decoded.clear()
    assert extract(options).fingerprint == whole.fingerprint
    assert sorted(decoded) == ["wind_2", "wind_3"]
    assert not workspaces(options)


def test_the_store_does_not_depend_on_how_the_work_is_divided(
    options: ExtractOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = extract(replace(options, root=options.root / "whole"))
    assert extract(replace(options, root=options.root / "large", batch=20)).fingerprint == whole.fingerprint
    monkeypatch.setattr("avgzsl_bench.encoders.extraction.encoding.AT_ONCE", 1)
    assert extract(replace(options, root=options.root / "small", batch=1)).fingerprint == whole.fingerprint


@pytest.mark.parametrize("sequences", [False, True])
def test_clips_that_are_kept_in_files_give_the_same(
    options: ExtractOptions, monkeypatch: pytest.MonkeyPatch, sequences: bool
) -> None:
    options = replace(options, sequences=sequences)
    whole = extract(replace(options, root=options.root / "whole"))
    files: list[int] = []

    def look(progress: Progress) -> None:
        files.append(len(list(workspaces(options)[0].glob("decoded/*"))))

    monkeypatch.setattr(module, "decode", clip_workers.decode_into_files)
    assert extract(options, report=look).fingerprint == whole.fingerprint
    assert files[-1] == 0
    assert not workspaces(options)


def test_a_batch_that_is_lost_on_the_way_is_made_again(
    options: ExtractOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = extract(replace(options, root=options.root / "whole"))
    monkeypatch.setattr(
        "avgzsl_bench.encoders.extraction.batches.is_finished", lambda path, _: "1" not in path.stem
    )
    assert extract(options).fingerprint == whole.fingerprint


def test_a_changed_clip_is_decoded_again(copied: ExtractOptions) -> None:
    class Stop(BaseException):
        pass

    def interrupt(progress: Progress) -> None:
        raise Stop

    with pytest.raises(Stop):
        extract(copied, report=interrupt)
    changed = copied.folder / "barking_0.mkv"
    changed.write_bytes((copied.folder / "wind_3.mkv").read_bytes())
    os.utime(changed, ns=(1, 1))
    _, table = read_store(extract(copied).path)
    assert isinstance(table.audio, np.ndarray)
    assert table.audio[table.video_id.index("barking_0")] == pytest.approx([0.4 / 2**0.5, 1.0], rel=1e-2)


def test_clips_that_cannot_be_used_are_left_out_by_name(copied: ExtractOptions) -> None:
    (copied.folder / "rain_1.mkv").write_text("no clip")
    (copied.folder / "siren_2.mkv").unlink()
    done = extract(copied)
    with done.path.with_name("left_out.csv").open(newline="") as stream:
        rows = {row["id"]: row["reason"] for row in csv.DictReader(stream)}
    assert rows.keys() == {"rain_1", "siren_2"}
    assert rows["siren_2"] == "missing"
    assert rows["rain_1"].startswith("unreadable: ")
    assert [(r.reason, r.count) for r in done.coverage.reasons] == [("missing", 1), ("unreadable", 1)]
    assert read_store(done.path)[0].videos == 18


def test_a_vector_that_is_no_number_leaves_the_clip_out(options: ExtractOptions) -> None:
    done = extract(replace(options, encoders="colour,broken"))
    assert [(r.reason, r.count) for r in done.coverage.reasons] == [("vector not finite", 5)]


def test_sequences_have_a_step_a_second(options: ExtractOptions) -> None:
    done = extract(replace(options, sequences=True))
    _, table = read_store(done.path)
    assert done.features == "colour_level_seq"
    assert isinstance(table.audio, Ragged)
    assert isinstance(table.visual, Ragged)
    assert table.audio.seconds == table.visual.seconds == 1.0
    assert len(table.audio) == len(table.visual) == 20
    assert set(np.diff(table.audio.offsets)) == {1}


def test_too_few_clips_leave_nothing(copied: ExtractOptions) -> None:
    for path in sorted(copied.folder.glob("*_[123].mkv")):
        path.unlink()
    with pytest.raises(DataError, match=r"5 of 20 standard videos can be used, 25\.0 %.*missing: 15"):
        extract(copied)
    assert not list(copied.root.glob("mine/*/features.h5"))
    assert extract(replace(copied, min_clips=0.2)).coverage.covered.videos == 5


def test_a_limit_takes_the_first_clips(options: ExtractOptions) -> None:
    done = extract(replace(options, limit=7, min_clips=0.0))
    assert read_store(done.path)[0].videos == 7


def test_replacing_needs_force_and_takes_the_old_files_away(options: ExtractOptions) -> None:
    done = extract(options)
    with pytest.raises(DataError, match="is there already; replace it with --force"):
        extract(options)
    again = extract(replace(options, frames="middle", features="colour_level", force=True))
    assert again.path == done.path
    assert again.fingerprint != done.fingerprint
    assert '"frames": "middle"' in done.path.with_name("extraction.json").read_text()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"encoders": "colour,colour"}, "one encoder of frames and one of sound are needed"),
        ({"encoders": "level"}, r"these are level \(audio\)"),
        ({"encoders": "colour,levle"}, "did you mean 'level'"),
        ({"frames": "uniform:0"}, "use 'middle' or 'uniform:N'"),
        ({"frames": "middle"}, "--frames: another recipe than the encoders' own; name it with --features"),
        ({"text": ("colour",)}, "this encoder encodes no texts"),
        ({"text": ("letters", "letters")}, "two of them are called the same"),
        ({"text": ()}, "no text embeddings: neither encoder has a text side"),
        ({"text": ("word2vec=",)}, "write ENCODER, or NAME=FILE"),
        ({"features": "clip_clap"}, "the name of another feature set"),
        ({"features": "a_seq"}, "is added where there are sequences"),
        ({"recipe": "published"}, "is for the encoder 'clip', not for 'colour'"),
        ({"dataset": "../mine"}, "not a valid name"),
    ],
)
def test_options_that_cannot_be(options: ExtractOptions, change: dict[str, object], expected: str) -> None:
    with pytest.raises(AvbenchError, match=expected) as error:
        extract(replace(options, **change))  # type: ignore[arg-type]
    assert "\n" not in str(error.value)
    assert not list(options.root.rglob("features.h5"))


def test_a_full_disk_leaves_what_is_finished(options: ExtractOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = extract(replace(options, root=options.root / "whole"))
    with monkeypatch.context() as patch:
        patch.setattr(module, "install_features", _full)
        with pytest.raises(AvbenchError, match="no space left"):
            extract(options)
    assert len(list(workspaces(options)[0].glob("batch-*"))) == 4
    assert extract(options).fingerprint == whole.fingerprint


def _full(*arguments: object, **named: object) -> None:
    raise AvbenchError("cannot write: no space left on device; choose another folder")


def test_a_fault_of_all_clips_ends_it_early(copied: ExtractOptions, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("avgzsl_bench.encoders.extraction.batches.FIRST", 10)
    for path in copied.folder.glob("*.mkv"):
        path.write_bytes(b"no clip")
    with pytest.raises(DataError, match="12 of the first 12 clips are left out for the same reason, 'unreadable"):
        extract(copied)


def test_the_published_recipe_cannot_be_mixed(options: ExtractOptions) -> None:
    for change in ({"frames": "middle"}, {"sequences": True}):
        with pytest.raises(ConfigError, match="no --frames, no --sequences"):
            extract(replace(options, recipe="published", **change))  # type: ignore[arg-type]
