"""A checkpoint with all that a prediction needs, and its method ready to score."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from avgzsl_bench.errors import CheckpointError, ConfigError
from avgzsl_bench.gzsl.task import Classes, FeatureDims
from avgzsl_bench.method.base import Method
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.plugins.contained import contained
from avgzsl_bench.records.checkpoint import read_checkpoint, restore

if TYPE_CHECKING:
    from avgzsl_bench.plugins.specs import MethodSpec
    from avgzsl_bench.records.checkpoint_header import PredictionPart
    from avgzsl_bench.records.run_spec import RunSpec


@dataclass(frozen=True)
class Trained:
    """A trained method.

    Attributes:
        source: the file, for messages.
        spec: the method as registered.
        run: that trained it.
        part: what the checkpoint knows for predictions.
        shape: widths of the features.
        classes: those that the method was built with.
        method: ready to score.
    """

    source: str
    spec: MethodSpec
    run: RunSpec
    part: PredictionPart
    shape: FeatureDims
    classes: Classes
    method: Method

    def require_open_vocabulary(self) -> None:
        """Refuse other classes than those that the method was built with, where scores of a class depend on all.

        Raises:
            ConfigError: they do, or the method does not say that they do not.
        """
        if not self.spec.open_vocabulary:
            raise ConfigError(
                f"{self.spec.title} scores only the classes that it was trained with, all together; leave out "
                "--classes and --class-vectors, or train another method"
            )


@contained()
def read_trained(path: Path, device: torch.device) -> Trained:
    """Read a checkpoint and build its method.

    Raises:
        CheckpointError: it cannot be used, or holds nothing for predictions.
        AvbenchError: the method is not installed, or the weights do not fit it.
    """
    checkpoint = read_checkpoint(path)
    header = checkpoint.header
    part, run = header.prediction, header.run
    if part is None or run is None:
        raise CheckpointError(f"{path}: this checkpoint says nothing of videos: train with 'avbench run --save'")
    classes = Classes(
        names=tuple(known.name for known in part.classes),
        text={encoder: vectors.to(device) for encoder, vectors in checkpoint.text.items()},
        seen=torch.tensor([known.seen for known in part.classes], device=device),
    )
    method = restore(checkpoint, header.shape, classes, device)
    return Trained(checkpoint.source, method_spec(header.method), run, part, header.shape, classes, method)
