"""Small trees in the published layouts that nothing is wrong with, class lists and csvs beside them."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pandas as pd
from published_tree import BY_NAME, Videos, write_tree

from avgzsl_bench.data.datasets.facts import Dataset


def clips(name: str, first: int, last: int) -> list[str]:
    return [f"v_{name}_g{i:02d}_c01" for i in range(first, last + 1)]


UCF_VIDEOS: Videos = {
    "stage_1_train": {name: clips(name, 1, 8) for name in ("Archery", "Bowling")},
    "stage_1_val_seen": {name: clips(name, 10, 15) for name in ("Archery", "Bowling")},
    "stage_1_val_unseen": {"ApplyEyeMakeup": clips("ApplyEyeMakeup", 1, 8)},
    "stage_2_test_seen": {name: clips(name, 20, 25) for name in ("Archery", "Bowling", "ApplyEyeMakeup")},
    "stage_2_test_unseen": {"BlowDryHair": clips("BlowDryHair", 1, 8)},
}


def with_stage_2_train(videos: Videos) -> Videos:
    """The partitions, with the stage-2 training partition that follows from the stage-1 ones."""
    union: dict[str, list[str]] = {}
    for partition in ("stage_1_train", "stage_1_val_seen", "stage_1_val_unseen"):
        for name, ids in videos[partition].items():
            union[name] = union.get(name, []) + ids
    return {**videos, "stage_2_train": union}


def write_lists(folder: Path, dataset: Dataset, videos: Videos, split: str) -> None:
    """Class lists and csvs, as published: the csvs of `cls` hold the classes of `main`."""
    lists = folder / f"{split}_split"
    lists.mkdir(parents=True)
    (folder / "all_class.txt").write_text("".join(f"{c.listed}\n" for c in dataset.classes))
    names = pd.DataFrame([(c.listed, c.readable) for c in dataset.classes], columns=["original", "manual"])
    names.to_csv(folder / f"{dataset.name}_w2v_class_names.csv", index=False)
    for partition, classes in videos.items():
        (lists / f"{partition}.txt").write_text("".join(f"{name}\n" for name in sorted(classes)))
        rows = [(i, name, dataset.class_id(name)) for name, ids in classes.items() for i in ids]
        frame = pd.DataFrame(rows, columns=["filename", "label", "label_code"])
        frame.to_csv(lists / f"{partition}.csv", index=False)


def write_plausible_tree(
    directory: Path, features: str = "selavi", dataset: str = "ucf", videos: Videos = UCF_VIDEOS
) -> SimpleNamespace:
    """A whole tree; gives its folders, `.texts` and `.file(modality, partition, class)`."""
    facts, videos = BY_NAME[dataset], with_stage_2_train(videos)
    split = "main" if features.startswith("selavi") else "cls"
    set_name = f"{split}_features" + ("" if features in ("selavi", "c3d_vggish") else "_non_averaged")
    tree = write_tree(directory, features, videos, set_name, facts, reverse_visual=False)
    tree.lists, tree.split = tree.set.parents[1] / "class-split", split
    write_lists(tree.lists, facts, videos, split)
    return tree
