"""Reading the text files of a feature-set folder: class vectors by readable name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from avgzsl_bench.data.audit.finding import Findings
from avgzsl_bench.data.audit.survey import Survey, Text
from avgzsl_bench.data.untrusted.unpickle import load_object_array
from avgzsl_bench.errors import DataError


def text_names(paths: Iterable[Path]) -> set[str]:
    """Collect the names that text files have vectors for."""
    return {key for path in paths for key in _dictionary(path, Findings())}


def read_text(paths: Iterable[Path], survey: Survey) -> None:
    """Read class vectors of each file into a survey, placed by name with either list of readable names."""
    for path in paths:
        where = f"text/{path.name}"
        content = _dictionary(path, survey.findings)
        names = survey.dataset.naming(content)
        ids = {name: i for i, name in enumerate(names)}
        unknown = sorted(content.keys() - ids.keys())
        missing = [name for name in names if name not in content]
        if content and (unknown or missing):
            parts = [f"{len(unknown)} names of no class, such as {unknown[0]!r}"] if unknown else []
            parts += [f"no vector for {len(missing)} classes, such as {missing[0]!r}"] if missing else []
            survey.findings.add("text-file", where, "; ".join(parts))
        known = sorted(content.keys() & ids.keys(), key=ids.__getitem__)
        widths = Counter(len(content[name]) for name in known)
        if len(widths) > 1:
            survey.findings.add("text-file", where, f"vectors of several widths: {sorted(widths)}")
        rows = [name for name in known if len(content[name]) == widths.most_common(1)[0][0]]
        if rows:
            vectors = np.stack([content[name] for name in rows]).astype(np.float32)
            target = np.array([ids[name] for name in rows], np.int64)
            survey.text[path.name] = Text(where, vectors, target, by_row=False, names=names)


def check_encoders(survey: Survey, named: Mapping[str, str] | None) -> None:
    """Check for one text file per encoder of the feature set.

    Args:
        named: file of each encoder, by a tree's marker; None: the width of the vectors identifies the encoder.
    """
    for encoder, width in (survey.features.text if survey.features else {}).items():
        possible = survey.text if named is None else survey.text.keys() & {named.get(encoder)}
        files = [name for name in possible if survey.text[name].vectors.shape[1] == width]
        if len(files) != 1:
            text = f"{len(files)} files with vectors of width {width} ({encoder}), expected one"
            survey.findings.add("text-file", "text", text)


def _dictionary(path: Path, findings: Findings) -> dict[str, np.ndarray]:
    """Read the vectors of a text file by name; other entries are left out, with a finding."""
    where = f"text/{path.name}"
    try:
        content = load_object_array(path)
    except DataError as error:
        findings.add("text-file", where, str(error).removeprefix(f"{path}: "))
        return {}
    if not isinstance(content, dict):
        findings.add("text-file", where, "not a dictionary from class name to vector")
        return {}
    named = {k.decode("utf-8", "replace") if isinstance(k, bytes) else str(k): v for k, v in content.items()}
    sound = {
        k: v
        for k, v in named.items()
        if isinstance(v, np.ndarray) and v.ndim == 1 and v.size and v.dtype.kind == "f"
    }
    if len(sound) < len(named):
        findings.add("text-file", where, f"{len(named) - len(sound)} entries are no vectors")
    return sound
