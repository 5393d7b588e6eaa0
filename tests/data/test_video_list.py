from __future__ import annotations

import gzip
import hashlib
from pathlib import Path

import numpy as np
import pytest
from make_video_ids import DATASETS, TARGET, list_text

from avgzsl_bench.data.datasets import video_list
from avgzsl_bench.data.datasets.counts import covered, partition_counts
from avgzsl_bench.data.datasets.facts import PARTITIONS, partition_bit
from avgzsl_bench.data.datasets.registry import registered_dataset
from avgzsl_bench.data.datasets.video_list import packaged_videos
from avgzsl_bench.errors import DataError


@pytest.mark.parametrize(("name", "count"), [("ucf", 6816), ("activitynet", 20348)])
def test_the_lists_of_the_package_have_the_known_ids(name: str, count: int) -> None:
    dataset = registered_dataset(name)
    videos = packaged_videos(dataset)
    assert videos is not None
    assert len(set(videos.video_id)) == len(videos.video_id) == len(videos.label) == count
    for split in dataset.splits:
        for partition, facts in dataset.facts(split).items():
            inside = np.flatnonzero(
                ((videos.partition & partition_bit(partition)) != 0) & np.isin(videos.label, facts.classes)
            )
            content = "\n".join(sorted(videos.video_id[i] for i in inside))
            assert hashlib.sha256(content.encode()).hexdigest() == facts.ids_sha256
            assert np.bincount(videos.label[inside])[list(facts.classes)].tolist() == list(facts.videos)


def test_rows_are_in_the_order_of_class_and_id() -> None:
    videos = packaged_videos(registered_dataset("ucf"))
    assert videos is not None
    rows = list(zip(videos.label.tolist(), videos.video_id, strict=True))
    assert rows == sorted(rows)


def test_the_package_has_no_list_of_vggsound() -> None:
    assert packaged_videos(registered_dataset("vggsound")) is None


def test_class_of_each_ucf_video_is_the_one_in_its_name() -> None:
    dataset = registered_dataset("ucf")
    videos = packaged_videos(dataset)
    assert videos is not None
    for video, label in zip(videos.video_id, videos.label, strict=True):
        assert dataset.class_id(video.split("_")[1]) == label


@pytest.mark.parametrize("name", DATASETS)
def test_the_lists_are_those_of_the_published_csvs(shared: Path, name: str) -> None:
    text = list_text(shared / "data/official", registered_dataset(name))
    assert gzip.decompress((TARGET / f"{name}.csv.gz").read_bytes()).decode() == text


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: content[:-200], "damaged"),
        (lambda content: b"video,class,bits\n", "damaged"),
        (lambda content: gzip.compress(b"video,class,bits\nv_a,Archery,\xff\n"), "damaged"),
        (lambda content: gzip.compress(b"video,class,bits\nv_a,Nothing,8\n"), "damaged"),
        (lambda content: gzip.compress(b"video,bits\nv_a,8\n"), "damaged"),
        (lambda content: gzip.compress(b"video,class,bits\nv_a,Archery,8\n"), "not the standard videos of ucf"),
        (lambda content: gzip.compress(gzip.decompress(content).replace(b"g01_c01", b"g99_c01", 1)), "not the st"),
    ],
)
def test_a_damaged_list_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change, reason: str) -> None:
    folder = tmp_path / "data/datasets/video_ids"
    folder.mkdir(parents=True)
    (folder / "ucf.csv.gz").write_bytes(change((TARGET / "ucf.csv.gz").read_bytes()))
    monkeypatch.setattr(video_list, "files", lambda package: tmp_path)
    with pytest.raises(DataError, match=rf"ucf\.csv\.gz: {reason}.*install avgzsl-bench again$"):
        packaged_videos(registered_dataset("ucf"))


def test_all_standard_videos_are_counted() -> None:
    dataset = registered_dataset("ucf")
    videos = packaged_videos(dataset)
    assert videos is not None
    counts = partition_counts(dataset, videos.label, videos.partition)
    assert [(n.partition, n.split) for n in counts] == [(p, s) for p in PARTITIONS for s in dataset.splits]
    assert all((n.classes, n.videos) == (n.standard_classes, n.standard_videos) for n in counts)
    everything, cls = (covered(dataset, videos.label, videos.partition, split) for split in (None, "cls"))
    assert (everything.videos, everything.standard, everything.share) == (6816, 6816, 1.0)
    assert (cls.videos, cls.standard) == (6394, 6394)
    assert covered(dataset, videos.label, videos.partition, "cls-disjoint") == cls


def test_more_videos_of_one_class_do_not_stand_for_those_of_another() -> None:
    dataset = registered_dataset("ucf")
    archery = dataset.class_id("Archery")
    label = np.array([archery] * 5000 + [-1, 10**12], np.int64)
    partition = np.full(len(label), partition_bit("stage2_train"), np.uint8)
    facts = dataset.partitions["stage2_train"]
    assert covered(dataset, label, partition).videos == facts.videos[facts.classes.index(archery)]
    assert covered(dataset, label[:0], partition[:0]).share == 0.0
