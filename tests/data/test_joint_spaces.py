"""Features and texts in one space: what a method needs, which data `auto` takes, what is refused, and a run."""

from __future__ import annotations

JOINT = {"visual": "clip", "audio": "clap"}
