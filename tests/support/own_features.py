"""A dataset of a user's own as files, and the command that adds it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from click.testing import CliRunner, Result

from avgzsl_bench.cli import main
from avgzsl_bench.data.cards.cards import card_of

ROLES = {"a/c": "train", "b": "train", "B": "train", "d": "val_unseen", "e": "val_unseen", "f": "test_unseen"}
PARTITIONS = {"train": "stage1_train", "val_unseen": "stage_1_val_unseen", "test_unseen": "stage2_test_unseen"}


def rows(roles: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Id, class and partition of eight videos per class, in random order."""
    found = []
    for name, role in roles.items():
        for i in range(8):
            partition = PARTITIONS[role]
            if role != "test_unseen" and i == 0:
                partition = "stage2_test_seen"
            elif role == "train" and i == 1:
                partition = "stage1_val_seen; stage2_train"
            found.append((f"{ord(name[0])}_{i}", name, partition))
    return [found[i] for i in np.random.RandomState(0).permutation(len(found))]


class OwnFiles:
    """Files of the dataset `mine` with the feature set `own` in a folder, and the data folder `root` below it."""

    def __init__(self, folder: Path, roles: Mapping[str, str] = ROLES) -> None:
        self.folder = folder
        self.root = folder / "data"
        self.store = self.root / "mine" / "own" / "features.h5"
        self.facts = self.root / "mine" / "dataset.json"
        self.roles = roles
        self.rows = rows(roles)
        random = np.random.RandomState(1)
        self.audio = random.standard_normal((len(self.rows), 5))
        self.visual = random.standard_normal((len(self.rows), 7)).astype(np.float32)
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
        self.write_text({name: [float(i), 1.0, 2.0] for i, name in enumerate(self.roles)})
        classes = [(name, f"Class {name}", role) for name, role in self.roles.items()]
        pd.DataFrame(classes, columns=["name", "readable", "cls"]).to_csv(self.path("classes.csv"), index=False)

    def write_text(self, vectors: Mapping[str, list[float]]) -> None:
        self.path("text.json").write_text(json.dumps(vectors), encoding="utf-8")

    def write_card(self, **change: object) -> Path:
        """A card of the features."""
        card: dict[str, Any] = card_of("selavi").model_dump(mode="json") | {"features": "own"} | change
        card["audio"]["width"], card["visual"]["width"] = 5, 7
        card["text"] = [card["text"][0] | {"encoder": "clip", "width": 3}]
        self.path("card.json").write_text(json.dumps(card), encoding="utf-8")
        return self.path("card.json")

    def edit_classes(self, edit: Any) -> None:
        """Write the table of classes again as `edit` changes its frame."""
        edit(pd.read_csv(self.path("classes.csv"))).to_csv(self.path("classes.csv"), index=False)

    def add(self, dataset: str = "mine", *more: object, **change: object) -> Result:
        """Call `avbench data add`; `change` replaces options, None leaves one out."""
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

    def call(self, *arguments: object, root: Path | None = None) -> Result:
        """Call `avbench` on this data folder, or another one."""
        return CliRunner().invoke(main, [*map(str, arguments), "--data-root", str(root or self.root)])

    def refuses(self, expected: str, dataset: str = "mine", *more: object, **change: object) -> None:
        """Call `avbench data add`, which ends with one line and leaves the data folder as it was."""
        before = sorted(self.root.rglob("*"))
        result = self.add(dataset, *more, **change)
        assert result.exit_code == 2, result.stdout
        assert expected in result.stderr
        assert len(result.stderr.splitlines()) == 1
        assert sorted(self.root.rglob("*")) == before
        assert before or not self.root.exists()
