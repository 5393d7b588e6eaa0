"""Reading what Weights & Biases leaves offline: a log in LevelDB's format of protocol buffers."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HEADER, BLOCK, RECORD = 7, 1 << 15, struct.Struct("<IHB")
WHOLE, LAST = 1, 4


def records(path: Path) -> Iterator[Any]:
    """Yield the records of a `.wandb` file; one may be spread over blocks."""
    from wandb.proto.wandb_internal_pb2 import Record

    content, at, parts = path.read_bytes(), HEADER, b""
    while at + RECORD.size <= len(content):
        left = BLOCK - at % BLOCK
        if left < RECORD.size:
            at += left
            continue
        _, length, kind = RECORD.unpack_from(content, at)
        at += RECORD.size
        parts += content[at : at + length]
        at += length
        if kind in (WHOLE, LAST):
            yield Record.FromString(parts)
            parts = b""


def logged(path: Path) -> dict[str, Any]:
    """Collect name, project, config, history, summary and exit code of the run in a `.wandb` file."""
    found: dict[str, Any] = {"config": {}, "history": [], "summary": {}, "exit": None}
    for record in records(path):
        kind = record.WhichOneof("record_type")
        if kind == "run":
            found |= {"name": record.run.display_name, "project": record.run.project}
            found["config"] |= values(record.run.config.update)
        elif kind == "history":
            found["history"].append(values(record.history.item))
        elif kind == "summary":
            found["summary"] |= values(record.summary.update)
        elif kind == "exit":
            found["exit"] = record.exit.exit_code
    return found


def values(items: Any) -> dict[str, Any]:
    return {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in items}
