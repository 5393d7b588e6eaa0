"""A stage of several seeds, epoch by epoch: trained together, else each by itself."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence

from avgzsl_bench.errors import RunError
from avgzsl_bench.execution.seeds.learner import Learner
from avgzsl_bench.execution.seeds.stack import Stack
from avgzsl_bench.execution.stages import EpochLosses, Outcome, StageDriver, checked_means
from avgzsl_bench.method.precision import Precision, precision_context


def lockstep(
    drivers: Sequence[StageDriver[Outcome]],
    learners: Sequence[Learner],
    stack: Stack,
    precision: Precision = "full",
) -> Iterator[tuple[int, Outcome | RunError]]:
    """Train learners together, each for as long as its driver requests epochs.

    Args:
        drivers: at the beginning of a stage, each of at least one epoch.
        learners, stack: of the same seeds.
        precision: of training.

    Yields:
        A seed's position and the outcome of its stage, or why it cannot go on, as soon as that is known.
    """
    live = list(range(len(drivers)))
    while live:
        start = time.perf_counter()
        with precision_context(precision, learners[0].method.device):
            means = stack.train_epoch()
        seconds = (time.perf_counter() - start) / len(live)
        going = []
        for place, position in enumerate(live):
            driver = drivers[position]
            assert driver.next_epoch is not None, "who is done has left the stack"
            try:
                losses = checked_means(learners[position].method, means[place], driver.next_epoch)
                driver.send(EpochLosses(losses, seconds))
            except RunError as error:
                yield position, error
                continue
            if driver.next_epoch is None:
                yield position, driver.outcome
            else:
                going.append(place)
        if 0 < len(going) < len(live):
            stack.keep(going)
        live = [live[place] for place in going]
