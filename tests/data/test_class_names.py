"""Class names that look alike, in the files of a user's own dataset."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from own_features import OwnFiles

from avgzsl_bench.data.datasets.class_names import with_suggestion
from avgzsl_bench.data.datasets.registry import read_own_dataset
from avgzsl_bench.data.store.store import read_store

COMPOSED, DECOMPOSED = "Caf\u00e9", "Cafe\u0301"


def rename(path: Path, column: str, change: Callable[[str], str], rows: slice = slice(None)) -> None:
    frame = pd.read_csv(path)
    chosen = frame.index[rows]
    frame.loc[chosen, column] = frame.loc[chosen, column].map(change)
    frame.to_csv(path, index=False)


@pytest.mark.parametrize(
    ("in_classes", "in_videos", "in_text"),
    [
        (COMPOSED, DECOMPOSED, COMPOSED),
        (DECOMPOSED, COMPOSED, DECOMPOSED),
        (COMPOSED, COMPOSED, DECOMPOSED),
        ("Cafe", "Cafe ", " Cafe"),
        ("Cafe\u00a0", "Cafe", "Cafe\t"),
    ],
)
def test_unicode_forms_and_blanks_at_the_ends_are_no_difference(
    own: OwnFiles, in_classes: str, in_videos: str, in_text: str
) -> None:
    rename(own.path("classes.csv"), "name", lambda name: in_classes if name == "b" else name)
    rename(own.path("videos.csv"), "class", lambda name: in_videos if name == "b" else name)
    own.write_text({in_text if name == "b" else name: [float(i), 1.0] for i, name in enumerate(own.roles)})
    result = own.add()
    assert result.exit_code == 0, result.output
    facts = read_own_dataset(own.facts)
    (plain,) = {name for name in facts.class_names if name.startswith("Caf")}
    assert plain in (COMPOSED, "Cafe")
    assert facts.class_id(in_videos) == facts.class_id(in_classes) == facts.class_names.index(plain)
    _, table = read_store(own.store)
    assert (table.label == facts.class_id(plain)).sum() == 8


@pytest.mark.parametrize("suffix", ["json", "npz", "csv"])
def test_names_in_text_files_likewise(own: OwnFiles, suffix: str) -> None:
    spelled = {f" {name} " if name == "b" else name: [float(i), 2.0] for i, name in enumerate(own.roles)}
    path = own.path(f"text.{suffix}")
    if suffix == "json":
        path.write_text(json.dumps(spelled), encoding="utf-8")
    elif suffix == "npz":
        np.savez(path, **{name: np.array(vector) for name, vector in spelled.items() if "/" not in name})
        own.refuses("has no vector for 'a/c'", text=f"clip={path}")  # a name that an archive cannot hold
        return
    else:
        path.write_text("".join(f"{n},{v[0]},{v[1]}\n" for n, v in spelled.items()), encoding="utf-8")
    assert own.add(text=f"clip={path}").exit_code == 0


def test_two_entries_of_one_name_are_refused(own: OwnFiles) -> None:
    own.write_text({**{name: [1.0] for name in own.roles}, "b ": [2.0]})
    own.refuses("text.json: two entries are called 'b'")
    own.write()
    rename(own.path("classes.csv"), "name", lambda name: "b\u00a0" if name == "d" else name)
    own.refuses("classes.csv: line 5: two classes have the same name, 'b': see")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Guitar1", "line 2: no class of mine is called 'Guitar1'; did you mean 'Guitar'?"),
        ("guitar", "line 2: no class of mine is called 'guitar'; did you mean 'Guitar'?"),
        ("Guit\u0430r", "called 'Guit\u0430r' ('Guit\\u0430r'); did you mean 'Guitar'?"),
        ("Gui\u200btar", "called 'Gui\\u200btar'; did you mean 'Guitar'?"),
        ("zebra", "called 'zebra' (known: 'B', 'Guitar', 'a/c', 'd', 'e', 'f')"),
    ],
)
def test_a_name_of_no_class_is_blamed_on_its_line(own: OwnFiles, name: str, expected: str) -> None:
    """Not on the class that then has no video, and also where the dataset is there already."""
    for file, column in (("classes.csv", "name"), ("videos.csv", "class")):
        rename(own.path(file), column, lambda name: "Guitar" if name == "b" else name)
    own.write_text({("Guitar" if c == "b" else c): [1.0] for c in own.roles})
    whole = own.path("videos.csv").read_bytes()
    rename(own.path("videos.csv"), "class", lambda _: name, slice(0, 1))
    own.refuses(expected)
    broken = own.path("videos.csv").read_bytes()
    own.path("videos.csv").write_bytes(whole)
    assert own.add().exit_code == 0
    own.path("videos.csv").write_bytes(broken)
    own.refuses(expected, features="two", classes=None)


def test_a_name_of_no_class_in_a_text_file(own: OwnFiles) -> None:
    own.write_text({**{name: [1.0] for name in own.roles}, "a\uff0fc": [2.0]})
    own.refuses("text.json: no class of mine is called 'a\uff0fc' ('a\\uff0fc'); did you mean 'a/c'?")


def test_a_dataset_added_before_names_were_brought_to_one_form(own: OwnFiles) -> None:
    """Its file may spell them with blanks, or decomposed; its names stay, and so do the ids of runs on it."""
    assert own.add().exit_code == 0
    content = own.facts.read_text(encoding="utf-8")
    own.facts.write_text(content.replace('"b"', '"b "'), encoding="utf-8")
    old = read_own_dataset(own.facts)
    assert old.class_id("b") == old.class_id("b ") == old.class_names.index("b ")
    for more in ({"classes": None}, {}):
        result = own.add("mine", "--force", **more)
        assert result.exit_code == 0, result.output
    assert read_own_dataset(own.facts) == old


def test_long_lists_of_names_are_cut() -> None:
    known = [f"class {i:02d}" for i in range(30)]
    assert with_suggestion("zebra", known).endswith("'class 07' and 22 more)")
    assert len(with_suggestion("x" * 100_000, known)) < 300
