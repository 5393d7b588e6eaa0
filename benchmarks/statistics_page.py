"""The page of the simulation of the statistics."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from math import sqrt
from typing import Any

SEEDS = ("3", "5", "10")
_KINDS = ("alike", "scattered 3-fold", "scattered 10-fold")
_TEXT = """# How often intervals, tests and verdicts are right

Made by `benchmarks/statistics_simulation.py`: runs whose true figures are known, drawn at the level of single
videos (`statistics_world.py`), with the sizes of UCF-GZSL: 42 seen classes with 10 to 17 test videos each, 6
unseen ones with 110 to 161. Classes and videos differ in ease, and each method finds its own ones easy; seeds
move a method as a whole, between the roles, and in single classes. The methods have a true mean HM of 50
percent. *Alike*: the seeds of all methods scatter equally, HM by about 2 points. *Scattered*: the standard
deviations of their seeds are log-uniform over a factor of 3 or 10. Percent of {draws:,} draws per cell ±
standard error of the simulation.

*Before*: variances over seeds are not moderated, classes are not sampled, and a published figure is compared
with the interval of the mean. *After*: as the tables have it.
"""
_TABLES = (
    (
        """## Intervals

Coverage of the 95 percent interval of the mean HM for other videos and seeds of these classes, and of the one for
classes like these, whose truth is the HM on all classes; its mean width in points of HM. Before, readers had only
the first interval, and it says nothing of other classes. Goal: 93 to 97.
""",
        (
            ("These classes", "pairs", "{} covers"),
            ("Classes like these, before", "classes", "{} covers before"),
            ("after", "classes", "{} covers after"),
            ("Width, points", "classes", "{} width after"),
        ),
    ),
    (
        """## Tests of pairs

Family-wise error: some pair of 18 equal methods comes out as significantly different. Goal: at most 6 from 5 seeds
on. Power: share of 17 equal methods than which a further one, better by 5 points of HM, is significantly better,
at the same level for all pairs together. With fewer than 5 seeds the test is the same as before.
""",
        (
            ("Family-wise error, before", "pairs", "{} wrong before"),
            ("after", "pairs", "{} wrong after"),
            ("Power, before", "pairs", "{} power before"),
            ("after", "pairs", "{} power after"),
        ),
    ),
    (
        """## Verdicts on a published figure

How often a further run of the same method on the same videos is called above or below: outside the interval of the
mean (before), outside the prediction interval for one more seed (after). Goal: at most 8.
""",
        (("Before", "pairs", "{} verdict before"), ("After", "pairs", "{} verdict after")),
    ),
)
_TINY = """## Very small test sets

Two methods of equal HM on 6 seen and 3 unseen classes with 1, 2 or 3 videos each: how often they come out as
significantly different at 5 percent, with one seed or five each, and how often the pair cannot be tested. Before,
a difference whose resamples do not vary counted as certain.
"""


def page(kept: Mapping[str, Any]) -> str:
    """Write the page from the sums of finished chunks, see `statistics_simulation`."""
    draws = min((int(own[0]) for cell in kept.values() for own in cell["sums"].values()), default=0)
    return "\n".join([_TEXT.format(draws=draws), *_main(kept), _TINY, *_tiny(kept)])


def _main(kept: Mapping[str, Any]) -> Iterator[str]:
    for text, columns in _TABLES:
        yield text
        yield from _head(["Seeds scatter", "Seeds", *(name for name, _, _ in columns)])
        for kind in _KINDS:
            for seeds in SEEDS:
                cells = [_cell(kept, f"{part} {kind}", name.format(seeds)) for _, part, name in columns]
                yield _row([kind, seeds, *cells])
        yield ""


def _tiny(kept: Mapping[str, Any]) -> Iterator[str]:
    names = [f"{seeds} {name}" for seeds in (1, 5) for name in ("wrong before", "wrong after", "untestable after")]
    titles = [name.replace("1 ", "1 seed, ").replace("5 ", "5 seeds, ").replace(" after", "") for name in names]
    yield from _head(["Test videos", *titles])
    for kind in ("9 videos", "18 videos", "27 videos"):
        yield _row([kind.split()[0], *(_cell(kept, f"tiny {kind}", name) for name in names)])
    yield ""


def _head(titles: Iterable[str]) -> Iterator[str]:
    row = list(titles)
    yield _row(row)
    yield _row(["---"] * len(row))


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(kept: Mapping[str, Any], cell: str, name: str) -> str:
    count, total, squares = kept.get(cell, {"sums": {}})["sums"].get(name, (0, 0, 0))
    if count < 2:
        return "–"
    mean = total / count
    error = sqrt(max(squares / count - mean**2, 0) / (count - 1))
    return f"{100 * mean:.1f} ± {100 * error:.1f}"
