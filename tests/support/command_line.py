"""Commands of tests as lists of words."""

from __future__ import annotations


def with_options(command: tuple[object, ...], *options: object) -> list[object]:
    """Give a command other options: those with a value that it has already are replaced."""
    words = list(command)
    for option in options:
        if isinstance(option, str) and option.startswith("--") and option != "--set" and option in words:
            at = words.index(option)
            del words[at : at + 2]
    return [*words, *options]
