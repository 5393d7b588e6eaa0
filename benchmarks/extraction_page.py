"""The section on extraction of features, from what was measured."""

from __future__ import annotations

from tables import Kept, ratio, table

LOOP = 1.0
"""What is aimed at: seconds of the loop over those of the extraction, at least."""

SHARE, MILLISECONDS = 0.05, 10.0
"""What is aimed at: CPU time beyond the bare work, a share with networks of full size, else per clip, at most."""

GAIN = 0.8
"""What is aimed at: of each further worker, at least."""

AGAIN, DRY = 2.0, 10.0
"""What is aimed at: seconds of a second run of 10,000 clips, and of a look at 100,000 files, at most."""

ENCODERS = {"full_clip,full_clap": "full size", "colour,level": "toy"}


def extraction(figures: list[Kept]) -> str:
    by_kind: dict[str, list[Kept]] = {}
    for found in figures:
        by_kind.setdefault(found["what"], []).append(found)
    makers = {"one_core": one_core, "several_workers": workers, "second_run": second_run, "dry_run": dry_run}
    parts = [maker(found) for what, maker in makers.items() for found in [by_kind.get(what)] if found]
    return "\n\n".join([HEAD, *parts])


HEAD = """## Extraction of features from videos

`avbench extract` with one worker against `naive_extraction.py`, a loop that takes clips one by one: every frame to
RGB, the chosen ones scaled and cut, the sound, and the encoders for this clip alone. Both give the same vectors.
*Full size*: CLIP ViT-B/32 (`uniform:8`) and CLAP's HTSAT with random weights, which take as long as real ones.
*Toy*: the same inputs, mean colour and mean level."""


def one_core(figures: list[Kept]) -> str:
    rows = [
        [
            ENCODERS[f["on"]["encoders"]],
            clips(f["on"]),
            ratio(f["loop"]),
            f"{1e3 * f['loop']['one'] / f['on']['clips']:.0f}",
            f"{1e3 * f['loop']['other'] / f['on']['clips']:.0f}",
            beyond(f),
            f"{f['start']:.1f}",
        ]
        for f in figures
    ]
    header = [
        "encoders",
        "clips",
        "loop / extract",
        "loop, ms per clip",
        "extract, ms per clip",
        "beyond the work",
        "start, s",
    ]
    slow = [name(f["on"]) for f in figures if f["loop"]["median"] < LOOP]
    heavy = [name(f["on"]) for f in figures if is_heavy(f)]
    return f"""### One worker, and one core for everything

*Beyond the work*: CPU time of the extraction and its worker, less that of decoding and encoding the same clips in
one process, as many at a time: queues, copies, writing. *Start*: an extraction of a few tiny clips, measured
beside each of the others and subtracted from it: it starts the worker, which imports PyAV, and writes a store.

{table(header, rows, 5)}

- At least as fast as the loop: {all_but(slow)}.
- Beyond the work at most {100 * SHARE:.0f} % of the CPU time with networks of full size, and at most
  {MILLISECONDS:.0f} ms per clip with toys: {all_but(heavy)}."""


def beyond(found: Kept) -> str:
    """CPU time beyond the bare work: a share of it with networks of full size, else by clip."""
    ways = found["overhead"]
    median, low, high = (more(ways[key], found) for key in ("median", "low", "high"))
    if is_full(found):
        return f"{100 * median:.1f} % ({100 * low:.1f}–{100 * high:.1f})"
    return f"{median:.1f} ms per clip ({low:.1f}–{high:.1f})"


def more(over: float, found: Kept) -> float:
    """What is beyond the bare work, where all is `over` times that: its share, or milliseconds a clip."""
    if is_full(found):
        return 1 - 1 / over
    return 1e3 * (over - 1) * float(found["overhead"]["other"]) / int(found["on"]["clips"])


def is_full(found: Kept) -> bool:
    return ENCODERS[found["on"]["encoders"]] == "full size"


def is_heavy(found: Kept) -> bool:
    return more(found["overhead"]["median"], found) > (SHARE if is_full(found) else MILLISECONDS)


def workers(figures: list[Kept]) -> str:
    (found,) = figures
    number, gain, cores = found["workers"], found["gain"], found["cores"]
    wanted = f"K workers on K + 1 cores, toy encoders, K up to 4: at least {GAIN} K times as fast as one worker"
    if gain is None:
        return f"### Several workers\n\n{wanted}. **Not measured**, since there are only {cores} cores here."
    met = "met" if gain["median"] >= GAIN * number else "**missed**"
    return f"""### Several workers

{wanted}. With {number} workers and {clips(found["on"])}:
{ratio(gain)} times, wanted {GAIN * number:.1f}: {met}."""


def second_run(figures: list[Kept]) -> str:
    (found,) = figures
    again, refused = found["again"], found["refused"]
    met = "met" if again["one"] <= AGAIN else "**missed**"
    return f"""### The same command again

{found["clips"]:,} tiny clips, each a file of its own, with vectors of 512 numbers. Extracting them takes
{found["first"]:.0f} s. With all batches finished and the store not yet written, the same command takes
{again["one"]:.2f} s beyond the start of the program ({again["other"]:.2f} s for a few clips); wanted are at most
{AGAIN:.0f} s: {met}. Once the store is there, the command says so after {1e3 * refused["one"]:.0f} ms."""


def dry_run(figures: list[Kept]) -> str:
    (found,) = figures
    taken = found["taken"]
    met = "met" if taken["one"] <= DRY else "**missed**"
    return f"""### `--dry-run`

{found["files"]:,} empty files in one folder, called as those of VGGSound, and lists of the published form and
size, which have {found["listed"]:,} of them: {taken["one"]:.2f} s beyond the start of the program, of which the
lists take {taken["other"]:.2f} s (the same with a few files); wanted are at most {DRY:.0f} s: {met}."""


def clips(on: Kept) -> str:
    source = on["kind"] if on["real"] else f"made up as {on['kind']}"
    return f"{on['clips']} of {on['files']} files, {source}"


def name(on: Kept) -> str:
    return f"{ENCODERS[on['encoders']]} on {on['kind']}"


def all_but(missed: list[str]) -> str:
    return f"all but **{', '.join(missed)}**" if missed else "all"
