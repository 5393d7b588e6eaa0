"""The commands of docs/models.md, typed one after another on simulated features."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

from click.testing import Result

PAGE = Path(__file__).resolve().parents[2] / "docs" / "models.md"
SHORT = {"run": ["--set", "epochs=2", "--set", "batches_per_epoch=2"], "sweep": []}


def test_its_commands_can_be_typed(avbench: Callable[..., Result], tmp_path: Path) -> None:
    commands = re.findall(r"^ {4}avbench (.*)$", PAGE.read_text(encoding="utf-8"), re.M)
    assert len(commands) == 6
    for command in commands:
        files = sorted(tmp_path.rglob("*devise/*.stage2.safetensors"))
        words = [str(files[0]) if word == "FILE" else word for word in command.split()]
        if words[0] in ("run", "sweep"):
            words += ["--features", "simulated", "--device", "cpu", *SHORT[words[0]]]
        if words[0] == "sweep":
            words[words.index("devise,eszsl")] = "eszsl"  # DeViSE with its own settings takes long
        done = avbench(*words)
        assert done.exit_code == 0, (command, done.output)
    assert len(list(tmp_path.rglob("*.safetensors"))) == 2 * 3
    assert not list(tmp_path.rglob("*.unfinished"))
