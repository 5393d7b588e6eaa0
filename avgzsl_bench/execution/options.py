"""What is chosen for a run beside method, dataset and seed; a job carries it to another process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from avgzsl_bench.errors import ConfigError
from avgzsl_bench.system.folders import user_path

MAX_SEEDS = 10_000
MAX_THREADS = 1024


@dataclass(frozen=True)
class RunOptions:
    """What else is chosen for a run, beside method, dataset and seed.

    Attributes:
        features: feature set; `auto` takes the best installed real one, else the simulated one.
        split: class split: `cls`, `main`, or a source-disjoint view, `cls-disjoint` or `main-disjoint`; None:
            `cls`, or the dataset's only split.
        settings: settings that differ from the method's defaults; `calibration` is one of them.
        preset: a named set of settings of the method, e.g. `official`; `settings` come after it.
        device: `auto`, `cpu`, `cuda`, `cuda:N` or `mps`; None: of another machine, which is not known here.
        precision: of training: `full`, `tf32` (CUDA devices only) or `bf16`, if the method has it.
        data_root: folder of installed data; None: `AVBENCH_DATA`, else the platform's.
        out: folder of the results.
        threads: CPU threads of torch; None: as `OMP_NUM_THREADS` says, else by the size of the model. Not part of
            the run's id, but each record has their number.
        save: whether the models of both stages are saved beside the record. Not part of the run's id.
        checkpoint_every: after every so many epochs the training is kept, for the same run to go on from after an
            interruption; None: never. Not part of the run's id.
        force: whether a run that is finished is run again, and its record replaced whatever it says.
        most_threads: their number where `threads` is None, at most; None: no limit.
        log: trackers of the run, as `checked_log` gives them. Not part of the run's id.

    Raises:
        ConfigError: a number of threads that is not 1 to `MAX_THREADS`, or `checkpoint_every` below 1.
    """

    features: str = "auto"
    split: str | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)
    preset: str | None = None
    device: str | None = "auto"
    precision: str = "full"
    data_root: Path | str | None = None
    out: Path | str = "results"
    threads: int | None = None
    save: bool = False
    checkpoint_every: int | None = None
    force: bool = False
    most_threads: int | None = None
    log: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        require_threads(self.threads)
        if self.checkpoint_every is not None and not _is_count(self.checkpoint_every):
            raise ConfigError(f"checkpoint_every {self.checkpoint_every!r}: must be a whole number from 1")

    @property
    def results(self) -> Path:
        """Folder of the results as a path, with `~` expanded."""
        return user_path(self.out)


def require_threads(number: int | None) -> None:
    """Refuse a number of CPU threads that cannot be used; None is no choice.

    Raises:
        ConfigError: it is not 1 to `MAX_THREADS`.
    """
    if number is None:
        return
    if not _is_count(number) or number > MAX_THREADS:
        raise ConfigError(f"threads {number!r}: must be a whole number from 1 to {MAX_THREADS}")


def _is_count(number: object) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and number >= 1
