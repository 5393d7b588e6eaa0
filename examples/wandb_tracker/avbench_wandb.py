"""Weights & Biases for avgzsl-bench: `--log wandb:PROJECT`.

Figures are fractions, as in records. Steps are epochs of a stage.
"""

from __future__ import annotations

from typing import Any

import avgzsl_bench as ab

FIGURES = {"S": "seen", "U": "unseen", "HM": "hm", "ZSL": "zsl", "AUSUC": "ausuc", "bias": "bias"}


@ab.hookimpl
def avbench_trackers() -> list[ab.TrackerSpec]:
    """Register the tracker."""
    return [
        ab.TrackerSpec(
            name="wandb",
            target="avbench_wandb:WandbTracker",
            summary="Weights & Biases: losses, learning rate and figures as fractions, settings",
            where="PROJECT",
            needs=("wandb",),
            install="pip install wandb",
        )
    ]


class WandbTracker:
    """Logs runs to a project; seeds that train together are runs of their own."""

    def __init__(self, project: str) -> None:
        self._project = project
        self._runs: dict[str, Any] = {}

    @ab.hookimpl
    def avbench_run_started(self, run: ab.RunStatus) -> None:
        """Begin a run of the project, with the settings."""
        import wandb

        spec = run.spec
        begun = wandb.init(
            project=self._project,
            name=f"{spec}{', SIMULATED' if spec.data.simulated else ''}",
            group=f"{spec.data.dataset} {spec.data.features} {spec.data.split}",
            config=spec.model_dump(mode="json") | {"run_id": spec.id, "device": run.device},
            reinit="create_new",
            settings=wandb.Settings(console="off"),
        )
        self._runs[spec.id] = begun
        for stage in ("stage1", "stage2"):
            begun.define_metric(f"{stage}/*", step_metric=f"{stage}/epoch")

    @ab.hookimpl
    def avbench_epoch_finished(self, run: ab.RunStatus, epoch: ab.EpochResult) -> None:
        """Log losses and learning rate of an epoch, and in stage 1 its validation."""
        values = {"epoch": epoch.epoch, "learning_rate": epoch.learning_rate}
        values |= {f"loss/{name}": value for name, value in epoch.losses.items()}
        if epoch.validation is not None:
            values |= figures("validation", epoch.validation) | {"validation/bias": epoch.bias}
        stage = f"stage{epoch.stage}"
        self._runs[run.spec.id].log({f"{stage}/{name}": value for name, value in values.items()})

    @ab.hookimpl
    def avbench_run_finished(self, run: ab.RunStatus, record: ab.Record) -> None:
        """Keep the figures of the test in the summary, and end the run."""
        begun = self._runs.pop(run.spec.id)
        begun.summary.update(figures("test", record.metrics) | {"best_epoch": record.best_epoch})
        begun.finish()

    def close(self) -> None:
        """End the runs that did not finish, as failed."""
        while self._runs:
            self._runs.popitem()[1].finish(exit_code=1)


def figures(place: str, metrics: ab.Metrics) -> dict[str, float]:
    """Give the figures by name, as fractions."""
    return {f"{place}/{name}": getattr(metrics, field) for name, field in FIGURES.items()}
