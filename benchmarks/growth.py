"""Time and memory of an evaluation and of an import as videos and classes grow, each size in a process of its own.

`python benchmarks/growth.py` prints one line of JSON a size. An evaluation scores videos with a linear map and
Euclidean distances, then makes decisions, the curve, the bias and the figures. An import reads features of one's
own from a table and two arrays into a store.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from every_method import resident
from pairs import Way, seconds

if TYPE_CHECKING:
    from avgzsl_bench.data.own.adding import FeatureSources

EVALUATIONS = (
    *((n, 200) for n in (10_000, 30_000, 100_000, 300_000, 1_000_000)),
    *((30_000, k) for k in (50, 200, 500, 1000, 2000)),
    (1_000_000, 50),
    (300_000, 2000),
)
IMPORTS = ((10_000, 50), (10_000, 2000), (30_000, 200), (100_000, 200), (300_000, 200), (1_000_000, 200))
AUDIO, VISUAL, TEXT = 16, 32, 64
"""Narrow vectors, so that what grows is what is measured."""


@dataclass(frozen=True)
class Grown:
    """Figures of one size.

    Attributes:
        what: `evaluation` or `import`.
        videos, classes: the size.
        seconds: it took, the least of several times.
        data: MiB, the features themselves.
        above: MiB, the most that was resident above what was before, where the features of an evaluation lie
            in memory already.
    """

    what: str
    videos: int
    classes: int
    seconds: float
    data: float
    above: float


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def least(work: Way) -> float:
    """The least of three times or of two seconds' worth, since what else a machine does only adds."""
    taken: list[float] = []
    while len(taken) < 3 or sum(taken) < 2:
        taken.append(seconds(work))
    return min(taken)


def measure_evaluation(videos: int, classes: int) -> Grown:
    """Evaluate a linear method once, after a first time on few videos."""
    import numpy as np
    import torch

    from avgzsl_baselines.devise import DeViSE
    from avgzsl_bench import Classes, FeatureDims, Samples, Task, Videos
    from avgzsl_bench.execution.scoring import validate
    from avgzsl_bench.gzsl.calibration import parse_calibration
    from avgzsl_bench.gzsl.task import Truth

    random = torch.Generator().manual_seed(0)
    label = torch.arange(videos) % classes
    seen = torch.arange(classes) % 4 != 0
    named = Classes(
        tuple(f"class {k}" for k in range(classes)), {"own": torch.randn(classes, TEXT, generator=random)}, seen
    )
    features = Videos(torch.randn(videos, AUDIO, generator=random), torch.randn(videos, VISUAL, generator=random))
    task = Task(
        named,
        Samples(features.take(slice(0, 100)), label[:100]),
        features,
        Truth(label.numpy(), np.arange(videos)),
    )
    few = Task(named, task.train, features.take(slice(0, 4096)), Truth(label[:4096].numpy(), np.arange(4096)))
    method = DeViSE(
        DeViSE.Config(), FeatureDims(AUDIO, VISUAL, {"own": TEXT}), named, seed=0, device=torch.device("cpu")
    )
    calibration = parse_calibration("exact")
    validate(method, few, calibration)
    before = resident()
    taken = least(lambda: validate(method, task, calibration))
    data = videos * (AUDIO + VISUAL) * 4 / 2**20
    return Grown("evaluation", videos, classes, taken, data, max(peak() - before, 0.0))


def measure_import(videos: int, classes: int) -> Grown:
    """Add features of a dataset of one's own."""
    from avgzsl_bench.data.own.adding import add_features

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        _in_another_process("write", str(place), str(videos), str(classes))
        (place / "data").mkdir()
        brought = brought_from(place)
        before = resident()

        def work() -> None:
            assert add_features(place / "data", brought, force=True).videos == videos

        taken = least(work)
    data = videos * (AUDIO + VISUAL) * 4 / 2**20
    return Grown("import", videos, classes, taken, data, max(peak() - before, 0.0))


def brought_from(place: Path) -> FeatureSources:
    """What `write_sources` wrote there, as `add_features` takes it."""
    from avgzsl_bench.data.own.adding import FeatureSources

    return FeatureSources(
        "grown",
        "own",
        place / "videos.csv",
        str(place / "audio.npy"),
        str(place / "visual.npy"),
        {"own": place / "text.npz"},
        place / "classes.csv",
    )


def write_sources(place: Path, videos: int, classes: int) -> None:
    """A table of videos, a table of classes, two arrays and a file of class vectors; values are noise."""
    import numpy as np

    random = np.random.default_rng(0)
    np.save(place / "audio.npy", random.random((videos, AUDIO), np.float32))
    np.save(place / "visual.npy", random.random((videos, VISUAL), np.float32))
    names = [f"class {k:04d}" for k in range(classes)]
    np.savez(place / "text.npz", **{name: random.random(TEXT, np.float32) for name in names})
    roles = ["train", "train", "val_unseen", "test_unseen"]
    rows = [f"{name},{roles[k % 4]}" for k, name in enumerate(names)]
    (place / "classes.csv").write_text("\n".join(["name,cls", *rows]) + "\n")
    partitions = {
        "train": ["stage1_train", "stage1_val_seen", "stage2_test_seen"],
        "val_unseen": ["stage1_val_unseen", "stage2_test_seen"],
        "test_unseen": ["stage2_test_unseen"],
    }
    with (place / "videos.csv").open("w") as file:
        file.write("video,class,partition\n")
        for i in range(videos):
            k = i % classes
            choices = partitions[roles[k % 4]]
            file.write(f"v{i:07d},{names[k]},{choices[i // classes % len(choices)]}\n")


def _in_another_process(*arguments: str) -> str:
    done = subprocess.run([sys.executable, __file__, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout


def measure_all() -> list[dict]:
    """Every size, each in a fresh process."""
    grown = [("evaluation", *size) for size in EVALUATIONS] + [("import", *size) for size in IMPORTS]
    return [json.loads(_in_another_process(what, str(n), str(k))) for what, n, k in grown]


def main() -> None:
    what, *rest = sys.argv[1:] or ["all"]
    if what == "all":
        for found in measure_all():
            print(json.dumps(found))
    elif what == "write":
        write_sources(Path(rest[0]), int(rest[1]), int(rest[2]))
    else:
        measure = {"evaluation": measure_evaluation, "import": measure_import}[what]
        print(json.dumps(asdict(measure(int(rest[0]), int(rest[1])))))


if __name__ == "__main__":
    main()
