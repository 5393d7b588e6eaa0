"""`check_reader`: what every feature reader must keep to, for its author to check on a sample of the layout."""

from __future__ import annotations

import random
from collections.abc import Callable
from hashlib import sha256
from os import PathLike
from pathlib import Path
from tempfile import TemporaryDirectory

from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.store.checks import check_table
from avgzsl_bench.plugins.specs import ReaderSpec
from avgzsl_bench.testing.checking import require, run_checks
from avgzsl_bench.testing.reader_trial import ReaderTrial, same, same_tables

MOST = 24
"""Files, and folders, of a sample that are damaged or replaced; of more, these many are drawn at random."""

UNRELATED = {
    "README.txt": b"Nothing here is a feature.\n",
    "audio/talk.wav": b"RIFF\x00\x00\x00\x00WAVEfmt ",
    "video/clip.mp4": bytes(range(256)),
    "tables/classes.csv": b"class,videos\none,1\n",
    "tables/empty.json": b"{}\n",
}
"""Content by path of a folder that holds no features."""


def check_recognises(trial: ReaderTrial) -> None:
    """Require that the sample is recognised, with its dataset and a folder or file that exists."""
    with trial.copy() as tree:
        found = trial.recognise(tree)
        require(bool(found), f"recognised nothing in the sample {trial.sample}")
        for item in found:
            known = f"DetectedFeatures.dataset is {item.dataset!r}, but the sample is of {trial.dataset.name!r}"
            require(item.dataset == trial.dataset.name, known)
            require(item.path.exists(), f"DetectedFeatures.path is {item.path}, which does not exist")


def check_ignores_other_folders(trial: ReaderTrial) -> None:
    """Require that nothing is recognised in an empty folder and in a folder of unrelated files."""
    with TemporaryDirectory(prefix="avbench-") as folder:
        for files in ({}, UNRELATED):
            for name, content in files.items():
                path = Path(folder, name)
                path.parent.mkdir(exist_ok=True)
                path.write_bytes(content)
            where = f"a folder of {', '.join(files)}" if files else "an empty folder"
            found = trial.read_or_refused(Path(folder), where)
            require(found is not None, f"refused {where}: recognise must return an empty list for it")
            require(not found, f"recognised features in {where}")


def check_feature_table(trial: ReaderTrial) -> None:
    """Require a table that can be stored, with labels of the dataset's classes."""
    with trial.copy() as tree:
        for table in trial.read(tree):
            check_table(table, f"the table of {table.features!r}")


def check_reads_the_same_twice(trial: ReaderTrial) -> None:
    """Require equal tables from two readings."""
    with trial.copy() as tree:
        require(same_tables(trial.read(tree), trial.read(tree)), "a second reading differs from the first")


def check_writes_nothing(trial: ReaderTrial) -> None:
    """Require that recognising and reading leave the folder as it was."""
    with trial.copy() as tree:
        before = _content(tree)
        trial.read(tree)
        after = _content(tree)
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        require(not changed, f"wrote into the folder it reads: {', '.join(changed[:3])}")


def check_refuses_damaged_files(trial: ReaderTrial) -> None:
    """Require a `DataError` on one line for a truncated file that is needed; for a missing one no other error."""
    with trial.copy() as tree:
        whole = trial.read(tree)
        for path in _some(tree, Path.is_file):
            content = path.read_bytes()
            for size in sorted({0, len(content) // 2, len(content) - 1} & {*range(len(content))}):
                path.write_bytes(content[:size])
                what = f"{path.relative_to(tree)} cut to {size} of {len(content)} bytes"
                tables = trial.read_or_refused(tree, what) or []
                intact = all(any(same(table, other) for other in whole) for table in tables)
                require(intact, f"{what}: read without an error; raise DataError")
            path.unlink()
            trial.read_or_refused(tree, f"without {path.relative_to(tree)}")
            path.write_bytes(content)


def check_follows_no_link_out(trial: ReaderTrial) -> None:
    """Require that a link out of the folder is refused, or has no more effect than if nothing were there."""
    with trial.copy() as tree:
        outside = tree.parents[1] / "outside"
        for path in _some(tree, Path.is_file) + _some(tree, Path.is_dir):
            what = f"{path.relative_to(tree)} replaced by a link out of the folder"
            path.rename(outside)
            without = trial.read_or_refused(tree, f"without {path.relative_to(tree)}")
            path.symlink_to(outside, target_is_directory=outside.is_dir())
            linked = trial.read_or_refused(tree, what)
            path.unlink()
            outside.rename(path)
            followed = linked and (without is None or not same_tables(linked, without))
            require(not followed, f"{what}: followed; raise DataError instead")


CHECKS: tuple[Callable[[ReaderTrial], None], ...] = (
    check_recognises,
    check_ignores_other_folders,
    check_feature_table,
    check_reads_the_same_twice,
    check_writes_nothing,
    check_refuses_damaged_files,
    check_follows_no_link_out,
)


def check_reader(reader: str | ReaderSpec, sample: str | PathLike[str], dataset: str | Dataset) -> None:
    """Run every check on a feature reader.

    Args:
        reader: name of a registered reader, or a spec.
        sample: folder with a small sample of the layout, a few kilobytes: it is read some 200 times. It is
            copied, never changed.
        dataset: the dataset that the sample is of: name of a registered one, or a `Dataset`.

    Raises:
        AssertionError: a rule is broken; the message names the reader, the check and the rule.
        UnknownNameError: no reader or dataset of that name is registered.
        PluginError: the reader cannot be imported or lacks a method.
        DataError: the sample is not a folder.
    """
    trial = ReaderTrial.of(reader, sample, dataset)
    run_checks(f"reader {trial.reader.name}", CHECKS, trial)


def _some(tree: Path, kind: Callable[[Path], bool]) -> list[Path]:
    """List the files or folders below a folder, links left out; of more than `MOST` some, always the same."""
    paths = sorted(path for path in tree.rglob("*") if kind(path) and not path.is_symlink())
    return paths if len(paths) <= MOST else sorted(random.Random(0).sample(paths, MOST))


def _content(tree: Path) -> dict[str, tuple[int, str]]:
    """Time of change and hash of everything below a folder, by relative path; folders have no hash."""
    return {
        str(path.relative_to(tree)): (
            path.lstat().st_mtime_ns,
            sha256(path.read_bytes()).hexdigest() if path.is_file() else "",
        )
        for path in tree.rglob("*")
    }
