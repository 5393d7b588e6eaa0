"""From a file's name to the id of a video, by the rules of each dataset.

Files of VGGSound and ActivityNet are called after the 11 characters of a YouTube id, which may begin with `-`,
hold `_` and end in digits. Folders do not matter.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

_UCF = re.compile(r"v_[a-z]+_g[0-9]{2}_c[0-9]{2}")
_YOUTUBE = r"[A-Za-z0-9_-]{11}"
_NUMBER = r"[0-9]+(?:\.[0-9]+)?"
_VGGSOUND = re.compile(rf"({_YOUTUBE})_({_NUMBER})(?:_({_NUMBER}))?")
_ACTIVITYNET = re.compile(rf"(?:v_)?({_YOUTUBE}_[0-9]+)")
_WHOLE = re.compile(rf"(?:v_)?({_YOUTUBE})")

_MILLISECONDS = 10_000
"""Start and end so far apart are milliseconds: the clips of VGGSound have 10 seconds."""


@dataclass(frozen=True)
class NameRule:
    """How the files of a dataset are called.

    Attributes:
        of_stem: the key of the id that a file's name without its ending leads to; None if it leads to none.
        of_id: the key of an id.
    """

    of_stem: Callable[[str], str | None]
    of_id: Callable[[str], str]


def name_rule(dataset: str) -> NameRule:
    """Give the rule of a dataset; where there is none of its own, a file is called as its id."""
    return RULES.get(dataset, NameRule(_composed, _composed))


def stem_of(place: str) -> str:
    """Give the name of a file without folders and ending."""
    return os.path.splitext(place.rpartition("/")[2])[0]


def whole_video(stem: str) -> str | None:
    """Give the YouTube id of a whole video of ActivityNet, `v_<id>` or `<id>`; None for another name."""
    found = _WHOLE.fullmatch(stem)
    return found[1] if found else None


def _ucf(stem: str) -> str | None:
    key = stem.lower()
    return key if _UCF.fullmatch(key) else None


def _vggsound(stem: str) -> str | None:
    found = _VGGSOUND.fullmatch(stem)
    if found is None:
        return None
    start = Fraction(found[2])
    if found[3] and Fraction(found[3]) - start == _MILLISECONDS:
        start /= 1000
    return f"{found[1]}_{int(start):06d}" if start.denominator == 1 else None


def _activitynet(stem: str) -> str | None:
    found = _ACTIVITYNET.fullmatch(stem)
    return found[1] if found else None


def _composed(text: str) -> str:
    """Write a letter and its accent as one character; macOS writes two."""
    return unicodedata.normalize("NFC", text)


RULES = {
    "ucf": NameRule(_ucf, str.lower),
    "vggsound": NameRule(_vggsound, str),
    "activitynet": NameRule(_activitynet, str),
}
"""The rules by dataset."""
