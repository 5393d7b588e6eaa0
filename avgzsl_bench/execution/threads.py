"""The number of CPU threads of a run: as chosen, else as the environment says, else by the size of the model.

Sums are split among threads, so that figures depend on their number. It therefore follows neither the cores of the
machine nor the load on it: the same run has the same number everywhere.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import torch

from avgzsl_bench.execution.options import RunOptions

if TYPE_CHECKING:
    from avgzsl_bench.method.base import Method

LARGE = 500_000_000
"""Trained parameters times videos in a batch, above which two threads pay.

On two cores a second thread saves a third of a step of MFT; of a step of smaller models it saves a fifth or
nothing, and two of their runs side by side would then take up to four times as long.
"""

_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Environment variables with which a user sets torch's number of threads."""


def threads_by_size(parameters: int | None, batch_size: int) -> int:
    """Give the number of threads of a model where nobody chose one: 2 for a large model, else 1.

    Args:
        parameters: trained parameters; None where a method has no such number.
        batch_size: videos in a batch; 1 for a method without batches.

    Examples:
        >>> threads_by_size(1_015_168, 64), threads_by_size(10_675_072, 64), threads_by_size(None, 64)
        (1, 2, 1)
    """
    return 2 if (parameters or 0) * batch_size > LARGE else 1


def default_text() -> str:
    """Describe the number of threads of a run for which none is chosen."""
    name = _named()
    return "1, or 2 for a large model" if name is None else f"{torch.get_num_threads()} ({name})"


def use_threads(options: RunOptions, method: Method | None = None) -> None:
    """Set torch's number of threads for a run. Whoever calls it puts back the number of before.

    Args:
        options: of the run.
        method: as built; None while there is none yet, as in loading data: one thread where nobody chose another.
    """
    torch.set_num_threads(_number(options, method))


def _number(options: RunOptions, method: Method | None) -> int:
    if options.threads is not None:
        return options.threads
    if _named() is not None:
        number = torch.get_num_threads()
    elif method is None:
        number = 1
    else:
        batch_size = getattr(method.config, "batch_size", 1)
        number = threads_by_size(method.parameter_count(), batch_size if isinstance(batch_size, int) else 1)
    return number if options.most_threads is None else min(number, options.most_threads)


def _named() -> str | None:
    """Name the variable with which the environment sets torch's number of threads; None without one."""
    return next((name for name in _VARIABLES if re.match(r"\s*[1-9]", os.environ.get(name, ""))), None)
