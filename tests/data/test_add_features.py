from __future__ import annotations

import json
import re
from pathlib import Path
from unittest.mock import patch

import h5py
import numpy as np
import pandas as pd
import pytest
from own_features import ROLES, OwnFiles
from published_tree import UCF

from avgzsl_bench.data.datasets.facts import PARTITIONS, partition_bit
from avgzsl_bench.data.datasets.registry import known_dataset, known_datasets, read_own_dataset
from avgzsl_bench.data.store.store import read_header, read_store
from avgzsl_bench.errors import AvbenchError, DataError, UnknownNameError


def test_a_new_dataset(own: OwnFiles) -> None:
    result = own.add()
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    header, table = read_store(own.store)
    assert (header.dataset, header.features, header.source, header.simulated) == ("mine", "own", "added", False)
    dataset = known_dataset("mine", own.root)
    assert dataset.class_names == tuple(sorted(ROLES))
    where = {video: i for i, (video, _, _) in enumerate(own.rows)}
    for i, video in enumerate(table.video_id):
        _, name, partition = own.rows[where[video]]
        assert dataset.class_names[table.label[i]] == name
        bits = {p.replace("stage_", "stage") for p in partition.split("; ")}
        bits |= {"stage2_train"} if any(b.startswith("stage1") for b in bits) else set()
        assert {p for p in PARTITIONS if table.partition[i] & partition_bit(p)} == bits
        np.testing.assert_array_equal(table.audio[i], own.audio[where[video]].astype(np.float32))
        np.testing.assert_array_equal(table.visual[i], own.visual[where[video]])
    for class_id, name in enumerate(dataset.class_names):
        assert table.text["clip"][class_id, 0] == list(ROLES).index(name)
    assert {c.readable for c in dataset.classes} == {f"Class {name}" for name in ROLES}
    facts = dataset.facts("cls")
    assert [dataset.class_names[c] for c in facts["stage2_train"].classes] == ["B", "a/c", "b", "d", "e"]
    assert facts["stage2_test_unseen"].videos == (8,)
    assert facts["stage1_train"].videos == (6, 6, 6)


def test_it_can_be_run_listed_verified_exported_and_imported(tmp_path: Path) -> None:
    own = OwnFiles(tmp_path, {name.replace("/", "-"): role for name, role in ROLES.items()})
    assert own.add().exit_code == 0

    def call(*arguments: object) -> str:
        result = own.call(*arguments)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    call("run", "--method", "eszsl", "--dataset", "mine", "--out", tmp_path / "results")
    (record,) = (tmp_path / "results").rglob("*.json")
    data = json.loads(record.read_text(encoding="utf-8"))["data"]
    assert (data["dataset"], data["features"], data["simulated"]) == ("mine", "own", False)
    assert "mine" in call("datasets")
    assert "mine own: the standard data, unaltered" in call("data", "verify", "mine")
    before = read_header(own.store).fingerprint
    call("data", "export", "mine", tmp_path / "out", "--features", "own", "--layout", "avca")
    call("data", "import", tmp_path / "out", "--force")
    assert read_header(own.store).fingerprint == before


@pytest.mark.parametrize("form", ["parquet", "h5", "single"])
def test_other_forms_give_the_same_store(own: OwnFiles, tmp_path: Path, form: str) -> None:
    own.add()
    expected = read_header(own.store).fingerprint
    change: dict[str, object] = {}
    if form == "parquet":
        frame = pd.DataFrame(own.rows, columns=["video", "class", "partition"])
        frame["more"] = range(len(frame))
        frame.to_parquet(own.path("videos.parquet"))
        change["videos"] = own.path("videos.parquet")
    elif form == "h5":
        with h5py.File(own.path("both.hdf5"), "w") as file:
            file.create_dataset("a", data=own.audio, compression="gzip", chunks=(4, 5))
            file["v"] = own.visual
        change |= {"audio": f"{own.path('both.hdf5')}:a", "visual": f"{own.path('both.hdf5')}:v"}
    else:
        np.save(own.path("audio.npy"), np.asfortranarray(own.audio.astype(np.float32)).astype(">f4"))
    assert own.add("mine", "--force", **change).exit_code == 0
    assert read_header(own.store).fingerprint == expected


def test_more_features_of_a_dataset(own: OwnFiles) -> None:
    own.add()
    assert own.add(features="more", classes=None).exit_code == 0
    assert own.add(features="again").exit_code == 0  # the same classes once more
    own.refuses("is there already; replace it with --force")
    own.edit_classes(lambda frame: frame.assign(cls=frame["cls"].where(frame["name"] != "e", "")))
    own.refuses("has other classes or roles", features="third")
    own.refuses(f"or remove {own.root / 'mine'}, with every feature set in it, to begin anew", features="third")


def test_a_dataset_without_features_can_be_described_anew(own: OwnFiles) -> None:
    own.add()
    own.store.unlink()
    own.edit_classes(lambda frame: frame.assign(readable="another"))
    own.refuses(f"or remove {own.facts} to begin anew", "mine", "--force")
    own.facts.unlink()
    assert own.add().exit_code == 0


def test_differences_from_the_standard_are_told(own: OwnFiles) -> None:
    own.add()
    keep = [i for i, row in enumerate(own.rows) if row[2] != "stage2_test_seen" or row[1] != "b"]
    own.rows = [own.rows[i] for i in keep]
    own.audio, own.visual = own.audio[keep], own.visual[keep]
    own.write()
    result = own.add(features="fewer", classes=None)
    assert result.exit_code == 0
    assert "difference: stage2_test_seen: no videos of 1 class: b" in result.stderr


def test_features_of_a_registered_dataset(own: OwnFiles) -> None:
    seen, val, unseen = (
        UCF.class_names[UCF.facts("main")[p].classes[0]]
        for p in ("stage1_train", "stage1_val_unseen", "stage2_test_unseen")
    )
    own.rows = [
        *((f"s{i}", seen, p) for i, p in enumerate(("stage1_train", "stage1_val_seen", "stage2_test_seen"))),
        ("v", val, "stage1_val_unseen"),
        ("u", unseen, "stage2_test_unseen"),
    ]
    own.audio, own.visual = np.zeros((5, 512)), np.zeros((5, 512), np.float32)
    own.write()
    own.write_text({c.readable: [1.0] * 300 for c in UCF.classes})
    text = f"word2vec={own.path('text.json')}"
    own.refuses("'ucf' is a registered dataset; leave --classes out", "ucf", text=text)
    result = own.add("ucf", classes=None, text=text, features="extracted")
    assert result.exit_code == 0, result.stderr
    assert "difference: stage1_train: 1 videos, standard 3174" in result.stderr
    own.rows[-1] = ("u", seen, "stage2_test_seen")
    own.write()
    own.refuses("no video is in stage2_test_unseen", "ucf", classes=None, text=text)
    own.rows[-1] = ("u", seen, "stage2_test_unseen")
    own.write()
    own.refuses(f"no split of ucf has their class ('{seen}')", "ucf", classes=None, text=text)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"features": "../own"}, "is not a valid name"),
        ({"features": "simulated"}, "choose another name"),
        ({"features": "auto"}, "choose another name"),
        ({"features": "own_seq"}, "marks sequences"),
        ({"text": "hashed=text.json"}, "'hashed' is what simulated features"),
        ({"text": "text.json"}, "write ENCODER=FILE"),
        ({"classes": None}, "describe a new dataset with --classes"),
        ({"videos": "nowhere.csv"}, "nowhere.csv: no such file"),
        ({"videos": "videos.xlsx"}, "known: .csv, .parquet"),
        ({"audio": "nowhere.npy"}, "nowhere.npy: no such file"),
        ({"audio": "audio.txt"}, "unknown kind of file"),
        ({"card": "nowhere.json"}, "nowhere.json: cannot be read"),
    ],
)
def test_bad_options(own: OwnFiles, change: dict[str, object], expected: str) -> None:
    own.refuses(expected, **change)


def test_text_of_every_class_in_use_is_needed(own: OwnFiles) -> None:
    own.write_text({"b": [1.0], "B": [2.0]})
    own.refuses("text 'clip' has no vector for 'a/c', 'd', 'e' and 1 more")


def test_a_card_comes_along(own: OwnFiles) -> None:
    card = own.write_card(title="made at home")
    own.write_text({name: [float(i), 1.0] for i, name in enumerate(ROLES)})
    own.refuses("states widths", card=card)
    own.write()
    assert own.add(card=card).exit_code == 0
    assert "made at home" in own.call("data", "info", "mine").stdout
    assert own.add("mine", "--force").exit_code == 0
    assert "made at home" not in own.call("data", "info", "mine").stdout


NO_SPACE = {"side_effect": AvbenchError("cannot write: no space left")}


@pytest.mark.parametrize("with_card", [True, False])
def test_what_fails_leaves_the_card_that_was_there(own: OwnFiles, with_card: bool) -> None:
    assert own.add(card=own.write_card()).exit_code == 0
    card = own.store.with_name("card.json")
    before = card.read_bytes()
    change = {"card": own.write_card(title="another")} if with_card else {}
    with patch("avgzsl_bench.data.own.installing.write_store", **NO_SPACE):
        own.refuses("no space left", "mine", "--force", **change)
    assert card.read_bytes() == before
    assert own.add("mine", "--force", **change).exit_code == 0
    assert sorted(p.name for p in card.parent.iterdir()) == [*(["card.json"] if with_card else []), "features.h5"]


def test_nothing_stays_where_the_store_cannot_be_written(own: OwnFiles) -> None:
    with patch("avgzsl_bench.data.own.installing.write_store", **NO_SPACE):
        own.refuses("no space left", card=own.write_card())
    assert own.add().exit_code == 0


def test_a_data_folder_that_cannot_be_is_told_in_a_line(own: OwnFiles) -> None:
    own.path("file").touch()
    own.refuses("Not a directory", **{"data-root": own.path("file") / "data"})


def test_the_example_of_the_documentation(own: OwnFiles) -> None:
    page = (Path(__file__).parents[2] / "docs" / "own-features.md").read_text(encoding="utf-8")
    classes, videos = re.findall(r"```csv\n(.*?)```", page, re.DOTALL)
    own.audio, own.visual = own.audio[:6], own.visual[:6]
    own.write()
    own.path("classes.csv").write_text(classes, encoding="utf-8")
    own.path("videos.csv").write_text(videos, encoding="utf-8")
    own.write_text({name: [1.0] for name in ("dog_bark", "playing violin", "rain", "siren wailing")})
    assert own.add().exit_code == 0
    assert len(read_store(own.store)[1]) == 6


def test_a_dataset_of_the_data_folder_shadows_no_registered_one(own: OwnFiles) -> None:
    own.add()
    taken = own.root / "ucf" / "dataset.json"
    taken.parent.mkdir()
    content = json.loads(own.facts.read_text(encoding="utf-8"))
    taken.write_text(json.dumps(content | {"name": "ucf"}), encoding="utf-8")
    assert known_dataset("ucf", own.root) == UCF
    assert known_datasets(own.root)["ucf"] == UCF
    assert "a registered dataset is called 'ucf'" in own.call("data", "list").stderr
    with pytest.raises(UnknownNameError, match="did you mean 'mine'"):
        known_dataset("mien", own.root)
    with pytest.raises(UnknownNameError):
        known_dataset("../mine", own.root)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"name": "other"}, "belongs elsewhere"),
        ({"recording": "(a+)+b"}, "refused: .*'recording'"),
        ({"splits": {"../../x": {}}}, "a split cannot be called"),
        ({"splits": {}}, "has no split"),
        ({"partitions": {}}, "partitions must be exactly"),
        ({"classes": [{"name": "a\n", "listed": "a", "readable": "a", "clip": "a"}] * 6}, "not printable"),
        ({"title": "x" * (1 << 24)}, "larger than"),
    ],
)
def test_a_dataset_file_is_not_trusted(own: OwnFiles, change: dict[str, object], expected: str) -> None:
    own.add()
    content = json.loads(own.facts.read_text(encoding="utf-8"))
    own.facts.write_text(json.dumps(content | change), encoding="utf-8")
    with pytest.raises(DataError, match=expected):
        read_own_dataset(own.facts)


@pytest.fixture
def plain(own: OwnFiles) -> OwnFiles:
    """A dataset that is added, and whose names of classes can be names of files."""
    plain = OwnFiles(own.folder, {name.replace("/", "-"): role for name, role in ROLES.items()})
    assert plain.add().exit_code == 0
    return plain


def export(own: OwnFiles, layout: str) -> Path:
    folder = own.path("exported")
    result = own.call("data", "export", "mine", folder, "--features", "own", "--layout", layout)
    assert result.exit_code == 0
    return folder


@pytest.mark.parametrize("layout", ["avca", "clipclap"])
def test_it_is_the_same_store_under_another_data_folder(plain: OwnFiles, layout: str) -> None:
    other = plain.path("other")
    assert plain.call("data", "import", export(plain, layout), root=other).exit_code == 0
    imported = read_header(other / "mine" / "own" / "features.h5")
    assert imported.fingerprint == read_header(plain.store).fingerprint
    assert known_dataset("mine", other) == known_dataset("mine", plain.root)


def test_facts_from_outside_are_checked(plain: OwnFiles) -> None:
    exported = export(plain, "avca")
    (facts,) = exported.rglob("dataset.json")
    content = json.loads(facts.read_text())
    facts.write_text(json.dumps(content | {"recording": "(a+)+$"}))
    result = plain.call("data", "import", exported, root=plain.path("other"))
    assert result.exit_code == 2
    assert "only a registered dataset may bring a regular expression" in result.stderr
    outside = plain.path("outside.json")
    outside.write_text(json.dumps(content))
    facts.unlink()
    facts.symlink_to(outside)
    result = plain.call("data", "import", exported, root=plain.path("other"))
    assert result.exit_code == 2
    assert "symbolic link" in result.stderr
    assert not plain.path("other").exists()
