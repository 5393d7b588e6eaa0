"""An ablation in words: its name and heading, and what must be known to read its tables."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import astuple
from typing import TYPE_CHECKING, Any

from avgzsl_bench.report.tables.board import MARKED, one_line
from avgzsl_bench.report.tables.literature_notes import CONTRADICTS, NONE

if TYPE_CHECKING:
    from avgzsl_bench.report.reported.figures import ReportedAblation
    from avgzsl_bench.report.tables.ablation import AblationBoard, AblationTable


def names_of(boards: Sequence[AblationBoard]) -> list[str]:
    """A name for the files of each board, without ending: the same for the same request."""
    short = [_short_name(board) for board in boards]
    shared = Counter(short)
    return [
        name if shared[name] == 1 else f"{name}-{_digest(board)}"
        for name, board in zip(short, boards, strict=True)
    ]


def heading_of(board: AblationBoard) -> str:
    """One line that says what was varied on what."""
    spec, origin = board.request.spec, board.origin
    title = f"{spec.title} ({spec.follows})" if spec.follows in MARKED else spec.title
    heading = f"{title}: ablation on {origin.dataset}, {origin.features}, {origin.split}"
    shared = [assignments(board.request.settings)] if board.request.settings else []
    shared += [] if board.request.precision == "full" else [f"precision {board.request.precision}"]
    if shared:
        heading += f" ({', '.join(shared)} in every variant)"
    return one_line(f"SIMULATED: {heading}" if origin.simulated else heading)


def assignments(settings: Mapping[str, Any]) -> str:
    """Settings as `key=value, ...`, or a dash for none.

    Examples:
        >>> assignments({"attention": "off", "layers": 2}), assignments({})
        ('attention=off, layers=2', '–')
    """
    return one_line(", ".join(f"{key}={_value(settings[key])}" for key in settings)) or NONE


def missing_notes(board: AblationBoard, table: AblationTable) -> list[str]:
    """Which variants have no record, and what makes them."""
    missing = [line.variant.label for line in table.lines if line.row is None]
    return [one_line(f"No record: {', '.join(missing)}; make it with: {_command(board)}")] if missing else []


def table_notes(board: AblationBoard, table: AblationTable) -> list[str]:
    """Which seeds a table has, and what must be known of its reported figures."""
    unprinted = [line.variant.label for line in table.lines if line.variant.reported is None]
    sought = [line.variant.label for line in table.lines if line.variant.reported and line.reported is None]
    notes = _seed_notes(table)
    place = table.declared.reported
    if place is not None:
        if unprinted:
            notes.append(f"Not in {place.source} (table {place.table}): {', '.join(unprinted)}.")
        if sought:
            notes.append(
                f"No reported figure for {board.origin.dataset} in {place.source} (table {place.table}): "
                f"{', '.join(sought)}."
            )
    printed = [line.reported for line in table.lines if line.reported]
    notes += dict.fromkeys(_where_reported(board, figure) for figure in printed)
    notes += [
        f"{CONTRADICTS} {line.variant.label}: printed HM {line.reported.hm:.2f}, but printed S and U give "
        f"{line.reported.recomputed_hm:.2f}."
        for line in table.lines
        if line.reported and line.reported.recomputed_hm is not None
    ]
    notes += dict.fromkeys(f"{note}." for figure in printed for note in figure.notes)
    return [one_line(note) for note in notes]


def board_notes(board: AblationBoard) -> list[str]:
    """What holds for all tables: units, what ± is, where the records come from, sources."""
    origin = board.origin
    notes = [
        "Measured and reported figures in percent. ± is the sample standard deviation over n seeds, all "
        "scored on the same test videos; a single seed has none.",
        f"Measured with {origin.distribution or 'no distribution'} {origin.version}".rstrip()
        + f"; {_shared_settings(board)}split {origin.split} (hash {origin.split_hash[:12]}); "
        f"data fingerprint {origin.fingerprint[:12]}.",
    ]
    notes += [f"Reads text {name!r} (hash {mark[:12]}), added to the dataset." for name, mark in origin.added_text]
    sources = {line.reported.source: line.reported.citation for line in board.lines if line.reported}
    return [one_line(note) for note in [*notes, *(f"{source}: {text}" for source, text in sources.items())]]


def _where_reported(board: AblationBoard, figure: ReportedAblation) -> str:
    origin = board.origin
    if origin.simulated:
        verdict = "not comparable with figures on simulated features"
    elif figure.is_like(origin.features, origin.split):
        verdict = (
            "features and split are those measured; inside, above or below: so lies the printed figure to the 95 "
            "percent interval of the measured one"
        )
    else:
        verdict = f"not comparable with figures on {origin.features}, {origin.split}"
    return f"Reported: {figure.source} (table {figure.table}); {figure.features}, {figure.split}: {verdict}."


def _seed_notes(table: AblationTable) -> list[str]:
    """Which seeds, where not every variant has the same."""
    measured = [(line.variant.label, line.row.seeds) for line in table.lines if line.row]
    if len({seeds for _, seeds in measured}) < 2:
        return []
    listed = "; ".join(f"{label}: {', '.join(map(str, seeds))}" for label, seeds in measured)
    return [f"Not every variant has the same seeds. {listed}."]


def _shared_settings(board: AblationBoard) -> str:
    """Calibration and text order, where all variants agree in them; where not, these are among their settings."""
    configs = [line.row.method.config for line in board.lines if line.row]
    words = []
    for key in ("calibration", "text_order"):
        values = {str(config.get(key)) for config in configs}
        if len(values) == 1:
            words.append(f"{key.replace('_', ' ')} {values.pop()}; ")
    return "".join(words)


def _command(board: AblationBoard) -> str:
    """What makes the missing records: on the features of the board, with as many seeds as its rows have."""
    request = board.request
    parts = ["avbench ablate --method", request.spec.name, "--dataset", request.dataset]
    parts += ["--features", board.origin.features]
    parts += ["--split", request.split] if request.split != "cls" else []
    parts += [f"--set {key}={_value(value)}" for key, value in request.settings.items()]
    parts += [] if request.precision == "full" else ["--precision", request.precision]
    seeds = max((len(line.row.seeds) for line in board.lines if line.row), default=1)
    return " ".join([*parts, f"--seeds {seeds}"] if seeds > 1 else parts)


def _short_name(board: AblationBoard) -> str:
    request, origin = board.request, board.origin
    parts = [request.spec.name, origin.dataset, origin.features, origin.split]
    parts += [f"{key}_{_value(request.settings[key])}" for key in sorted(request.settings)]
    parts += [] if request.precision == "full" else [request.precision]
    return re.sub(r"[^A-Za-z0-9_.-]", "_", "-".join(parts))


def _digest(board: AblationBoard) -> str:
    return hashlib.sha256(json.dumps(astuple(board.origin)).encode()).hexdigest()[:12]


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)
