"""Records of one method with one configuration that were made by several codes."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable

from avgzsl_bench.records.run_spec import RunSpec


def mixtures(runs: Iterable[RunSpec]) -> list[str]:
    """Describe each mixture of codes among runs that differ at most in their seed, in one line each."""
    codes: dict[str, Counter[str]] = defaultdict(Counter)
    first: dict[str, RunSpec] = {}
    for run in runs:
        row = json.dumps(run.all_but_code() | {"seed": None}, sort_keys=True)
        codes[row][run.code_text] += 1
        first.setdefault(row, run)
    return [_line(first[row], found) for row, found in codes.items() if len(found) > 1]


def _line(run: RunSpec, codes: Counter[str]) -> str:
    listed = "; ".join(f"{count} with {code}" for code, count in sorted(codes.items()))
    data = run.data
    return (
        f"mixed {run.method.name} on {data.dataset}, {data.features}, {data.split}: runs of one configuration by "
        f"{len(codes)} codes ({listed}); each record is fine, and boards keep them apart"
    )
