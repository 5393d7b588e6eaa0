"""The built-in feature readers pass the checks, and each broken rule is found and named."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import published_tree
import pytest

import avgzsl_bench as ab
from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.testing import reader_checks
from avgzsl_bench.testing.reader_checks import CHECKS, check_reader
from avgzsl_bench.testing.reader_trial import ReaderTrial

BUILT_IN = {"avca": "selavi", "clipclap": "clip_clap", "tcaf": "selavi_seq"}


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return {
        reader: published_tree.write_tree(tmp_path_factory.mktemp(reader), features).root
        for reader, features in BUILT_IN.items()
    }


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("reader", BUILT_IN)
def test_built_in_readers(reader, check, samples):
    check(ReaderTrial.of(reader, samples[reader], "ucf"))


class Plain:
    """Reads `values.json` and `text.npy`; each subclass below breaks one rule."""

    def recognise(self, directory, datasets):
        path = directory / "values.json"
        return [ab.DetectedFeatures("plain", "ucf", "own", directory)] if self.there(path) else []

    def there(self, path):
        return path.exists()

    def read(self, found, dataset):
        path = found.path / "values.json"
        if any((found.path / name).is_symlink() for name in ("values.json", "text.npy")):
            raise ab.DataError(f"{path}: refused: a symbolic link")
        try:
            return self.table(json.loads(path.read_bytes()), np.load(found.path / "text.npy"))
        except (OSError, EOFError, ValueError) as error:
            raise ab.DataError(f"{path}: cannot be read: {type(error).__name__}") from error

    def table(self, content, text):
        features = np.array(content, np.float32)
        ids = [f"v{i}" for i in range(len(features))]
        label, partition = np.arange(len(ids)), np.ones(len(ids), np.uint8)
        return ab.FeatureTable(
            "ucf", "own", False, features, features, label, ids, partition, {"words": text}, "plain"
        )


def breaking(name, **broken):
    return type(name, (Plain,), broken)


def misrecognising(name, change):
    """A reader whose detected features are changed, given the folder."""

    def recognise(self, directory, datasets):
        return [replace(found, **change(directory)) for found in Plain.recognise(self, directory, datasets)]

    return breaking(name, recognise=recognise)


Misnamed = misrecognising("Misnamed", lambda directory: {"reader": "other"})
OtherDataset = misrecognising("OtherDataset", lambda directory: {"dataset": "vggsound"})
FeaturesLeadOut = misrecognising("FeaturesLeadOut", lambda directory: {"features": "../x"})
OutsidePath = misrecognising("OutsidePath", lambda directory: {"path": directory.parent})
FindsNone = breaking("FindsNone", recognise=lambda self, directory, datasets: None)
Blind = breaking("Blind", there=lambda self, path: False)
FindsEverything = breaking("FindsEverything", there=lambda self, path: True)

table_of = Plain.table


def reverse_labels(table):
    return replace(table, label=table.label[::-1].copy())


OtherFeatures = breaking("OtherFeatures", table=lambda *given: replace(table_of(*given), features="theirs"))
Unordered = breaking("Unordered", table=lambda *given: reverse_labels(table_of(*given)))
FewTexts = breaking("FewTexts", table=lambda self, content, text: table_of(self, content, text[:20]))
GivesDict = breaking("GivesDict", table=lambda self, content, text: {"audio": content})
Noisy = breaking("Noisy", table=lambda self, _, text: table_of(self, np.random.default_rng().random((3, 2)), text))


class MakesItUp(FindsEverything):
    def read(self, found, dataset):
        return self.table([[1.0]], np.zeros((101, 4), np.float32))


class RefusesStrangers(Plain):
    def there(self, path):
        if not path.exists():
            raise ab.DataError(f"{path}: missing")
        return True


class KeepsACache(Plain):
    def read(self, found, dataset):
        (found.path / "cache.bin").write_bytes(b"")
        return super().read(found, dataset)


class FollowsLinks(Plain):
    def read(self, found, dataset):
        path = found.path
        try:
            return self.table(json.loads((path / "values.json").read_bytes()), np.load(path / "text.npy"))
        except (OSError, EOFError, ValueError) as error:
            raise ab.DataError(f"{path}: cannot be read") from error


class ForgetsErrors(Plain):
    def read(self, found, dataset):
        try:
            content = json.loads((found.path / "values.json").read_text())
        except ValueError:
            content = [[0.0, 0.0]]
        return self.table(content, np.zeros((101, 4), np.float32))


class TwoLines(Plain):
    def read(self, found, dataset):
        try:
            return super().read(found, dataset)
        except ab.DataError as error:
            raise ab.DataError(f"{error}\nSorry.") from error


class OtherError(Plain):
    def read(self, found, dataset):
        json.loads((found.path / "values.json").read_bytes())
        return super().read(found, dataset)


@pytest.fixture
def sample(tmp_path):
    (tmp_path / "values.json").write_text("[[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]")
    np.save(tmp_path / "text.npy", np.random.default_rng(0).standard_normal((101, 4)).astype(np.float32))
    return tmp_path


def spec_of(target: type) -> ab.ReaderSpec:
    globals()["READER"] = target()
    return ab.ReaderSpec("plain", f"{__name__}:READER")


def test_a_plain_reader_passes(sample):
    check_reader(spec_of(Plain), sample, registered_dataset("ucf"))


@pytest.mark.parametrize(
    ("target", "rule"),
    [
        (Misnamed, "check_recognises: .*names itself 'other'; the reader is registered as 'plain'"),
        (OtherDataset, "check_recognises: DetectedFeatures.dataset is 'vggsound', but the sample is of 'ucf'"),
        (FeaturesLeadOut, "check_recognises: .*names a feature set '../x'"),
        (OutsidePath, "check_recognises: .*gives the path .* not at or below"),
        (Blind, "check_recognises: recognised nothing in the sample"),
        (FindsNone, "check_recognises: .*must return a list of DetectedFeatures, got NoneType"),
        (FindsEverything, "check_ignores_other_folders: refused an empty folder: recognise must return"),
        (MakesItUp, "check_ignores_other_folders: recognised features in an empty folder"),
        (RefusesStrangers, "check_ignores_other_folders: refused an empty folder: recognise must return"),
        (OtherFeatures, "check_feature_table: .*returned 'theirs' of 'ucf' where 'own' of 'ucf' was detected"),
        (Unordered, "check_feature_table: the table of 'own': videos are not in the order"),
        (FewTexts, "check_feature_table: .*returned 20 text vectors for the 101 classes"),
        (GivesDict, "check_feature_table: .*must return a FeatureTable, got dict"),
        (Noisy, "check_reads_the_same_twice: a second reading differs"),
        (KeepsACache, "check_writes_nothing: wrote into the folder it reads: cache.bin"),
        (FollowsLinks, "check_follows_no_link_out: text.npy replaced by a link out of the folder: followed"),
        (ForgetsErrors, "check_refuses_damaged_files: values.json cut to 0 of 36 bytes: read without an error"),
        (
            TwoLines,
            "check_refuses_damaged_files: text.npy cut to 0 of 1744 bytes: the message of DataError is not",
        ),
        (OtherError, "check_refuses_damaged_files: values.json cut to 0 of 36 bytes: .*failed: JSONDecodeError"),
    ],
)
def test_each_broken_rule_is_found_and_named(target, rule, sample):
    with pytest.raises(AssertionError, match=f"reader plain: {rule}"):
        check_reader(spec_of(target), sample, "ucf")


def test_of_many_files_some_are_tried_and_always_the_same(sample, monkeypatch):
    for i in range(5):
        (sample / f"{i}.txt").touch()
    monkeypatch.setattr(reader_checks, "MOST", 3)
    first, second = (reader_checks._some(sample, lambda path: path.is_file()) for _ in range(2))
    assert first == second
    assert len(first) == 3


def test_a_sample_that_is_not_there_is_named(tmp_path):
    with pytest.raises(ab.DataError, match=r"sample .*nowhere"):
        check_reader("avca", tmp_path / "nowhere", "ucf")
