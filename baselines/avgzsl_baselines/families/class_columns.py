"""Columns of scores for methods whose classifier knows the classes of its task and no others."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from avgzsl_bench import AvbenchError, Classes

_NAMED = 4
"""How many unknown classes an error names before it only counts the rest."""


def class_columns(position: Mapping[str, int], classes: Classes, title: str) -> Tensor:
    """Find the classifier's column of each class: int64 `[K]`, on the classes' device.

    Args:
        position: of each class in the classifier, by name.
        classes: those to score, in any order.
        title: of the method, for the error.

    Raises:
        AvbenchError: a class that the classifier does not know, so that nothing was learnt of it.
    """
    unknown = [name for name in classes.names if name not in position]
    if unknown:
        more = f" and {len(unknown) - _NAMED} more" if len(unknown) > _NAMED else ""
        raise AvbenchError(
            f"{title} trains a classifier for the classes of its task and can score no others: "
            f"{', '.join(unknown[:_NAMED])}{more}"
        )
    return torch.tensor([position[name] for name in classes.names], device=classes.seen.device)
