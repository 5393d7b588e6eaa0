"""Why a clip is left out."""

from __future__ import annotations

from avgzsl_bench.errors import DataError


class UnusableClip(DataError):
    """A clip that is left out, and why, in one line.

    The reason begins with its category, and may go on after a colon: `no sound stream`,
    `damaged: 128 of 164 frames`.
    """

    @property
    def reason(self) -> str:
        """The reason for the report."""
        return str(self)

    @property
    def category(self) -> str:
        """What clips are counted by: the reason up to its colon."""
        return self.reason.partition(":")[0]
