"""The page of results, from what was measured."""

from __future__ import annotations

import numpy as np
from extraction_page import extraction
from tables import Kept, ratio, table

from avgzsl_bench.execution.scoring import SCORES_AT_A_TIME

STEP, EVALUATION, MORE = 1.15, 1.5, 2e-3
"""What is aimed at: training over its floor; evaluation over an embedding pass, or so many seconds more."""

PRODUCTS = {
    "mft": 1.4,
    "avca": 2.0,
    "hyper_alignment": 2.2,
    "tcaf": 2.2,
    "stft": 1.9,
    "avmst": 1.8,
    "kda": 1.8,
    "clipclap": 2.6,
    "cjme": 2.7,
    "avgzslnet": 2.7,
    "devise": 1.8,
}
"""What is aimed at: training over its matrix products alone."""

DROPOUT = 0.05
"""What is aimed at: the share of drawing masks in a profile of training."""

ALONE, BESIDE, SIDE = {"small": 1.5, "large": 1.05}, 4.0, 3.0
"""What is aimed at on a busy machine."""


def page(kept: Kept) -> str:
    """RESULTS.md."""
    makers = {
        "methods": methods,
        "published": published,
        "growth": growth,
        "start-up": start_up,
        "seeds": seeds,
        "busy": busy,
        "extraction": extraction,
        "saving": saving,
    }
    parts = [maker(kept[name]["figures"]) + said(kept[name]) for name, maker in makers.items() if name in kept]
    return "\n\n".join([HEAD, *parts]) + "\n"


HEAD = """<!-- Made by `python benchmarks/results.py`; do not edit. -->

# Speed

Ratios count, not seconds: both sides of each are measured in turn, in one run, and the median of the ratios of
neighbouring measurements is given. Features are **simulated** or noise."""


def said(part: Kept) -> str:
    """The machine, the date and how busy the machine was."""
    m, (before, after) = part["machine"], part["load"]
    busy = max(before, after) > 1.3 * m["cores"]
    load = f"load average {before:.1f} before and {after:.1f} after"
    warning = f"**The machine was busy with other work ({load}): ratios scatter, seconds are too long.**"
    return (
        f"\n\nMeasured on {part['date']}: {m['processor']}, {m['cores']} cores, PyTorch threads: {m['threads']}, "
        f"{m['memory']} GiB, {m['system']}, Python {m['python']}, PyTorch {m['torch']}, NumPy {m['numpy']}. "
        f"{warning if busy else load.capitalize() + '.'}"
    )


def methods(figures: list[Kept]) -> str:
    rows = []
    for f in figures:
        training, products, evaluation = f["training"], f["products"], f["evaluation"]
        rows.append(
            [
                f"`{f['method']}`",
                "" if f["batch_size"] is None else str(f["batch_size"]),
                "–" if training is None else ratio(training),
                "–" if training is None else f"{1e3 * training['other'] / f['steps']:.2f}",
                "–" if products is None else ratio(products),
                "–" if products is None else f"{1e3 * products['other'] / f['steps']:.2f}",
                "–" if f["dropout"] is None else f"{100 * f['dropout']:.1f} %",
                ratio(evaluation),
                f"{1e3 * evaluation['other']:.1f}",
                f"{f['peak'] - f['before']:.0f}",
                f"{f['peak']:.0f}",
            ]
        )
    missed = [f["method"] for f in figures if f["training"] and f["training"]["median"] > STEP]
    slow = [f["method"] for f in figures if f["products"] and over(f["products"], PRODUCTS.get(f["method"]))]
    drawn = [f["method"] for f in figures if f["dropout"] and f["dropout"] > DROPOUT]
    late = [f["method"] for f in figures if is_late(f["evaluation"])]
    goals = ", ".join(f"`{name}` {goal}" for name, goal in PRODUCTS.items())
    header = [
        "method",
        "batch",
        "step / floor",
        "floor, ms",
        "step / products",
        "products, ms",
        "dropout",
        "evaluation / embedding",
        "embedding, ms",
        "memory, MiB",
        "in all, MiB",
    ]
    return f"""## Steps and evaluations of every method

Default settings, one CPU thread, full-size simulated UCF, stage 1: {figures[0]["videos"]:,} videos scored against
{figures[0]["classes"]} classes. *Step*: an epoch as the harness does it, drawing, gathering and averaging
included. *Floor*: the same steps bare, on batches already in place. *Products*: what the matrix products of the
same steps would take at the rate of a product of 256 x 512 by 512 x 512 in the same process. *Dropout*: the share
of drawing masks in a profile. *Evaluation*: scores, decisions, exact curve, bias and figures. *Embedding*: one
pass of videos and classes through the network, nothing compared. *Memory*: the most that an epoch and an
evaluation take above the data, the method and the libraries; and with them.

{table(header, rows, 10)}

- Step over floor at most {STEP}: {but(missed)}.
- Step over products, wanted: {goals}:
  reached by {but(slow)}.
- Dropout at most {100 * DROPOUT:.0f} %: {but(drawn)}.
- Evaluation at most {EVALUATION} times the embedding pass, or {1e3 * MORE:.0f} ms more: {but(late)}. Where the
  embedding is one linear map of few numbers, the rest weighs as much: distances, taken in double precision, and
  decisions, curve, bias and figures.

What the floor is:

{floors_of(figures)}"""


def floors_of(figures: list[Kept]) -> str:
    """What the floor of each method is."""
    meanings = {
        m: [f["method"] for f in figures if f["meaning"] == m]
        for m in dict.fromkeys(f["meaning"] for f in figures)
    }
    return "\n".join(f"- {', '.join(f'`{n}`' for n in names)}: {meaning}." for meaning, names in meanings.items())


def over(found: Kept, goal: float | None) -> bool:
    """Whether a ratio misses its goal; one without a goal does not."""
    return goal is not None and round(found["median"], 2) > goal


def is_late(evaluation: Kept) -> bool:
    """Whether an evaluation takes longer than is aimed at."""
    return evaluation["median"] > EVALUATION and evaluation["one"] > evaluation["other"] + MORE


def but(names: list[str]) -> str:
    """Which methods reach it."""
    return f"all but {', '.join(names)}" if names else "all"


def published(figures: list[Kept]) -> str:
    (found,) = figures
    rows = []
    for name, parts in found.items():
        widths, collation, length = name.split(", ")
        epoch = parts["epoch"]
        rows.append(
            [
                f"`{widths}`",
                collation,
                length,
                *(ratio(parts[part]) for part in ("epoch", "training", "evaluation")),
                f"{epoch['one']:.2f}",
                f"{epoch['other']:.2f}",
            ]
        )
    header = [
        "widths",
        "batches",
        "length",
        "epoch",
        "its training",
        "its evaluation",
        "published path, s",
        "here, s",
    ]
    return f"""## ClipClap-GZSL by the published data path, over ours

`naive_clipclap.py` renders the published program's path: videos fetched one by one with one of another class,
labels looked up one by one, losses brought to the host at each step, all distances anew for each of 76 biases.
*Listed* batches are put together as there, by `torch.tensor` of a list of NumPy vectors; *stacked* ones by
PyTorch's default collation. An epoch is of the default number of batches for simulated features, or one pass: as
many as hold all training videos; with one evaluation. Network, losses and optimiser are the same: a step of either
holds the same matrix products. Which of the two collations a program uses decides what there is to gain, so both
are timed. `clip_clap` is noise of the widths that the published program reads.

{table(header, rows, 5)}"""


def growth(figures: list[Kept]) -> str:
    rows = [
        [
            f["what"],
            f"{f['videos']:,}",
            f"{f['classes']:,}",
            f"{f['seconds']:.2f}",
            f"{1e9 * f['seconds'] / (f['videos'] * f['classes']):.0f}" if f["what"] == "evaluation" else "–",
            f"{1e6 * f['seconds'] / f['videos']:.1f}",
            f"{f['data']:.0f}",
            f"{f['above']:.0f}",
        ]
        for f in figures
    ]
    header = ["", "videos", "classes", "seconds", "ns a score", "µs a video", "features, MiB", "peak above, MiB"]
    evaluations = [f for f in figures if f["what"] == "evaluation"]
    each, score, off = fitted(evaluations)
    imports = [f for f in figures if f["what"] == "import"]
    video, item, import_off = fitted(imports, per="classes")
    return f"""## Growth

![Time and memory against size](growth.svg)

Audio of 16 numbers, visual features of 32, text of 64. An evaluation keeps about {SCORES_AT_A_TIME / 1e6:.0f}
million scores at a time; an import reads a table and two arrays of one's own into a store, and has the table in
memory, a few hundred bytes a video, but of the features a block.

{table(header, rows, 7)}

Wanted is an evaluation linear in videos at any number of classes, and in classes at any number of videos.
Evaluation: {1e6 * each:.1f} µs a video and {1e9 * score:.0f} ns a score, from which no size is farther than
{100 * off:.0f} %. Import: {1e6 * video:.1f} µs a video and {1e6 * item:.0f} µs a class, from which none is farther
than {100 * import_off:.0f} %."""


def fitted(figures: list[Kept], per: str = "scores") -> tuple[float, float, float]:
    """Seconds a video and a score or a class, by least squares of relative errors; the largest such error."""
    seconds = np.array([f["seconds"] for f in figures])
    videos, classes = (np.array([f[key] for f in figures], float) for key in ("videos", "classes"))
    sizes = np.stack([videos, videos * classes if per == "scores" else classes], axis=1)
    (each, other), *_ = np.linalg.lstsq(sizes / seconds[:, None], np.ones(len(seconds)), rcond=None)
    return each, other, float(np.abs(sizes @ [each, other] / seconds - 1).max())


def start_up(figures: list[Kept]) -> str:
    (found,) = figures
    rows = [
        [f"`{name}`", ratio(r), f"{1e3 * r['one']:.0f}", f"{1e3 * r['other']:.0f}"] for name, r in found.items()
    ]
    header = ["command", "over a bare interpreter with click", "ms", "bare, ms"]
    return f"""## Start-up

{table(header, rows, 3)}"""


def seeds(figures: list[Kept]) -> str:
    rows = [
        [
            f"`{f['method']}`",
            str(f["batch_size"]),
            ratio(f["stacked"]),
            f"{1e3 * f['stacked']['one'] / f['steps'] / f['seeds']:.1f}",
            f"{1e3 * f['stacked']['other'] / f['steps'] / f['seeds']:.1f}",
            ratio(f["command"]),
        ]
        for f in figures
    ]
    header = [
        "method",
        "batch",
        "stacked / one after another",
        "stacked, ms a step and seed",
        "one after another, ms",
        "`--seeds` / as many `--seed`",
    ]
    return f"""## {figures[0]["seeds"]} seeds on the CPU

*Stacked*: an epoch of all seeds with stacked networks, over an epoch of each in turn; full-size simulated UCF,
default settings but for the number of batches. A CPU is busy with one seed, and stacking gains it next to nothing.
So there `--seeds` runs one seed after another, and each record is to the last bit that of `--seed`. *`--seeds`*:
runs of one short epoch a stage, data, evaluations and records included, over as many runs of one seed in the same
process, each of which loads the data for itself.

{table(header, rows, 5)}"""


def busy(figures: list[Kept]) -> str:
    rows = []
    for f in figures:
        limit = ALONE["large" if f["threads"] > 1 else "small"]
        columns = ("alone", "busy", "side", "busy_before", "side_before")
        met = f["alone"]["median"] <= limit and f["busy"]["median"] <= BESIDE and f["side"]["median"] <= SIDE
        rows.append(
            [
                f"`{f['method']}`",
                "yes" if met else "**no**",
                str(f["threads"]),
                f"{1e3 * f['alone']['one']:.1f}",
                *(ratio(f[name]) for name in columns),
            ]
        )
    header = [
        "method",
        "as wanted",
        "threads",
        "alone, ms",
        "alone / PyTorch's own",
        "busy / alone",
        "side by side / alone",
        "busy, PyTorch's own",
        "side by side, PyTorch's own",
    ]
    return f"""## On a busy machine

The median step, full-size simulated UCF, default settings, each measurement in processes of its own. *Alone*: over
the same with the threads that PyTorch takes by itself, {figures[0]["cores"]} here, and GNU OpenMP's own number of
spins. *Busy*: beside two processes that loop without end. *Side by side*: the slower of two runs at once. The last
two columns are the same ratios with PyTorch's own threads and spins. Wanted are at most {ALONE["small"]} alone for
a model with one thread and {ALONE["large"]} for a large one, {BESIDE:g} busy, {SIDE:g} side by side.

{table(header, rows, 7)}"""


def saving(figures: list[Kept]) -> str:
    rows = [
        [
            f"`{f['method']}`",
            "–" if f["epoch"] is None else f"{f['epoch']:.2f}",
            f"{1e3 * f['best']:.1f}",
            f"{f['models'] / 1e6:.2f}",
            f"{1e3 * f['write']:.0f}",
            "–" if f["unfinished"] is None else f"{f['unfinished'] / 1e6:.2f}",
            "–" if f["keep"] is None else f"{1e3 * f['keep']:.0f}",
        ]
        for f in figures
    ]
    header = ["method", "epoch, s", "best, ms", "models, MB", "write, ms", "kept, MB", "keep, ms"]
    return f"""## Saved models and kept trainings

What `--save` and `--checkpoint-every` cost, full-size simulated UCF, default settings, one thread. *Epoch*: of
training in stage 1, for comparison. *Best*: a copy of the weights after each epoch that is the best so far.
*Models*: the checkpoints of both stages, and the time to encode and write them at the end of the run. *Kept*: what
an interrupted run goes on from, written after every N epochs; "–": the method's training cannot go on.

{table(header, rows, 6)}"""
