"""Which data a run gets: the installed store and the added texts that names and needs stand for."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path

from avgzsl_bench.data.data_spec import DataSpec
from avgzsl_bench.data.datasets.counts import covered
from avgzsl_bench.data.datasets.facts import Dataset
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED, SIMULATED, preferred
from avgzsl_bench.data.datasets.registry import known_dataset
from avgzsl_bench.data.datasets.splits import refuse_simulated_view, split_rows
from avgzsl_bench.data.datasets.standard import Differences, differences_text, standard_differences
from avgzsl_bench.data.simulated.extras import simulate_descriptions
from avgzsl_bench.data.simulated.simulated import SIMULATED_DIMS, ensure_simulated
from avgzsl_bench.data.store.added_text import AddedText, added_text_path, check_added_text, read_added_text
from avgzsl_bench.data.store.extraction import extraction_facts, is_extracted
from avgzsl_bench.data.store.faults import refuse_faults, row_faults
from avgzsl_bench.data.store.installed import Installed, absent_root, data_root, scan, store_path
from avgzsl_bench.data.store.store import StoreHeader, read_rows
from avgzsl_bench.errors import DataError, UnknownNameError
from avgzsl_bench.gzsl.task import FeatureDims
from avgzsl_bench.plugins.specs import Needs
from avgzsl_bench.system.folders import is_there

DESCRIPTIONS = "knowledge"
"""The name under which methods look for embeddings of class descriptions."""

LEAST_COVERED = 0.95
"""Share of the standard videos below which `auto` passes over features that were extracted from videos here."""


@dataclass(frozen=True)
class ResolvedData:
    """The data of a run, found and checked but not loaded.

    Attributes:
        dataset, store: facts of the dataset, and header of the installed store.
        root: the data folder.
        split_hash: identifies the split, and what a source-disjoint view leaves out.
        text_order: `by-name` or `official`.
        added: the added texts of the dataset that the method reads.
        differences: how the videos of the split differ from the dataset's standard ones.
    """

    dataset: Dataset
    store: StoreHeader
    needs: Needs
    root: Path
    split: str
    split_hash: str
    text_order: str = "by-name"
    added: tuple[AddedText, ...] = ()
    differences: Differences = field(default_factory=dict)

    def with_texts(self, text_order: str, names: Sequence[str]) -> ResolvedData:
        """Choose the text order, and those of the named added texts that the dataset has.

        Raises:
            DataError: an added text is there and cannot be used.
        """
        added = find_added_text(self.root, self.dataset, self.store, names)
        return replace(self, text_order=text_order, added=added)

    @property
    def dims(self) -> FeatureDims:
        """Widths of the features and text vectors that the method sees."""
        store = self.store
        return FeatureDims(
            audio=store.audio,
            visual=store.visual,
            text={**store.text, **{text.name: text.vectors.shape[1] for text in self.added}},
            sequences=self.needs.sequences != "none" and offers_sequences(store),
        )

    @cached_property
    def like(self) -> str | None:
        """The published set whose default settings hold on these features; None: no set's.

        Raises:
            DataError: the file that says so is damaged.
        """
        facts = extraction_facts(self.store)
        return None if facts is None else facts.like

    @property
    def spec(self) -> DataSpec:
        """What identifies the data."""
        return DataSpec(
            dataset=self.dataset.name,
            features=self.store.features,
            simulated=self.store.simulated,
            split=self.split,
            sequences=self.dims.sequences,
            text_order=self.text_order,
            added_text={text.name: text.fingerprint for text in self.added},
            fingerprint=self.store.fingerprint,
            split_hash=self.split_hash,
        )


def resolve_data(
    dataset: str,
    feature_set: str = "auto",
    split: str | None = None,
    *,
    root: Path | str | None = None,
    needs: Needs | None = None,
    method: str = "",
    fits: Callable[[StoreHeader], bool] | None = None,
) -> ResolvedData:
    """Find the data that names stand for. Nothing is written but simulated features, on first use.

    Args:
        dataset: name of a registered dataset, or of one in the data folder.
        feature_set: a feature set, or `auto`: the best installed real one that has what the method needs, those
            with sequences first where it reads them; else the simulated one. One that was extracted from videos
            here and holds less than `LEAST_COVERED` of the standard ones is passed over with a warning.
        split: `cls`, `main`, or a source-disjoint view, `cls-disjoint` or `main-disjoint`; None: `cls`, or the
            dataset's only split.
        root: the data folder; default `AVBENCH_DATA`, else the platform's.
        needs: what the method cannot do without, and what it reads.
        method: its name, for messages.
        fits: which stores `auto` may take; None: those that have what the method needs.

    Raises:
        UnknownNameError: no such dataset, split or feature set.
        ConfigError: no split is named, and the dataset has several.
        DataError: not installed, damaged, not to be used, or without what is needed; with `auto` also a store of
            the dataset that cannot be read, which is never passed over.
    """
    folder, absent = data_root(root), absent_root(root)
    needs = needs or Needs()
    facts = dataset_named(dataset, root)
    chosen = facts.chosen_split(split)
    if absent and feature_set not in ("auto", SIMULATED):
        raise DataError(f"{absent}; name the right one, or import {feature_set} with 'avbench data import DIR'")
    if absent:
        warnings.warn(f"{absent}: no features are installed there; going on with simulated ones", stacklevel=3)
    store = _find_store(facts, feature_set, chosen, folder, needs, method, fits)
    rows = read_rows(store)
    content = rows.label, rows.partition, rows.video_id
    advice = "correct the files by the published lists, then import them with 'avbench data import DIR --force'"
    refuse_faults(row_faults(*content, facts), where=str(store.path), advice=advice)
    split_content = split_rows(*content, facts, chosen, str(store.path))
    return ResolvedData(
        dataset=facts,
        store=store,
        needs=needs,
        root=folder,
        split=chosen,
        split_hash=split_content.hash,
        differences=standard_differences(facts, chosen, *content, simulated=store.simulated),
    )


def dataset_named(name: str, root: Path | str | None) -> Dataset:
    """Find the dataset of a name.

    Args:
        name: of a registered dataset, or of one in the data folder.
        root: the data folder, as it was given.

    Raises:
        UnknownNameError: there is none.
        DataError: the one in the data folder cannot be read, or the data folder is not there.
    """
    absent = absent_root(root)
    try:
        return known_dataset(name, data_root(root))
    except UnknownNameError as error:
        if absent:
            raise DataError(f"{error}; {absent}") from error
        raise


def _find_store(
    dataset: Dataset,
    feature_set: str,
    split: str,
    root: Path,
    needs: Needs,
    method: str,
    fits: Callable[[StoreHeader], bool] | None,
) -> StoreHeader:
    found = scan(root, dataset.name)
    stores = {store.features: store for store in found.headers}
    if feature_set == "auto":
        _require_readable(found, store_path(root, dataset.name, "any").parents[1])
        installed = [s for s in stores.values() if not s.simulated]
        fits = fits or (lambda s: lacking(_dims(s), s.dataset, s.features, needs) is None)
        real = [s for s in installed if fits(s)]
        scanty = {s.features: text for s in real if (text := _scanty(s, dataset, split)) is not None}
        for text in scanty.values():
            warnings.warn(text, stacklevel=4)
        real = [s for s in real if s.features not in scanty]
        # The preferred one, those with sequences first where the method reads them.
        late = {s.features: needs.sequences != "none" and not s.sequences for s in real}
        feature_set = min(preferred(late), key=late.__getitem__, default=SIMULATED)
        if not late and installed and lacking(SIMULATED_DIMS, dataset.name, SIMULATED, needs):
            feature_set = preferred(store.features for store in installed)[0]  # to say why it will not do
    if feature_set == SIMULATED:
        refuse_simulated_view(dataset, split)
        _require(SIMULATED_DIMS, dataset.name, SIMULATED, needs, method)  # before it is made
        stores[SIMULATED] = ensure_simulated(root, dataset, stores.get(SIMULATED))
    else:
        _require_readable(found, store_path(root, dataset.name, feature_set))
    if feature_set not in stores:
        known = {*stores, *(f.name for f in PUBLISHED), SIMULATED, "auto"}
        if feature_set not in known:
            raise UnknownNameError("feature set", feature_set, known)
        raise DataError(
            f"no {feature_set!r} features of {dataset.name} in {root} (installed: {', '.join(stores) or 'none'}); "
            f"import them with 'avbench data import DIR', or use --features {SIMULATED}"
        )
    _require(_dims(stores[feature_set]), dataset.name, feature_set, needs, method)
    return stores[feature_set]


def _scanty(store: StoreHeader, dataset: Dataset, split: str) -> str | None:
    """Say that features extracted from videos here cover too little of a split; None if they do not."""
    if not is_extracted(store):
        return None
    rows = read_rows(store)
    found = covered(dataset, rows.label, rows.partition, split)
    if found.share >= LEAST_COVERED:
        return None
    return (
        f"{store.features} of {dataset.name} is passed over: it was extracted from {found.videos:,} of the "
        f"{found.standard:,} standard videos of split {dataset.standard_split(split)}; use it with --features "
        f"{store.features}"
    )


def offers_sequences(store: StoreHeader) -> bool:
    """Whether a store offers sequences; those of simulated features are made, not stored."""
    return store.sequences or store.simulated


def _require_readable(found: Installed, place: Path) -> None:
    """Refuse to pass over what cannot be read at a place: the next best would be used silently."""
    others = Installed([], [(path, e) for path, e in found.unreadable if path.parent.name != SIMULATED])
    for error in others.faults_at(place):
        raise DataError(f"{error}; to run without it, name other features with --features")


def _dims(store: StoreHeader) -> FeatureDims:
    return FeatureDims(store.audio, store.visual, store.text, sequences=offers_sequences(store))


def _require(dims: FeatureDims, dataset: str, feature_set: str, needs: Needs, method: str) -> None:
    if lack := lacking(dims, dataset, feature_set, needs):
        raise DataError(f"{method}: {lack}" if method else lack)


def lacking(dims: FeatureDims, dataset: str, feature_set: str, needs: Needs) -> str | None:
    """Describe what a method needs and a feature set lacks; None if nothing.

    Args:
        dims: widths of the feature set, and whether it offers sequences.
        dataset, feature_set: their names.
        needs: of the method.
    """
    what = f"{dataset}, {feature_set} features"
    missing = [encoder for encoder in needs.text if encoder not in dims.text]
    if missing:
        return (
            f"the method needs text embeddings by {', '.join(missing)}; "
            f"{what} have {', '.join(sorted(dims.text))}; import a feature set that has them"
        )
    if fault := dims.joint_fault(needs.joint):
        return (
            f"features {feature_set} have {fault}; import features that have one, such as clip_clap, or name "
            "another text encoder where the method has a setting for it"
        )
    if needs.sequences == "required" and not dims.sequences:
        return (
            f"the method needs sequences; {what} have one vector per video; import features with their steps, "
            f"such as those of TCAF, with 'avbench data import DIR', or use --features {SIMULATED}"
        )
    return None


def find_added_text(
    root: Path, dataset: Dataset, store: StoreHeader, names: Sequence[str]
) -> tuple[AddedText, ...]:
    """Read those of the named texts that the dataset has. Simulated features come with simulated descriptions.

    Raises:
        DataError: one is there and cannot be used, or has the name of a text encoder of the feature set.
    """
    taken = [name for name in names if name in store.text]
    if taken:
        raise DataError(f"{store.features} of {dataset.name} have a text encoder {taken[0]!r} of their own")
    if store.simulated:
        if DESCRIPTIONS not in names:
            return ()
        return (AddedText(dataset.name, DESCRIPTIONS, simulate_descriptions(dataset), "simulated"),)
    paths = (added_text_path(root, dataset.name, name) for name in names)
    found = tuple(read_added_text(path) for path in paths if is_there(path))
    for text in found:
        check_added_text(text, dataset, str(added_text_path(root, dataset.name, text.name)))
    return found


def warn_simulated(data: ResolvedData) -> None:
    """Warn that simulated features stand in for real ones that were not found."""
    warnings.warn(
        f"no real features of {data.dataset.title} that can be used are installed in {data.root}: these are "
        "SIMULATED features, figures from them say nothing about real videos; import real ones with 'avbench data "
        "import DIR'",
        stacklevel=3,
    )


def difference_warning(data: ResolvedData) -> str | None:
    """Say in one line how the videos differ from the standard ones; None if they do not."""
    if not data.differences:
        return None
    split = data.dataset.standard_split(data.split)
    return (
        f"{data.dataset.name} {data.store.features} does not hold the standard videos of split {split} "
        f"({differences_text(data.differences)}): figures on it are not comparable with published ones and have a "
        "board of their own"
    )


def warn_differences(data: ResolvedData) -> None:
    """Warn if the videos differ from the standard ones."""
    text = difference_warning(data)
    if text is not None:
        warnings.warn(text, stacklevel=3)
