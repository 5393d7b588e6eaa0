from __future__ import annotations

import builtins
import json
import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from published_tree import UCF, standard_plugins

from avgzsl_bench.cli import main
from avgzsl_bench.data.cards.cards import card_of
from avgzsl_bench.data.datasets.facts import PARTITIONS, partition_bit
from avgzsl_bench.data.datasets.registry import known_dataset, known_datasets, read_own_dataset
from avgzsl_bench.data.own.array_file import read_vectors
from avgzsl_bench.data.own.video_table import read_video_table
from avgzsl_bench.data.store.store import read_store
from avgzsl_bench.errors import AvbenchError, DataError, UnknownNameError

ROLES = {"a/c": "train", "b": "train", "B": "train", "d": "val_unseen", "e": "val_unseen", "f": "test_unseen"}
NAMES = list(ROLES)


@pytest.fixture(autouse=True)
def _plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    standard_plugins(monkeypatch)


def rows() -> list[tuple[str, str, str]]:
    """Id, class and partition of each video, in an order of no meaning."""
    found = []
    for name, role in ROLES.items():
        for i in range(8):
            where = {
                "train": "stage1_train",
                "val_unseen": "stage_1_val_unseen",
                "test_unseen": "stage2_test_unseen",
            }
            partition = where[role]
            if role != "test_unseen" and i == 0:
                partition = "stage2_test_seen"
            elif role == "train" and i == 1:
                partition = "stage1_val_seen; stage2_train"
            found.append((f"{ord(name[0])}_{i}", name, partition))
    return [found[i] for i in np.random.RandomState(0).permutation(len(found))]


class Bench:
    """Files of a user, and the command that adds them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = folder / "data"
        self.rows = rows()
        random = np.random.RandomState(1)
        self.audio = random.standard_normal((len(self.rows), 5))
        self.visual = random.standard_normal((len(self.rows), 7)).astype(np.float32)
        self.options: dict[str, Any] = {"features": "own"}
        self.write()

    def path(self, name: str) -> Path:
        return self.folder / name

    def write(self) -> None:
        pd.DataFrame(self.rows, columns=["video", "class", "partition"]).to_csv(
            self.path("videos.csv"), index=False
        )
        np.save(self.path("audio.npy"), self.audio)
        with h5py.File(self.path("visual.h5"), "w") as file:
            file["visual"] = self.visual
        vectors = {name: [float(i), 1.0, 2.0] for i, name in enumerate(NAMES)}
        self.path("text.json").write_text(json.dumps(vectors), encoding="utf-8")
        classes = [(name, f"Class {name}", role) for name, role in ROLES.items()]
        pd.DataFrame(classes, columns=["name", "readable", "cls"]).to_csv(self.path("classes.csv"), index=False)

    def __call__(self, dataset: str = "mine", *more: object, **change: object) -> Result:
        options = {
            "features": "own",
            "videos": self.path("videos.csv"),
            "audio": self.path("audio.npy"),
            "visual": self.path("visual.h5"),
            "text": f"clip={self.path('text.json')}",
            "classes": self.path("classes.csv"),
            "data-root": self.root,
        }
        arguments = [f"--{key}={value}" for key, value in (options | change).items() if value is not None]
        return CliRunner().invoke(main, ["data", "add", dataset, *arguments, *map(str, more)])

    def refuses(self, said: str, dataset: str = "mine", *more: object, **change: object) -> None:
        before = sorted(self.root.rglob("*")) if self.root.exists() else None
        result = self(dataset, *more, **change)
        assert result.exit_code == 2, result.stdout
        assert said in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert (sorted(self.root.rglob("*")) if self.root.exists() else None) == before


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def test_a_new_dataset(bench: Bench) -> None:
    result = bench()
    assert result.exit_code == 0, result.stderr
    assert result.stderr == ""
    header, table = read_store(bench.root / "mine" / "own" / "features.h5")
    assert (header.dataset, header.features, header.source, header.simulated) == ("mine", "own", "added", False)
    dataset = known_dataset("mine", bench.root)
    assert dataset.class_names == tuple(sorted(NAMES))
    where = {video: i for i, (video, _, _) in enumerate(bench.rows)}
    for i, video in enumerate(table.video_id):
        _, name, partition = bench.rows[where[video]]
        assert dataset.class_names[table.label[i]] == name
        bits = {p.replace("stage_", "stage") for p in partition.split("; ")}
        bits |= {"stage2_train"} if any(b.startswith("stage1") for b in bits) else set()
        assert {p for p in PARTITIONS if table.partition[i] & partition_bit(p)} == bits
        np.testing.assert_array_equal(table.audio[i], bench.audio[where[video]].astype(np.float32))
        np.testing.assert_array_equal(table.visual[i], bench.visual[where[video]])
    for class_id, name in enumerate(dataset.class_names):
        assert table.text["clip"][class_id, 0] == NAMES.index(name)
    assert {c.readable for c in dataset.classes} == {f"Class {name}" for name in NAMES}
    facts = dataset.facts("cls")
    assert [dataset.class_names[c] for c in facts["stage2_train"].classes] == ["B", "a/c", "b", "d", "e"]
    assert facts["stage2_test_unseen"].videos == (8,)
    assert facts["stage1_train"].videos == (6, 6, 6)


def test_it_can_be_run_listed_verified_exported_and_imported(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.undo()  # runs need methods

    def call(*arguments: object) -> Result:
        result = CliRunner().invoke(main, [*map(str, arguments), "--data-root", str(bench.root)])
        assert result.exit_code == 0, result.stderr
        return result

    bench.rows = [(video, name.replace("/", "-"), partition) for video, name, partition in bench.rows]
    text = {n.replace("/", "-"): [i, 1.0] for i, n in enumerate(NAMES)}
    bench.write()
    bench.path("text.json").write_text(json.dumps(text), encoding="utf-8")
    classes = pd.read_csv(bench.path("classes.csv")).replace({"a/c": "a-c"})
    classes.to_csv(bench.path("classes.csv"), index=False)
    assert bench().exit_code == 0
    call("run", "--method", "eszsl", "--dataset", "mine", "--out", tmp_path / "results")
    (record,) = (tmp_path / "results").rglob("*.json")
    data = json.loads(record.read_text(encoding="utf-8"))["data"]
    assert (data["dataset"], data["features"], data["simulated"]) == ("mine", "own", False)
    assert "mine" in call("datasets").stdout
    assert "mine own: the standard data, unaltered" in call("data", "verify", "mine").stdout
    before = read_store(bench.root / "mine" / "own" / "features.h5")[0].fingerprint
    call("data", "export", "mine", tmp_path / "out", "--features", "own", "--layout", "avca")
    call("data", "import", tmp_path / "out", "--force")
    assert read_store(bench.root / "mine" / "own" / "features.h5")[0].fingerprint == before


@pytest.mark.parametrize("form", ["parquet", "h5", "single"])
def test_other_forms_give_the_same_store(bench: Bench, tmp_path: Path, form: str) -> None:
    bench()
    expected = read_store(bench.root / "mine" / "own" / "features.h5")[0].fingerprint
    change: dict[str, object] = {}
    if form == "parquet":
        frame = pd.DataFrame(bench.rows, columns=["video", "class", "partition"])
        frame["more"] = range(len(frame))
        frame.to_parquet(bench.path("videos.parquet"))
        change["videos"] = bench.path("videos.parquet")
    elif form == "h5":
        with h5py.File(bench.path("both.hdf5"), "w") as file:
            file.create_dataset("a", data=bench.audio, compression="gzip", chunks=(4, 5))
            file["v"] = bench.visual
        change |= {"audio": f"{bench.path('both.hdf5')}:a", "visual": f"{bench.path('both.hdf5')}:v"}
    else:
        np.save(bench.path("audio.npy"), np.asfortranarray(bench.audio.astype(np.float32)).astype(">f4"))
    assert bench("mine", "--force", **change).exit_code == 0
    assert read_store(bench.root / "mine" / "own" / "features.h5")[0].fingerprint == expected


def test_more_features_of_a_dataset(bench: Bench) -> None:
    bench()
    assert bench(features="more", classes=None).exit_code == 0
    assert bench(features="again").exit_code == 0  # the same classes once more
    bench.refuses("is there already; replace it with --force")
    classes = pd.read_csv(bench.path("classes.csv"))
    classes.loc[classes["name"] == "e", "cls"] = ""
    classes.to_csv(bench.path("classes.csv"), index=False)
    bench.refuses("has other classes or roles", features="third")
    bench.refuses(
        f"or remove {bench.root / 'mine'}, with every feature set in it, to begin anew", features="third"
    )


def test_differences_from_the_standard_are_told(bench: Bench) -> None:
    bench()
    keep = [i for i, row in enumerate(bench.rows) if row[2] != "stage2_test_seen" or row[1] != "b"]
    bench.rows = [bench.rows[i] for i in keep]
    bench.audio, bench.visual = bench.audio[keep], bench.visual[keep]
    bench.write()
    result = bench(features="fewer", classes=None)
    assert result.exit_code == 0
    assert "difference: stage2_test_seen: no videos of 1 class: b" in result.stderr


def test_features_of_a_registered_dataset(bench: Bench) -> None:
    seen, val, unseen = (
        UCF.class_names[UCF.facts("main")[p].classes[0]]
        for p in ("stage1_train", "stage1_val_unseen", "stage2_test_unseen")
    )
    bench.rows = [
        *((f"s{i}", seen, p) for i, p in enumerate(("stage1_train", "stage1_val_seen", "stage2_test_seen"))),
        ("v", val, "stage1_val_unseen"),
        ("u", unseen, "stage2_test_unseen"),
    ]
    bench.audio, bench.visual = np.zeros((5, 512)), np.zeros((5, 512), np.float32)
    bench.write()
    vectors = {c.readable: [1.0] * 300 for c in UCF.classes}
    bench.path("text.json").write_text(json.dumps(vectors), encoding="utf-8")
    text = f"word2vec={bench.path('text.json')}"
    bench.refuses("'ucf' is a registered dataset; leave --classes out", "ucf", text=text)
    result = bench("ucf", classes=None, text=text, features="selavi")
    assert result.exit_code == 0, result.stderr
    assert "difference: stage1_train: 1 videos, standard 3174" in result.stderr
    bench.refuses("clip_clap is 1024/512", "ucf", classes=None, text=text, features="clip_clap")
    bench.rows[-1] = ("u", seen, "stage2_test_seen")
    bench.write()
    bench.refuses("no video is in stage2_test_unseen", "ucf", classes=None, text=text)
    bench.rows[-1] = ("u", seen, "stage2_test_unseen")
    bench.write()
    bench.refuses(f"no split of ucf has their class ('{seen}')", "ucf", classes=None, text=text)


@pytest.mark.parametrize(
    ("change", "said"),
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
def test_bad_options(bench: Bench, change: dict[str, object], said: str) -> None:
    bench.refuses(said, **change)


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (("x", "b", "stage1_trian"), "unknown partition 'stage1_trian'"),
        (("x", "b", " "), "a video without partition"),
        (("x", "b", "stage1_train stage2_test_seen"), "'x' is in stage2_train and stage2_test_seen"),
        (("x", "b", "stage1_train;stage1_val_seen"), "'x' is in stage1_train and stage1_val_seen"),
        (("", "b", "stage1_train"), "has no proper id"),
        (("a\tb", "b", "stage1_train"), "has no proper id"),
        (("x", "", "stage1_train"), "no class"),
        (("x", "g", "stage1_train"), "no class of mine is called 'g'"),
        (("x", "f", "stage1_train"), "no split of mine has their class ('f')"),
        (("sim_001_00002", "b", "stage1_train"), "is of simulated features"),
    ],
)
def test_bad_tables(bench: Bench, row: tuple[str, str, str], said: str) -> None:
    bench.rows.append(row)
    bench.audio, bench.visual = (np.concatenate([a, a[:1]]) for a in (bench.audio, bench.visual))
    bench.write()
    bench.refuses(said)


def test_more_bad_tables(bench: Bench) -> None:
    bench.rows[1] = (bench.rows[0][0], *bench.rows[1][1:])
    bench.write()
    bench.refuses("occurs twice")
    for content, said in (
        (b"video,class\nx,b\n", "has no column 'partition' (it has: 'video', 'class')"),
        (b"video,class,partition\n", "has 0 rows"),
        (b"", "damaged, or not a .csv file"),
        (b"\xff\xfe\x00", "damaged, or not a .csv file"),
    ):
        bench.path("videos.csv").write_bytes(content)
        bench.refuses(said)
    bench.path("videos.parquet").write_bytes(b"PAR1")
    bench.refuses("damaged, or not a .parquet file", videos=bench.path("videos.parquet"))
    frame = pd.DataFrame({"video": [1, 2], "class": ["b", "b"], "partition": ["stage1_train"] * 2})
    frame.to_parquet(bench.path("videos.parquet"))
    bench.refuses("column 'video' is not text", videos=bench.path("videos.parquet"))


def test_a_dataset_without_features_can_be_described_anew(bench: Bench) -> None:
    bench()
    (bench.root / "mine" / "own" / "features.h5").unlink()
    classes = pd.read_csv(bench.path("classes.csv"))
    classes["readable"] = "another"
    classes.to_csv(bench.path("classes.csv"), index=False)
    facts = bench.root / "mine" / "dataset.json"
    bench.refuses(f"or remove {facts} to begin anew", "mine", "--force")
    facts.unlink()
    assert bench().exit_code == 0


@pytest.mark.parametrize("more", [",", ",x", None])
def test_rows_of_another_length_shift_nothing(bench: Bench, more: str | None) -> None:
    lines = bench.path("videos.csv").read_text(encoding="utf-8").splitlines()
    changed = [line.rpartition(",")[0] if more is None else line + more for line in lines[1:]]
    bench.path("videos.csv").write_text("\n".join([lines[0], *changed]), encoding="utf-8")
    bench.refuses("videos.csv: line 2 has more or fewer values than the 3 columns of the first line")


def test_columns_of_the_same_name(bench: Bench) -> None:
    bench.path("videos.csv").write_text("video,class,partition,class\na,b,stage1_train,c\n", encoding="utf-8")
    bench.refuses("two columns are called 'class'")


@pytest.mark.parametrize("column", ["video", "class", "partition"])
def test_long_values_give_short_complaints(bench: Bench, column: str) -> None:
    frame = pd.read_csv(bench.path("videos.csv"))
    frame.loc[0, column] = "x" * 200_000
    frame.to_csv(bench.path("videos.csv"), index=False)
    result = bench()
    assert result.exit_code == 2
    assert len(result.stderr) < 1000


def test_a_parquet_file_that_unpacks_to_gigabytes_takes_none(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    count = 20_000
    long = pa.DictionaryArray.from_arrays(pa.array([0] * count, pa.int32()), ["x" * 50_000])
    columns = {"video": [f"v{i}" for i in range(count)], "class": long, "partition": ["stage1_train"] * count}
    path = tmp_path / "videos.parquet"
    parquet.write_table(pa.table(columns), path, store_schema=False)
    assert path.stat().st_size < 1 << 20
    table = read_video_table(path)
    assert len({id(name) for name in table.class_name}) == 1


@pytest.mark.parametrize("with_card", [True, False])
def test_what_fails_leaves_the_card_that_was_there(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, with_card: bool
) -> None:
    def full(*_: object) -> None:
        raise AvbenchError("cannot write: no space left")

    card = card_of("selavi").model_dump(mode="json") | {"features": "own"}
    card["audio"]["width"], card["visual"]["width"] = 5, 7
    card["text"] = [card["text"][0] | {"encoder": "clip", "width": 3}]
    bench.path("card.json").write_text(json.dumps(card), encoding="utf-8")
    with monkeypatch.context() as patched:
        patched.setattr("avgzsl_bench.data.own.adding.write_store", full)
        bench.refuses("no space left", card=bench.path("card.json"))
    assert bench(card=bench.path("card.json")).exit_code == 0
    there = bench.root / "mine" / "own" / "card.json"
    before = there.read_bytes()
    bench.path("card.json").write_text(json.dumps(card | {"title": "another"}), encoding="utf-8")
    change = {"card": bench.path("card.json")} if with_card else {}
    with monkeypatch.context() as patched:
        patched.setattr("avgzsl_bench.data.own.adding.write_store", full)
        bench.refuses("no space left", "mine", "--force", **change)
    assert there.read_bytes() == before
    assert bench("mine", "--force", **change).exit_code == 0
    assert sorted(p.name for p in there.parent.iterdir()) == [*(["card.json"] if with_card else []), "features.h5"]


def test_parquet_without_pyarrow(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    found = builtins.__import__

    def without(name: str, *arguments: Any, **more: Any) -> Any:
        if name.startswith("pyarrow"):
            raise ImportError(name)
        return found(name, *arguments, **more)

    bench.path("videos.parquet").write_bytes(b"PAR1")
    monkeypatch.setattr(builtins, "__import__", without)
    bench.refuses("pip install 'avgzsl-bench[parquet]'", videos=bench.path("videos.parquet"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"name": ["b"] * 6}, "two classes have the same name"),
        ({"cls": ["trian"] * 6}, "has role 'trian' in 'cls'"),
        ({"cls": ["train"] * 6}, "has no video in stage1_train"),
        (
            {"cls": ["train", "", "train", "val_unseen", "val_unseen", "test_unseen"], "name": None},
            "no column 'name'",
        ),
        ({"cls": None}, "has no column of roles"),
        ({"cls-disjoint": ["train"] * 6, "cls": None}, "has no video in"),
        ({"../x": list(ROLES.values())}, "a split cannot be called '../x'"),
        ({"cls": [""] * 6}, "no video of split 'cls' is in stage1_train"),
        ({"readable": ["x" * 300, *"bcdef"]}, "longer than 200 characters"),
    ],
)
def test_bad_classes(bench: Bench, change: dict[str, Sequence[str] | None], said: str) -> None:
    frame = pd.read_csv(bench.path("classes.csv"))
    for column, values in change.items():
        frame = frame.drop(columns=column) if values is None else frame.assign(**{column: values})
    frame.to_csv(bench.path("classes.csv"), index=False)
    bench.refuses(said)


def test_bad_arrays(bench: Bench) -> None:
    good = bench.audio
    for bad, said in (
        (good[:-1], "has 47 rows, and the table of videos has 48"),
        (good[:, :0], "expected a vector of numbers per video"),
        (good[:, :, None], "sequences cannot be added"),
        (good.astype("S3"), "expected a vector of numbers per video"),
        (np.where(np.arange(48)[:, None] == 3, np.nan, good), "row 4 holds a value that is not finite"),
        (good * 1e300, "not finite"),
    ):
        np.save(bench.path("audio.npy"), bad)
        bench.refuses(said)
    np.save(bench.path("audio.npy"), np.array([object()]), allow_pickle=True)
    bench.refuses("audio.npy")
    np.save(bench.path("audio.npy"), good)
    whole = bench.path("audio.npy").read_bytes()
    bench.path("audio.npy").write_bytes(whole[:-8])
    bench.refuses("damaged or refused")
    bench.path("audio.npy").write_bytes(whole)
    with h5py.File(bench.path("visual.h5"), "a") as file:
        file["second"] = bench.visual
        file["elsewhere"] = h5py.ExternalLink("other.h5", "/x")
    bench.refuses("has 3 datasets (elsewhere, second, visual)")
    bench.refuses("is a link", visual=f"{bench.path('visual.h5')}:elsewhere")
    bench.refuses("has no dataset 'third'", visual=f"{bench.path('visual.h5')}:third")


def test_text_of_every_class_in_use_is_needed(bench: Bench) -> None:
    bench.path("text.json").write_text(json.dumps({"b": [1.0], "B": [2.0]}), encoding="utf-8")
    bench.refuses("text 'clip' has no vector for 'a/c', 'd', 'e' and 1 more")


def test_a_card_comes_along(bench: Bench) -> None:
    card = card_of("selavi").model_dump(mode="json") | {"features": "own", "title": "made at home"}
    card["audio"]["width"], card["visual"]["width"] = 5, 7
    card["text"] = [card["text"][0] | {"encoder": "clip", "width": 4}]
    bench.path("card.json").write_text(json.dumps(card), encoding="utf-8")
    bench.refuses("states widths", card=bench.path("card.json"))
    card["text"][0]["width"] = 3
    bench.path("card.json").write_text(json.dumps(card), encoding="utf-8")
    assert bench(card=bench.path("card.json")).exit_code == 0
    info = ["data", "info", "mine", "--data-root", str(bench.root)]
    assert "made at home" in CliRunner().invoke(main, info).stdout
    assert bench("mine", "--force").exit_code == 0
    assert "made at home" not in CliRunner().invoke(main, info).stdout


def test_a_dataset_of_the_data_folder_shadows_no_registered_one(bench: Bench) -> None:
    bench()
    own = bench.root / "mine" / "dataset.json"
    taken = bench.root / "ucf" / "dataset.json"
    taken.parent.mkdir()
    content = json.loads(own.read_text(encoding="utf-8"))
    taken.write_text(json.dumps(content | {"name": "ucf"}), encoding="utf-8")
    assert known_dataset("ucf", bench.root) == UCF
    assert known_datasets(bench.root)["ucf"] == UCF
    listed = CliRunner().invoke(main, ["data", "list", "--data-root", str(bench.root)])
    assert "a registered dataset is called 'ucf'" in listed.stderr
    with pytest.raises(UnknownNameError, match="did you mean 'mine'"):
        known_dataset("mien", bench.root)
    with pytest.raises(UnknownNameError):
        known_dataset("../mine", bench.root)


@pytest.mark.parametrize(
    ("change", "said"),
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
def test_a_dataset_file_is_not_trusted(bench: Bench, change: dict[str, object], said: str) -> None:
    bench()
    path = bench.root / "mine" / "dataset.json"
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change), encoding="utf-8")
    with pytest.raises(DataError, match=said):
        read_own_dataset(path)


def test_a_data_folder_that_cannot_be_is_told_in_a_line(bench: Bench) -> None:
    bench.path("file").touch()
    bench.refuses("Not a directory", **{"data-root": bench.path("file") / "data"})


def test_nothing_stays_where_the_store_cannot_be_written(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise AvbenchError("cannot write: No space left on device")

    monkeypatch.setattr("avgzsl_bench.data.own.adding.write_store", full)
    assert "No space left" in bench().stderr
    assert not (bench.root / "mine" / "dataset.json").exists()
    monkeypatch.undo()
    standard_plugins(monkeypatch)
    assert bench().exit_code == 0


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data())
def test_mutated_files_are_read_or_refused(tmp_path: Path, data: st.DataObject) -> None:
    """A few bytes of a table or an array changed, or the end cut off: one line, or the values of a real file."""
    kind = data.draw(st.sampled_from([".npy", ".h5", ".csv", ".parquet"]))
    path = tmp_path / f"file{kind}"
    if kind == ".npy":
        np.save(path, np.ones((4, 3), np.float32))
    elif kind == ".h5":
        with h5py.File(path, "w") as file:
            file["x"] = np.ones((4, 3), np.float32)
    else:
        frame = pd.DataFrame({"video": list("abcd"), "class": ["k"] * 4, "partition": ["stage1_train"] * 4})
        frame.to_csv(path, index=False) if kind == ".csv" else frame.to_parquet(path)
    raw = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(raw[: data.draw(st.integers(0, len(raw)))] if data.draw(st.booleans()) else raw)
    try:
        if kind in (".npy", ".h5"):
            assert read_vectors(str(path), np.arange(4)).dtype == np.float32
        else:
            assert read_video_table(path).video_id
    except DataError as error:
        told = str(error)
        if len(told.splitlines()) != 1:
            pytest.fail(f"not one line: {told!r}")


def test_a_pickle_in_an_array_is_not_run(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path(tmp_path / "run").touch, ()

    header = b"\x93NUMPY\x01\x00v\x00{'descr': '|O', 'fortran_order': False, 'shape': (4, 3), }"
    header = header.ljust(127) + b"\n"
    (tmp_path / "trap.npy").write_bytes(header + pickle.dumps(Trap()))
    with pytest.raises(DataError):
        read_vectors(str(tmp_path / "trap.npy"), np.arange(4))
    assert not (tmp_path / "run").exists()
