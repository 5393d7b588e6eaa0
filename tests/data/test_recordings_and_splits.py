"""Recordings by video id, and the source-disjoint views: what stays, under which name and hash."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from click.testing import CliRunner
from plausible_tree import UCF_VIDEOS, write_plausible_tree
from published_tree import BY_NAME, UCF

import avgzsl_bench as ab
from avgzsl_bench.cli import main
from avgzsl_bench.data.datasets.facts import PARTITIONS, partition_bit
from avgzsl_bench.data.datasets.recordings import UNKNOWN, recordings
from avgzsl_bench.data.datasets.recordings import shared as sharing
from avgzsl_bench.data.datasets.splits import split_rows
from avgzsl_bench.data.layouts.importing import import_tree
from avgzsl_bench.data.layouts.tree import disk_name
from avgzsl_bench.data.store.store import read_header, read_rows
from avgzsl_bench.errors import DataError, UnknownNameError
from avgzsl_bench.records.verify import verify

# By hand. val_seen loses aaaaaaaaaaa_2 (with stage1_train) and keeps ddddddddddd_0 and eeeeeeeeeee_1.
# test_seen loses ccccccccccc_1 (with val_unseen), ddddddddddd_7 (with val_seen) and -_aaaaaaa-a_3 (with
# stage1_train), and keeps fffffffffff_0 and ggggggggggg_0. The unseen hhhhhhhhhhh_2 shares its recording with
# training and stays: only seen videos are left out.
VIDEOS = {
    "stage_1_train": {
        "Archery": ["aaaaaaaaaaa_0", "aaaaaaaaaaa_1", "hhhhhhhhhhh_0"],
        "Plataformdiving": ["-_aaaaaaa-a_0"],
    },
    "stage_1_val_seen": {"Archery": ["aaaaaaaaaaa_2", "ddddddddddd_0"], "Plataformdiving": ["eeeeeeeeeee_1"]},
    "stage_1_val_unseen": {},
    "stage_2_test_seen": {
        "Archery": ["ddddddddddd_7", "fffffffffff_0"],
        "Plataformdiving": ["-_aaaaaaa-a_3", "ggggggggggg_0"],
    },
    "stage_2_test_unseen": {},
}
LEFT = {"stage1_val_seen": ["ddddddddddd_0", "eeeeeeeeeee_1"]}
LEFT["stage2_test_seen"] = ["fffffffffff_0", "ggggggggggg_0"]


def _complete(videos):
    """With classes of each role as the dataset's lists have them."""
    facts = BY_NAME["activitynet"]
    names, train = facts.class_names, facts.facts("cls")["stage1_train"].classes
    one, other = names[train[0]], names[train[1]]
    unseen = names[facts.facts("cls")["stage1_val_unseen"].classes[0]]
    never = names[facts.facts("cls")["stage2_test_unseen"].classes[0]]
    role = {"Archery": one, "Plataformdiving": other}
    named = {p: {role[name]: ids for name, ids in classes.items()} for p, classes in videos.items()}
    named["stage_1_val_unseen"] = {unseen: ["ccccccccccc_0"]}
    named["stage_2_test_seen"][unseen] = ["ccccccccccc_1"]
    named["stage_2_test_unseen"] = {never: ["hhhhhhhhhhh_2", "iiiiiiiiiii_0"]}
    return named


def install(folder, videos, dataset="activitynet", features="clip_clap"):
    """A data folder with such features, and the path of their store."""
    write_plausible_tree(folder / "in", features, dataset, videos)
    (result,) = import_tree(folder / "in", folder / "data", force=False)
    return folder / "data", result.path


def install_ucf(folder, *archery):
    """The data folder of UCF features in which these are the seen test videos."""
    return install(folder, UCF_VIDEOS | {"stage_2_test_seen": {"Archery": list(archery)}}, "ucf", "selavi")[0]


def load(root, split, dataset="activitynet", features="clip_clap"):
    return ab.load_benchmark(dataset, features, split, data_root=root)


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """ActivityNet features with YouTube-style ids, as installed."""
    return install(tmp_path_factory.mktemp("disjoint"), _complete(VIDEOS))


@pytest.mark.parametrize(
    ("name", "groups", "unknown"),
    [
        ("ucf", ["v_Archery_g01_c01 v_Archery_g01_c07", "v_Archery_g02_c01", "v_Bowling_g01_c01"], ["x"]),
        ("vggsound", ["--0PQM4-hqg_000030 --0PQM4-hqg_000123", "_a_000-_b00_000001"], ["_a_000-_b00_1", ""]),
        ("activitynet", ["yDH9iAn82Q8_1 yDH9iAn82Q8_12", "_DH9iAn82Q8_1"], ["sim_000_00000"]),
    ],
)
def test_recordings_by_id(name, groups, unknown):
    ids = [*" ".join(groups).split(), *unknown]
    number = dict(zip(ids, recordings(BY_NAME[name], ids).tolist(), strict=True))
    assert {number[i] for i in unknown} == {UNKNOWN}
    found = [{number[i] for i in group.split()} for group in groups]
    assert [len(numbers) for numbers in found] == [1] * len(groups), "one recording per group"
    assert len({UNKNOWN}.union(*found)) == len(groups) + 1, "another one each"


def test_unknown_recordings_are_shared_with_none():
    numbers = np.array([UNKNOWN, 0, 1])
    assert sharing(numbers, np.array([UNKNOWN, 1])).tolist() == [False, False, True]
    assert recordings(UCF, []).shape == (0,)
    assert recordings(UCF.model_copy(update={"recording": None}), ["v_A_g01_c01"]).tolist() == [UNKNOWN]


def test_what_stays_of_an_imported_tree(imported):
    root, path = imported
    standard = load(root, "cls")
    view = load(root, "cls-disjoint")
    assert dict(standard.counts) == dict(zip(PARTITIONS, (4, 3, 1, 8, 5, 2), strict=True))
    assert dict(view.counts) == dict(standard.counts) | {"stage1_val_seen": 2, "stage2_test_seen": 2}
    ids = np.array(read_rows(read_header(path)).video_id)
    unseen = {"ccccccccccc_0"}, {"hhhhhhhhhhh_2", "iiiiiiiiiii_0"}
    for task, scored, rest in zip(
        (view.selection, view.final), ("stage1_val_seen", "stage2_test_seen"), unseen, strict=True
    ):
        assert set(ids[task.truth.row]) == {*LEFT[scored], *rest}
    assert view.spec.split == "cls-disjoint"
    assert view.final.classes.names == standard.final.classes.names
    assert len(view.final.train) == len(standard.final.train)


def test_each_view_has_its_own_hash(imported, tmp_path):
    root, _ = imported
    names = ("cls", "main", "cls-disjoint", "main-disjoint")
    hashes = [load(root, name).spec.split_hash for name in names]
    assert len(set(hashes)) == 4
    assert hashes[:2] == [BY_NAME["activitynet"].split_hash(name) for name in names[:2]]
    fewer = _complete(VIDEOS)
    fewer["stage_1_train"] = {name: ids[:2] for name, ids in fewer["stage_1_train"].items()}
    same = load(install(tmp_path / "fewer", fewer)[0], "cls-disjoint")
    assert same.spec.split_hash == hashes[2], "the same videos are left out"
    fewer["stage_1_train"] = {
        name: [i for i in ids if i[0] != "-"] or ["jjjjjjjjjjj_0"] for name, ids in fewer["stage_1_train"].items()
    }
    other = load(install(tmp_path / "other", fewer)[0], "cls-disjoint")
    assert other.counts["stage2_test_seen"] == 3
    assert other.spec.split_hash != hashes[2]


SHARED = ("v_Archery_g01_c02", "v_Archery_g10_c02")


@pytest.mark.parametrize(
    ("split", "videos", "message"),
    [
        ("main-disjoint", SHARED, r"main-disjoint has no videos in stage2_test_seen: all 2 .*--split main$"),
        (
            "cls-disjoint",
            (SHARED[0], "my_video"),
            r"1 ids do not name the recording, such as 'my_video'; use --split cls$",
        ),
    ],
)
def test_where_no_seen_clip_stays_or_recordings_are_unknown_the_view_is_refused(tmp_path, split, videos, message):
    root = install_ucf(tmp_path, *videos)
    with pytest.raises(DataError, match=message):
        load(root, split, "ucf", "selavi")


@pytest.mark.parametrize("features", ["auto", "simulated"])
def test_simulated_videos_have_no_recordings(tmp_path, features):
    with pytest.raises(DataError, match=r"simulated videos have no recordings; .*--split cls$"):
        load(tmp_path, "cls-disjoint", "ucf", features)
    assert not list(tmp_path.iterdir()), "nothing is made before the refusal"


def test_names(imported):
    root, _ = imported
    assert UCF.split_names == ("main", "cls", "main-disjoint", "cls-disjoint")
    with pytest.raises(UnknownNameError, match="did you mean 'cls-disjoint'"):
        load(root, "cls-disjont")
    without = UCF.model_copy(update={"recording": None})
    assert without.split_names == ("main", "cls")
    with pytest.raises(UnknownNameError, match=r"\(known: cls, main\)"):
        without.facts("cls-disjoint")
    with pytest.raises(UnknownNameError):
        UCF.split_hash("cls-disjoint")  # it depends on the data


def test_a_run_on_a_view_has_its_own_place_and_board(imported, tmp_path):
    root, _ = imported
    out = tmp_path / "results"

    def run(split):
        arguments = ["run", "--method", "chance", "--dataset", "activitynet", "--data-root", root, "--out", out]
        return CliRunner().invoke(main, [*map(str, arguments), "--split", split])

    for split in ("cls", "cls-disjoint"):
        result = run(split)
        assert result.exit_code == 0, result.output
        assert "already finished" in run(split).output
    files = sorted(out.rglob("*.json"))
    assert [file.relative_to(out).parts[:3] for file in files] == [
        ("activitynet", "clip_clap", "cls"),
        ("activitynet", "clip_clap", "cls-disjoint"),
    ]
    standard, view = (verify(file) for file in files)
    assert (standard.decisions.videos, view.decisions.videos) == (7, 4)
    assert standard.data.split_hash != view.data.split_hash
    boards = tmp_path / "boards"
    result = CliRunner().invoke(main, ["leaderboard", "--results", str(out), "--out", str(boards)])
    assert result.exit_code == 0, result.output
    assert {f.name for f in boards.glob("*.csv")} == {
        "activitynet-clip_clap-cls-other-videos.csv",
        "activitynet-clip_clap-cls-disjoint-other-videos.csv",
    }
    altered = json.loads(files[1].read_text())
    altered["data"]["split_hash"] = standard.data.split_hash
    files[1].write_text(json.dumps(altered))
    result = run("cls-disjoint")
    assert result.exit_code == 2
    assert "one of them was altered" in result.output


def _published_ucf(shared):
    """Class id, partition mask and id of each video of the published UCF csvs."""
    masks, labels = {}, {}
    for partition in PARTITIONS:
        file = shared / "data/official/UCF/class-split/main_split" / f"{disk_name(partition)}.csv"
        with file.open(newline="") as stream:
            for row in csv.DictReader(stream):
                masks[row["filename"]] = masks.get(row["filename"], 0) | partition_bit(partition)
                labels[row["filename"]] = int(row["label_code"])
    ids = sorted(masks)
    return np.array([labels[i] for i in ids]), np.array([masks[i] for i in ids], np.uint8), ids


def test_all_555_published_ucf_clips_share_their_recording(shared):
    label, mask, ids = _published_ucf(shared)
    assert len(ids) == 6816
    numbers = recordings(UCF, ids)
    assert (numbers != UNKNOWN).all()
    rows = split_rows(label, mask, ids, UCF, "main", "csv").rows
    for scored, training, count in (
        ("stage2_test_seen", "stage2_train", 555),
        ("stage1_val_seen", "stage1_train", 353),
        ("stage2_test_unseen", "stage2_train", 0),
        ("stage1_val_unseen", "stage1_train", 0),
    ):
        assert sharing(numbers[rows[scored]], numbers[rows[training]]).sum() == count
    with pytest.raises(DataError, match=r"has no videos in stage2_test_seen: all 555 come from .*--split cls$"):
        split_rows(label, mask, ids, UCF, "cls-disjoint", "csv")


def test_a_run_that_is_refused_says_so_in_one_line_and_writes_nothing(tmp_path):
    root = install_ucf(tmp_path, *SHARED)
    before = sorted(tmp_path.rglob("*"))
    options = ["--dataset", "ucf", "--data-root", str(root), "--out", str(tmp_path / "results")]
    for split in ("cls-disjoint", "main-disjoint", "cls-disjont"):
        result = CliRunner().invoke(main, ["run", "--method", "chance", *options, "--split", split])
        assert result.exit_code == 2
        assert len([line for line in result.output.splitlines() if line.startswith("error: ")]) == 1
    assert sorted(tmp_path.rglob("*")) == before
