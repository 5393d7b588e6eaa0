"""Ablations: the measured results of each variant that a method declares, with what a paper reported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, Any

from avgzsl_bench.errors import ConfigError, UnknownNameError
from avgzsl_bench.method.registry import method_class, method_spec
from avgzsl_bench.method.settings import build_config
from avgzsl_bench.records.collect import BoardKey, RecordTable
from avgzsl_bench.records.data_facts import DataFacts
from avgzsl_bench.report.reported.figures import all_reported_ablations
from avgzsl_bench.report.reported.verdicts import verdicts_of
from avgzsl_bench.report.stats.rows import rows_of

if TYPE_CHECKING:
    from avgzsl_bench.execution.ablation import Ablation, Variant, VariantTable
    from avgzsl_bench.plugins.specs import MethodSpec
    from avgzsl_bench.records.collect import StoredRecord
    from avgzsl_bench.records.record import Record
    from avgzsl_bench.report.reported.figures import ReportedAblation
    from avgzsl_bench.report.reported.verdicts import Verdict
    from avgzsl_bench.report.stats.rows import ResultRow


@dataclass(frozen=True)
class AblationRequest:
    """The ablation that is requested.

    Attributes:
        spec, ablation: the method, and the variants it declares.
        dataset, split: that it is measured on.
        features: a feature set, or `auto`: each that has records.
        settings: of every variant; a variant's own come after them.
        precision: of every variant's training.
    """

    spec: MethodSpec
    ablation: Ablation
    dataset: str
    features: str
    split: str
    settings: Mapping[str, Any]
    precision: str = "full"

    def spec_of(self, variant: Variant) -> MethodSpec:
        """Return the method of a variant."""
        return self.spec if variant.method is None else method_spec(variant.method)

    def settings_of(self, variant: Variant) -> dict[str, Any]:
        """Merge the settings of every variant, as far as its method has them, with those of one."""
        known = method_class(self.spec_of(variant)).Config.model_fields
        shared = {key: value for key, value in self.settings.items() if variant.method is None or key in known}
        return {**shared, **variant.settings}

    def config_of(self, variant: Variant, feature_set: str) -> dict[str, Any]:
        """Resolve the full configuration of a variant on a feature set, as records hold it.

        Raises:
            AvbenchError: a setting that the method does not take; the variant is named if it is the variant's.
        """
        build_config(self.spec, method_class(self.spec).Config, self.dataset, feature_set, self.settings)
        try:
            spec, settings = self.spec_of(variant), self.settings_of(variant)
            config = build_config(spec, method_class(spec).Config, self.dataset, feature_set, settings)
        except (ConfigError, UnknownNameError) as error:
            raise ConfigError(
                f"ablation of method {self.spec.name!r}, variant {variant.label!r}: {error}"
            ) from error
        return config.model_dump(mode="json")


@dataclass(frozen=True)
class MethodRuns:
    """What all records of one method on an ablation's board have in common.

    Attributes:
        name: of the method.
        distribution, version: of the method.
        code: of the method; None: not recorded.
        sequences: the runs use the time steps of the videos.
        added_text: name and fingerprint of each text that was added to the dataset and that the runs use.
    """

    name: str
    distribution: str
    version: str
    code: str | None
    sequences: bool
    added_text: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, record: Record) -> MethodRuns:
        """Describe the method of a record, and what it used of the data."""
        method = record.method
        added = tuple(sorted(record.data.added_text.items()))
        return cls(method.name, method.distribution, method.version, method.code, record.data.sequences, added)


@dataclass(frozen=True)
class AblationKey:
    """What all records of an ablation's board have in common; those that differ in any of it are never mixed.

    Attributes:
        board: data of the records; calibration and text order are empty, as variants may differ in them.
        numerics: of the harness; None: not recorded.
        methods: the method of the ablation, unless there is no record of it, and those of other variants.
    """

    board: BoardKey
    numerics: int | None
    methods: tuple[MethodRuns, ...]

    def method(self, name: str) -> MethodRuns | None:
        """Find a method of the board; None if there is no record of it."""
        return next((method for method in self.methods if method.name == name), None)

    @property
    def parts(self) -> tuple[Any, ...]:
        """Everything that distinguishes the key, to sort by and to make a digest of."""
        data = self.board.data
        parts: tuple[Any, ...] = (data.simulated, data.dataset, data.features, data.split)
        parts += (data.fingerprint, data.split_hash)
        for method in self.methods:
            parts += (method.distribution, method.version, method.sequences, method.added_text)
            # Appended where it is recorded, so that files of older records keep their names.
            recorded = (method.code or self.numerics) is not None
            parts += (method.code or "", self.numerics or 0) if recorded else ()
        return parts


@dataclass(frozen=True)
class AblationRow:
    """One variant.

    Attributes:
        result: its runs; None if there is no record of it.
        reported: what a paper reported for it on this dataset, whatever the features; None if nothing.
        verdicts: of each reported S, U, HM and ZSL; empty where nothing was measured or reported.
    """

    variant: Variant
    result: ResultRow | None
    reported: ReportedAblation | None
    verdicts: Mapping[str, Verdict]


@dataclass(frozen=True)
class AblationTable:
    """One table: the declared one, with a row for each of its variants, in their order."""

    declared: VariantTable
    rows: tuple[AblationRow, ...]


@dataclass(frozen=True)
class AblationBoard:
    """All tables of an ablation, as declared, from records that may be compared."""

    request: AblationRequest
    key: AblationKey
    tables: tuple[AblationTable, ...]

    @property
    def rows(self) -> list[AblationRow]:
        """The rows of all tables."""
        return [row for table in self.tables for row in table.rows]

    @cached_property
    def facts(self) -> DataFacts:
        """How the videos differ from the standard, and where the vectors came from."""
        results = [row.result for row in self.rows if row.result]
        return DataFacts.of(run.record for result in results for run in result.runs)

    def has_run(self, run_id: str) -> bool:
        """Check whether a run is one of those that the board is made of."""
        results = [row.result for row in self.rows if row.result]
        return any(run.record.run_id == run_id for result in results for run in result.runs)


Runs = Mapping[MethodRuns, list[tuple["BoardKey", "StoredRecord"]]]


def ablation_boards(request: AblationRequest, tables: Sequence[RecordTable]) -> list[AblationBoard]:
    """Make the boards that records allow: one for each key with a record of some variant; simulated ones last.

    Each code of another method that variants name makes a board with each of the ablation's own. Records of other
    methods, data and settings in the tables are ignored.

    Raises:
        AvbenchError: a variant with a method that nobody registered, or a setting that its method does not take.
        RecordError: two runs of one seed give different figures.
        PluginError: a file of reported figures is malformed.
    """
    names = dict.fromkeys(request.spec_of(variant).name for variant in request.ablation.variants)
    methods = [request.spec.name, *(name for name in names if name != request.spec.name)]
    found: dict[tuple[BoardKey, int | None], dict[MethodRuns, list[tuple[BoardKey, StoredRecord]]]] = {}
    for table in tables:
        for stored in table.stored:
            if _is_requested(request, methods, stored.record):
                runs = found.setdefault((_data_key(table.key), stored.record.numerics), {})
                runs.setdefault(MethodRuns.of(stored.record), []).append((table.key, stored))
    keys = {
        AblationKey(board, numerics, together): {method: runs[method] for method in together}
        for (board, numerics), runs in found.items()
        for together in _together(list(runs), methods)
    }
    reported = _reported(request)
    boards = [_board(request, key, keys[key], reported) for key in sorted(keys, key=lambda key: key.parts)]
    boards = [board for board in boards if any(row.result for row in board.rows)]
    return [board for board in boards if board.key.method(request.spec.name)] or boards


def _together(found: Sequence[MethodRuns], methods: Sequence[str]) -> list[tuple[MethodRuns, ...]]:
    """Combine each code of one method with each of the others; a method without any is left out."""
    of_each = [[runs for runs in found if runs.name == name] for name in methods]
    return list(product(*(runs for runs in of_each if runs)))


def _data_key(key: BoardKey) -> BoardKey:
    return BoardKey(key.data.model_copy(update={"text_order": ""}), calibration="")


def _is_requested(request: AblationRequest, methods: Sequence[str], record: Record) -> bool:
    data = record.data
    options = {} if request.precision == "full" else {"precision": request.precision}
    run = data.dataset, data.split, record.options
    requested = request.dataset, request.split, options
    return record.method.name in methods and run == requested and request.features in ("auto", data.features)


Reported = Mapping[tuple[str, int, str], "ReportedAblation"]


def _reported(request: AblationRequest) -> Reported:
    """Index what is reported of the method's variants on the dataset by source, table and name of the variant."""
    title = request.spec.title.casefold()
    return {
        (row.source, row.table, row.variant): row
        for row in all_reported_ablations()
        if row.method.casefold() == title and row.dataset == request.dataset
    }


def _board(
    request: AblationRequest,
    key: AblationKey,
    found: Runs,
    reported: Reported,
) -> AblationBoard:
    tables = []
    for declared in request.ablation.tables:
        rows = []
        for variant in declared.variants:
            config = request.config_of(variant, key.board.data.features)
            method = key.method(request.spec_of(variant).name)
            of_method = found[method] if method else []
            runs = [(board, stored) for board, stored in of_method if stored.record.method.config == config]
            place = declared.reported
            printed = reported.get((place.source, place.table, variant.reported or "")) if place else None
            rows += _rows(request, variant, runs, printed)
        tables.append(AblationTable(declared, tuple(rows)))
    return AblationBoard(request, key, tuple(tables))


def _rows(
    request: AblationRequest,
    variant: Variant,
    runs: Sequence[tuple[BoardKey, StoredRecord]],
    reported: ReportedAblation | None,
) -> list[AblationRow]:
    """Make the row of a variant; one without a result if there is no run of it."""
    if not runs:
        return [AblationRow(variant, None, reported, {})]
    key = runs[0][0]
    return [
        AblationRow(
            variant,
            result,
            reported,
            verdicts_of(reported, result, key, standard=not request.settings) if reported else {},
        )
        for result in rows_of(RecordTable(key, tuple(stored for _, stored in runs)))
    ]
