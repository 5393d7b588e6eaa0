"""What datasets, feature sets and text encoders may be called, so that a name is safe as part of a path."""

from __future__ import annotations

import re

NAME = re.compile(r"[a-z0-9_-]{1,40}")

IDENTIFIER_RULE = "up to 40 lower-case letters, digits, '-', '_'"
