"""From records to the tables of an ablation: what was measured of each variant, and what a paper reported."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING, Any

from avgzsl_bench.data.datasets.feature_sets import SIMULATED
from avgzsl_bench.errors import ConfigError, UnknownNameError
from avgzsl_bench.method.registry import method_class
from avgzsl_bench.method.settings import build_config
from avgzsl_bench.records.collect import RecordTable
from avgzsl_bench.report.reported.figures import all_reported_ablations
from avgzsl_bench.report.stats.rows import rows_of

if TYPE_CHECKING:
    from avgzsl_bench.execution.ablation import Ablation, Variant, VariantTable
    from avgzsl_bench.plugins.specs import MethodSpec
    from avgzsl_bench.records.collect import BoardKey, StoredRecord
    from avgzsl_bench.records.record import Record
    from avgzsl_bench.report.reported.figures import ReportedAblation
    from avgzsl_bench.report.stats.rows import Row


@dataclass(frozen=True)
class AblationRequest:
    """Which ablation is asked for.

    Attributes:
        spec, ablation: the method, and the variants it declares.
        dataset, split: what it is to be measured on.
        features: a feature set, or `auto`: each that there are records of.
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

    def settings_of(self, variant: Variant) -> dict[str, Any]:
        """What is set for a variant."""
        return {**self.settings, **variant.settings}

    def config_of(self, variant: Variant, features: str) -> dict[str, Any]:
        """The full configuration of a variant on a feature set, as records hold it.

        Raises:
            AvbenchError: a setting that the method does not take; the variant is named if it is the variant's.
        """
        method = method_class(self.spec).Config
        build_config(self.spec, method, self.dataset, features, self.settings)
        try:
            config = build_config(self.spec, method, self.dataset, features, self.settings_of(variant))
        except (ConfigError, UnknownNameError) as error:
            raise ConfigError(
                f"ablation of method {self.spec.name!r}, variant {variant.label!r}: {error}"
            ) from error
        return config.model_dump(mode="json")


@dataclass(frozen=True, order=True)
class Origin:
    """What all records of a board have in common; those that differ in any of it are never mixed.

    Calibration and text order are settings, which variants may differ in.
    """

    simulated: bool
    dataset: str
    features: str
    split: str
    fingerprint: str
    split_hash: str
    distribution: str
    version: str
    sequences: bool
    added_text: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class AblationLine:
    """One variant.

    Attributes:
        variant: as declared.
        row: its runs; None if there is no record of it.
        reported: what a paper reported for it on this dataset, whatever the features; None if nothing.
    """

    variant: Variant
    row: Row | None
    reported: ReportedAblation | None


@dataclass(frozen=True)
class AblationTable:
    """One table: the declared one, with a line for each of its variants, in their order."""

    declared: VariantTable
    lines: tuple[AblationLine, ...]


@dataclass(frozen=True)
class AblationBoard:
    """All tables of an ablation, from records that may be compared.

    Attributes:
        request: what was asked for.
        origin: of the records.
        tables: in the order in which they are declared.
    """

    request: AblationRequest
    origin: Origin
    tables: tuple[AblationTable, ...]

    @property
    def lines(self) -> list[AblationLine]:
        """The lines of all tables."""
        return [line for table in self.tables for line in table.lines]


def ablation_boards(request: AblationRequest, tables: Sequence[RecordTable]) -> list[AblationBoard]:
    """The boards that records allow: one for each origin with a record of some variant; simulated ones last.

    Args:
        request: what is asked for.
        tables: records, as `collect` gives them; others than those asked for are passed over.

    Raises:
        AvbenchError: a variant with a setting that the method does not take.
        RecordError: two runs of one seed give different figures.
        PluginError: a file of reported figures is malformed.
    """
    found: dict[Origin, list[tuple[BoardKey, StoredRecord]]] = defaultdict(list)
    for table in tables:
        for stored in table.stored:
            if _is_asked_for(request, stored.record):
                found[origin_of(stored.record)].append((table.key, stored))
    reported = _reported(request)
    boards = [_board(request, origin, found[origin], reported) for origin in sorted(found, key=astuple)]
    return [board for board in boards if any(line.row for line in board.lines)]


def origin_of(record: Record) -> Origin:
    """What a record has in common with those it may stand beside."""
    data = record.data
    return Origin(
        simulated=data.simulated or data.features == SIMULATED,
        dataset=data.dataset,
        features=data.features,
        split=data.split,
        fingerprint=data.fingerprint,
        split_hash=data.split_hash,
        distribution=record.method.distribution,
        version=record.method.version,
        sequences=data.sequences,
        added_text=tuple(sorted(data.added_text.items())),
    )


def _is_asked_for(request: AblationRequest, record: Record) -> bool:
    data = record.data
    run = record.method.name, data.dataset, data.split, record.precision
    asked = request.spec.name, request.dataset, request.split, request.precision
    return run == asked and request.features in ("auto", data.features)


Reported = Mapping[tuple[str, int, str], "ReportedAblation"]


def _reported(request: AblationRequest) -> Reported:
    """What is reported of the method's variants on the dataset, by source, table and name of the variant."""
    title = request.spec.title.casefold()
    rows = all_reported_ablations()
    return {
        (row.source, row.table, row.variant): row
        for row in rows
        if row.method.casefold() == title and row.dataset == request.dataset
    }


def _board(
    request: AblationRequest,
    origin: Origin,
    found: Sequence[tuple[BoardKey, StoredRecord]],
    reported: Reported,
) -> AblationBoard:
    tables = tuple(
        AblationTable(
            declared,
            tuple(
                AblationLine(variant, row, _reported_of(declared, variant, reported))
                for variant in declared.variants
                for row in _rows(request.config_of(variant, origin.features), found)
            ),
        )
        for declared in request.ablation.tables
    )
    return AblationBoard(request, origin, tables)


def _rows(config: Mapping[str, Any], found: Sequence[tuple[BoardKey, StoredRecord]]) -> Sequence[Row | None]:
    """The row of a configuration; None in its place if there is no record of it."""
    runs = [(key, stored) for key, stored in found if stored.record.method.config == config]
    return rows_of(RecordTable(runs[0][0], tuple(stored for _, stored in runs))) if runs else [None]


def _reported_of(declared: VariantTable, variant: Variant, reported: Reported) -> ReportedAblation | None:
    if declared.reported is None or variant.reported is None:
        return None
    return reported.get((declared.reported.source, declared.reported.table, variant.reported))
