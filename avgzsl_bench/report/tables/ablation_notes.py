"""Names, headings and notes of an ablation's tables."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from avgzsl_bench.data.datasets.standard import differences_text
from avgzsl_bench.records.run_spec import code_text
from avgzsl_bench.report.boards.labels import MARKED, distinct_names, value_text
from avgzsl_bench.report.reported.verdicts import OTHER_PROTOCOL, POSITIONS, widths_text
from avgzsl_bench.report.tables.notes import TEXTS, contradictions
from avgzsl_bench.report.text import NONE, one_line

if TYPE_CHECKING:
    from avgzsl_bench.execution.ablation import Variant
    from avgzsl_bench.report.boards.ablation import AblationBoard, AblationTable, MethodRuns
    from avgzsl_bench.report.reported.figures import ReportedAblation

_TEXTS = TEXTS["ablation"]


def names_of(boards: Sequence[AblationBoard]) -> list[str]:
    """Name the files of each board, without ending: the same for the same request."""
    return distinct_names([_short_name(board) for board in boards], [board.key.parts for board in boards])


def heading_of(board: AblationBoard) -> str:
    """Make the heading of a board: method, data, and the settings of every variant."""
    spec, key = board.request.spec, board.key.board
    title = f"{spec.title} ({spec.follows})" if spec.follows in MARKED else spec.title
    heading = f"{title}: ablation on {key.data.dataset}, {key.data.features}, {key.data.split}"
    shared = [assignments(board.request.settings)] if board.request.settings else []
    shared += [] if board.request.precision == "full" else [f"precision {board.request.precision}"]
    if shared:
        heading += f" ({', '.join(shared)} in every variant)"
    if board.facts.remarks:
        heading += f" ({', '.join(board.facts.remarks)})"
    return one_line(f"SIMULATED: {heading}" if key.data.simulated else heading)


def assignments(settings: Mapping[str, Any]) -> str:
    """Write settings as `key=value, ...`, or a dash for none.

    Examples:
        >>> assignments({"attention": "off", "layers": 2}), assignments({})
        ('attention=off, layers=2', '–')
    """
    return one_line(", ".join(f"{key}={value_text(settings[key])}" for key in settings)) or NONE


def changes(variant: Variant) -> str:
    """Write what a variant changes: its settings, after its method if that is another one; or a dash."""
    parts = [] if variant.method is None else [f"method {variant.method}"]
    parts += [assignments(variant.settings)] if variant.settings else []
    return one_line(", ".join(parts)) or NONE


def missing_notes(board: AblationBoard, table: AblationTable) -> list[str]:
    """Name variants without a record, and the command that makes them."""
    missing = [row.variant.label for row in table.rows if row.result is None]
    text = _TEXTS["missing"].format(labels=", ".join(missing), command=_command(board))
    return [one_line(text)] if missing else []


def table_notes(board: AblationBoard, table: AblationTable) -> list[str]:
    """Explain seeds that differ between variants, and the reported figures."""
    unprinted = [row.variant.label for row in table.rows if row.variant.reported is None]
    sought = [row.variant.label for row in table.rows if row.variant.reported and row.reported is None]
    notes = _seed_notes(table)
    place = table.declared.reported
    dataset = board.key.board.data.dataset
    for kind, labels in (("not_in_source", unprinted), ("not_reported", sought)):
        if place is not None and labels:
            notes.append(_TEXTS[kind].format(place=place, dataset=dataset, labels=", ".join(labels)))
    printed = [row.reported for row in table.rows if row.reported]
    notes += dict.fromkeys(_where_reported(board, figure) for figure in printed)
    notes += _protocol_notes(table)
    notes += contradictions((row.variant.label, row.reported) for row in table.rows if row.reported)
    notes += dict.fromkeys(f"{note}." for figure in printed for note in figure.notes)
    return [one_line(note) for note in notes]


def verdict_notes(table: AblationTable) -> list[str]:
    """Explain the words behind reported figures, and give the width of each variant's interval."""
    widths = {row.variant.label: text for row in table.rows if (text := widths_text(row.verdicts))}
    shown = [verdict for row in table.rows for verdict in row.verdicts.values() if verdict.word in POSITIONS]
    listed = "; ".join(f"{label}: {text}" for label, text in widths.items()) or NONE
    return [one_line(_TEXTS["position"].format(widths=listed))] if shown else []


def board_notes(board: AblationBoard) -> list[str]:
    """Explain units and ±, and name the provenance of the records and the sources of reported figures."""
    key, data = board.key, board.key.board.data
    origin = "; ".join(_origin(board, method) for method in key.methods)
    vectors = " / ".join(board.facts.origins)
    measured = _TEXTS["measured"].format(origin=origin, shared=_shared_settings(board), data=data, vectors=vectors)
    notes = [_TEXTS["figures"], measured]
    if board.facts.differences:
        notes.append(_TEXTS["other_videos"].format(partitions=differences_text(board.facts.differences)))
    added = dict.fromkeys(text for method in key.methods for text in method.added_text)
    notes += [_TEXTS["added_text"].format(name=name, mark=mark) for name, mark in added]
    sources = {row.reported.source: row.reported.citation for row in board.rows if row.reported}
    return [one_line(note) for note in [*notes, *(f"{source}: {text}" for source, text in sources.items())]]


def _origin(board: AblationBoard, method: MethodRuns) -> str:
    """Name distribution and code of a method, after its name if it is not that of the ablation."""
    origin = f"{method.distribution or 'no distribution'} {method.version}".rstrip()
    origin += f" ({code_text(method.code, board.key.numerics)})"
    return origin if method.name == board.request.spec.name else f"{method.name}: {origin}"


def _where_reported(board: AblationBoard, figure: ReportedAblation) -> str:
    data = board.key.board.data
    like = "like" if figure.is_like(data.features, data.split) else "unlike"
    if data.simulated:
        like = "simulated"
    elif board.facts.obstacles:
        like = "other_data"
    verdict = _TEXTS[like].format(data=data, reason="; ".join(board.facts.obstacles))
    return _TEXTS["reported"].format(figure=figure, verdict=verdict)


def _protocol_notes(table: AblationTable) -> list[str]:
    """Name what keeps our protocol from being that of the reported figures, with its variants if not all."""
    about: dict[str, dict[str, None]] = defaultdict(dict)
    for row in table.rows:
        for verdict in row.verdicts.values():
            if verdict.word in OTHER_PROTOCOL:
                about[verdict.reason][row.variant.label] = None
    measured = {row.variant.label for row in table.rows if row.result and row.reported}
    return [
        _TEXTS["no_verdict"].format(
            labels="" if measured == set(labels) else f" on {', '.join(labels)}", reason=reason
        )
        for reason, labels in about.items()
    ]


def _seed_notes(table: AblationTable) -> list[str]:
    """List the seeds of each variant, where not all have the same."""
    measured = [(row.variant.label, row.result.seeds) for row in table.rows if row.result]
    if len({seeds for _, seeds in measured}) < 2:
        return []
    listed = "; ".join(f"{label}: {', '.join(map(str, seeds))}" for label, seeds in measured)
    return [_TEXTS["seeds"].format(seeds=listed)]


def _shared_settings(board: AblationBoard) -> str:
    """Name calibration and text order where all variants have the same; else they are among their settings."""
    configs = [row.result.method.config for row in board.rows if row.result]
    words = []
    for key in ("calibration", "text_order"):
        values = {str(config.get(key)) for config in configs}
        if len(values) == 1:
            words.append(f"{key.replace('_', ' ')} {values.pop()}; ")
    return "".join(words)


def _command(board: AblationBoard) -> str:
    """Write the command that makes missing records: on the board's features, with as many seeds as its rows."""
    request = board.request
    parts = ["avbench ablate --method", request.spec.name, "--dataset", request.dataset]
    parts += ["--features", board.key.board.data.features]
    parts += ["--split", request.split] if request.split != "cls" else []
    parts += [f"--set {key}={value_text(value)}" for key, value in request.settings.items()]
    parts += [] if request.precision == "full" else ["--precision", request.precision]
    seeds = max((len(row.result.seeds) for row in board.rows if row.result), default=1)
    return " ".join([*parts, f"--seeds {seeds}"] if seeds > 1 else parts)


def _short_name(board: AblationBoard) -> str:
    request, key = board.request, board.key.board
    parts = [request.spec.name, key.data.dataset, key.data.features, key.data.split, *board.facts.marks]
    parts += [f"{name}_{value_text(request.settings[name])}" for name in sorted(request.settings)]
    parts += [] if request.precision == "full" else [request.precision]
    return re.sub(r"[^A-Za-z0-9_.-]", "_", "-".join(parts))
