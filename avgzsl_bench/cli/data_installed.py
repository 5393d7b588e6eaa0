"""Installed features and added texts, as the `avbench data` commands choose them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from avgzsl_bench.errors import DataError, UnknownNameError

if TYPE_CHECKING:
    from avgzsl_bench.data.store.installed import Installed


def chosen_stores(root: Path, dataset: str, feature_set: str | None) -> Installed:
    """Find the installed features of a dataset, or one of its feature sets, which has to be there."""
    from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, SIMULATED
    from avgzsl_bench.data.store.installed import Installed, scan, store_path
    from avgzsl_bench.data.store.store import read_header
    from avgzsl_bench.system.folders import is_there

    there = scan(root, dataset)
    if feature_set is None:
        return there
    path = store_path(root, dataset, feature_set)
    for error in there.faults_at(path):
        raise DataError(error)
    if is_there(path):
        return Installed([read_header(path)], [])
    names = [h.features for h in there.headers]
    known = {SIMULATED, *(f.name for f in PUBLISHED), *names}
    if feature_set not in known:
        raise UnknownNameError("feature set", feature_set, known)
    raise DataError(
        f"{feature_set} of {dataset} is not installed in {root} (installed: {', '.join(names) or 'none'}); "
        f"import it with 'avbench data import DIR'"
    )


def nothing_installed(root: Path, dataset: str | None) -> DataError:
    """Make the error for a data folder that holds nothing, or nothing of a dataset."""
    what = f"nothing of {dataset}" if dataset else "nothing"
    return DataError(f"{what} is installed in {root}; import features with 'avbench data import DIR'")


def missing_vectors(missing: Sequence[str]) -> str:
    """Say for which classes a text has no vector, and that runs are refused."""
    some = ", ".join(missing[:3]) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
    return f"no vector for {some}, which runs need: they will be refused"
