"""Labels of runs and of rows.

That of a row is the title of the method, its remarks, and the settings that distinguish the row from others.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from avgzsl_bench.report.stats.rows import REFERENCE
from avgzsl_bench.report.text import one_line

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from avgzsl_bench.records.record import Record
    from avgzsl_bench.report.stats.rows import ResultRow

MARKED = ("reconstruction", REFERENCE)
"""Values of `follows` that stand beside the name of a method."""
_OF_THE_BOARD = ("calibration", "text_order")
"""Settings that all rows of a board share, and that its heading names."""


def labels_of(rows: Sequence[ResultRow]) -> list[tuple[str, str]]:
    """Label the rows of one board.

    Returns:
        For each row its label (title of the method, marked where it is a reconstruction or a reference, with its
        version if the board has two, and its code where that is needed) and its settings (differences from the
        defaults as `key=value, ...`, options of the run, and how early it stopped).
    """
    versions = defaultdict(set)
    for row in rows:
        versions[row.method.name].add((row.method.distribution, row.method.version))
    plain = [(_label(row, len(versions[row.method.name]) > 1), _settings(row)) for row in rows]
    # Rows of equal labels have other defaults or texts behind them: then what differs is shown as well.
    equal = defaultdict(list)
    for row, names in zip(rows, plain, strict=True):
        equal[names].append(_inputs(row))
    settings = [_settings(row, _varying(equal[names])) for row, names in zip(rows, plain, strict=True)]
    codes = _codes(rows, [(names[0], of_row) for names, of_row in zip(plain, settings, strict=True)])
    return [
        (_label(row, len(versions[row.method.name]) > 1, code), of_row)
        for row, code, of_row in zip(rows, codes, settings, strict=True)
    ]


def run_label(record: Record) -> str:
    """Name one run: method, data, options and seed."""
    data = record.data
    marks = "".join(f", {name} {value}" for name, value in record.options.items())
    return one_line(
        f"{record.method.title} on {data.dataset} ({data.features}, {data.split}{marks}), seed {record.seed}"
    )


def is_standard(row: ResultRow) -> bool:
    """Check whether a method ran with its defaults or a preset of it, to the end, as the figures of papers do."""
    return not (_changed(row) or _stopped(row))


def distinct_names(names: Sequence[str], parts: Sequence[object]) -> list[str]:
    """Append to names that come twice a digest of the parts that distinguish what they name."""
    shared = Counter(names)
    digests = [hashlib.sha256(json.dumps(of_one).encode()).hexdigest()[:12] for of_one in parts]
    return [name if shared[name] == 1 else f"{name}-{digest}" for name, digest in zip(names, digests, strict=True)]


def value_text(value: Any) -> str:
    """Write the value of a setting as `--set` takes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, sort_keys=True, default=str)


def _codes(rows: Sequence[ResultRow], names: Sequence[tuple[str, str]]) -> list[list[str]]:
    """For each row, its code and numerics: where rows have equal names but for them, or it alone has none."""
    alike = defaultdict(list)
    for row, name in zip(rows, names, strict=True):
        alike[name].append(row)
    recorded = any(row.method.code for row in rows)
    found = []
    for row, name in zip(rows, names, strict=True):
        code, shown = row.method.code, []
        if len({other.method.code for other in alike[name]}) > 1 or (recorded and code is None):
            shown.append(f"code {code or 'not recorded'}")
        if len({other.numerics for other in alike[name] if other.method.code == code}) > 1:
            shown.append(f"numerics {row.numerics or 'not recorded'}")
        found.append(shown)
    return found


def _label(row: ResultRow, show_version: bool, code: Sequence[str] = ()) -> str:
    method = row.method
    remarks = [method.follows] if method.follows in MARKED else []
    if show_version:
        remarks.append(f"{method.distribution} {method.version}")
    remarks += code
    return one_line(f"{method.title} ({', '.join(remarks)})" if remarks else method.title)


def _settings(row: ResultRow, also: Sequence[str] = ()) -> str:
    shown = _changed(row) | {name: _inputs(row).get(name) for name in also}
    items = [f"{name}={value_text(shown[name])}" for name in sorted(shown)]
    if row.method.preset is not None and row.method.changed:
        items.insert(0, f"preset {row.method.preset}")
    items += [f"{name} {value}" for name, value in row.options.items()]
    return one_line(", ".join([*items, *_stopped(row)]))


def _inputs(row: ResultRow) -> dict[str, Any]:
    """Collect what rows of the same method may differ in: settings, and the texts that were used."""
    return {**row.method.config, **{f"text {name}": mark[:12] for name, mark in row.added_text.items()}}


def _changed(row: ResultRow) -> dict[str, Any]:
    """Select the settings that differ from the defaults, but for those of a preset and those in the heading."""
    if row.method.preset is not None:
        return {}
    return {name: value for name, value in row.method.changed.items() if name not in _OF_THE_BOARD}


def _stopped(row: ResultRow) -> list[str]:
    planned = row.method.config.get("epochs")
    stopped = isinstance(planned, int) and row.epochs < planned
    return [f"stopped after {row.epochs} of {planned} epochs"] if stopped else []


def _varying(configs: Sequence[Mapping[str, Any]]) -> list[str]:
    """Name the settings in which configurations differ."""
    names = {name for config in configs for name in config}
    return [name for name in sorted(names) if len({json.dumps(config.get(name)) for config in configs}) > 1]
