"""The page of a GPU's figures, from its record."""

from __future__ import annotations

from results_page import but, floors_of
from tables import Kept, ratio, table

from avgzsl_bench.method.precision import PRECISIONS

STEP = 1.15
"""What is aimed at: training over its floor."""
MIB, GIB = 2**20, 2**30
NONE = "–"


def page(record: Kept) -> str:
    """The page: steps, evaluations and memory, seeds, and what failed."""
    methods = record["methods"]
    done = {name: found for name, found in methods.items() if "failed" not in found}
    failed = {name: found["failed"] for name, found in methods.items() if "failed" in found}
    parts = [head(record), said(record)]
    parts += [steps(done), evaluations(done), seeds(done)] if done else []
    parts += [failures(failed)] if failed else []
    return "\n\n".join(parts) + "\n"


def head(record: Kept) -> str:
    device = record["device"]
    warning = (
        "" if device["kind"] == "cuda" else "\n\n**Measured on a CPU, to try the program out: no GPU figures.**"
    )
    return f"""<!-- Made by `python benchmarks/gpu.py`; do not edit. -->

# Speed on {device["name"]}{warning}

Default settings on full-size **simulated** UCF, deterministic operations as in every run. The device is waited for
at the end of each measurement. *Floor*: the same steps bare, on batches already in place, measured in turn with
the epochs; the median of the ratios of neighbouring measurements is given, and their range."""


def said(record: Kept) -> str:
    """The device, the machine, the libraries, the source and the date."""
    device, m = record["device"], record["machine"]
    gpu = ""
    if device["kind"] == "cuda":
        gpu = (
            f"{device['name']}, {device['memory'] / GIB:.0f} GiB, compute capability {device['capability']}, "
            f"driver {device['driver'] or 'unknown'}, CUDA {device['cuda']}; "
        )
    return (
        f"Measured on {record['date']}: {gpu}{m['processor']}, {m['cores']} cores, PyTorch threads: "
        f"{m['threads']}, {m['memory']} GiB, {m['system']}, Python {m['python']}, PyTorch {m['torch']}, NumPy "
        f"{m['numpy']}; source revision {record['revision'] or 'unknown'}."
    )


def steps(done: Kept) -> str:
    """Steps a second in each precision, over their floor, and how busy the device was."""
    trained = {name: found for name, found in done.items() if found["training"]}
    rows, reasons = [], set()
    for name, found in trained.items():
        for precision in PRECISIONS:
            if precision not in found["training"]:
                continue
            of = found["training"][precision]
            reasons |= {of["no_utilisation"]} - {None}
            rows.append(
                [
                    f"`{name}`",
                    precision,
                    NONE if found["batch_size"] is None else str(found["batch_size"]),
                    f"{of['steps_a_second']:.1f}",
                    f"{found['steps'] / of['over_floor']['other']:.1f}",
                    ratio(of["over_floor"]),
                    NONE if of["utilisation"] is None else f"{of['utilisation']:.0f}",
                ]
            )
    header = ["method", "precision", "batch", "steps / s", "bare steps / s", "step / floor", "busy, %"]
    late = [
        f"{name} ({precision})"
        for name, found in trained.items()
        for precision, of in found["training"].items()
        if of["over_floor"]["median"] > STEP
    ]
    notes = [f"No utilisation: {reason}." for reason in sorted(reasons)]
    busy = "*Busy*: the share of the time in which a kernel ran, as NVML tells it, during epochs."
    told = " ".join([f"Step over floor at most {STEP}: {but(late)}. {busy}", *notes])
    counted = "What is counted as a step, and what the floor is:"
    floors = floors_of([{"method": name, **found} for name, found in trained.items()])
    return f"## Steps\n\n{table(header, rows, 5)}\n\n{told}\n\n{counted}\n\n{floors}"


def evaluations(done: Kept) -> str:
    """Evaluations, and the most memory that an epoch and an evaluation take."""
    rows = []
    for name, found in done.items():
        evaluation, before, peak = found["evaluation"], found["memory_before"], found["memory_peak"]
        rows.append(
            [
                f"`{name}`",
                f"{1e3 * evaluation['one']:.1f}",
                ratio(evaluation),
                NONE if peak is None else f"{(peak - before) / MIB:.0f}",
                NONE if peak is None else f"{peak / MIB:.0f}",
            ]
        )
    header = ["method", "evaluation, ms", "evaluation / embedding", "memory, MiB", "in all, MiB"]
    first = next(iter(done.values()))
    return f"""## Evaluations and memory

{first["videos"]:,} videos against {first["classes"]} classes: scores, decisions, exact curve, bias and figures, in
full precision, over one pass of videos and classes through the network. *Memory*: the most that is allocated on
the device in an epoch and an evaluation, above data and method; and with them.

{table(header, rows, 4)}"""


def seeds(done: Kept) -> str:
    """Seeds a second by each way."""
    ways = list(dict.fromkeys(way for found in done.values() for way in found["seeds"]["a_second"]))
    rows = [
        [
            f"`{name}`",
            NONE if found["seeds"]["of_batches"] is None else str(found["seeds"]["of_batches"]),
            *(f"{of[way]:.2f}" if way in of else NONE for way in ways),
        ]
        for name, found in done.items()
        for of in [found["seeds"]["a_second"]]
    ]
    return f"""## Seeds a second

A seed is a new method, an epoch of so many batches (–: of the default number) and an evaluation.

{table(["method", "batches", *ways], rows, 1 + len(ways))}"""


def failures(failed: dict[str, str]) -> str:
    """What could not be measured, and why."""
    listed = "\n".join(f"- `{name}`: {reason.replace('`', '')}" for name, reason in failed.items())
    return f"## Not measured\n\n{listed}"
