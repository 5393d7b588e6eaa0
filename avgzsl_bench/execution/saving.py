"""The trained models of a run as checkpoints: stage 1 at its best epoch, and stage 2."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from torch import Tensor

from avgzsl_bench.data.benchmark import Benchmark
from avgzsl_bench.data.store.extraction import extraction_facts
from avgzsl_bench.encoders.texts.names import class_words
from avgzsl_bench.execution.plan import Plan
from avgzsl_bench.execution.selection import Selection
from avgzsl_bench.gzsl.task import Classes
from avgzsl_bench.method.base import Method
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.records.checkpoint import Checkpoint, checkpoint_of
from avgzsl_bench.records.checkpoint_header import CheckpointClass, PredictionPart
from avgzsl_bench.records.record import Stage


def checkpoints_of(
    plan: Plan, benchmark: Benchmark, selection: Selection, method: Method
) -> dict[Stage, Checkpoint]:
    """Make the checkpoints of a run that is finished.

    Args:
        plan: the run.
        benchmark: what it ran on.
        selection: the outcome of stage 1, with the state of its best epoch.
        method: as stage 2 left it.

    Raises:
        DataError: how the features were extracted cannot be read.
    """
    assert selection.state is not None, "kept where a run is saved"
    facts = extraction_facts(plan.data.store)
    words = dict(zip(plan.data.dataset.class_names, class_words(plan.data.dataset), strict=True))

    def checkpoint(stage: Literal[1, 2], classes: Classes, state: Mapping[str, Tensor]) -> Checkpoint:
        part = PredictionPart(
            stage=stage,
            bias=selection.bias,
            calibration=plan.config.calibration,
            classes=tuple(
                CheckpointClass(name=name, words=words[name], seen=seen)
                for name, seen in zip(classes.names, classes.seen.tolist(), strict=True)
            ),
            recipe=facts and facts.recipe,
            recipe_sha256=facts and facts.recipe_sha256,
        )
        registered = method_spec(plan.spec.method.name)
        return checkpoint_of(registered, method, run=plan.spec, state=state, prediction=part, text=classes.text)

    return {
        "stage1": checkpoint(1, benchmark.selection.classes, selection.state),
        "stage2": checkpoint(2, benchmark.final.classes, method.state_dict()),
    }
