"""The usual way to be a method: a module, its losses, and an embedding space to compare in."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn
from typing_extensions import TypeVar

from avgzsl_bench.errors import CheckpointError, PluginError
from avgzsl_bench.gzsl.sequences import Sequences
from avgzsl_bench.gzsl.task import Classes, FeatureDims, Samples, Videos, rows
from avgzsl_bench.method.base import Method, MethodConfig
from avgzsl_bench.method.distances import euclidean_distances
from avgzsl_bench.method.sampling import ClassBalancedSampler


class TorchConfig(MethodConfig):
    """Settings of a method trained by gradient descent, with Adam and a plateau schedule on validation HM."""

    batch_size: int = Field(64, ge=2, description="videos per batch")
    batches_per_epoch: int = Field(300, ge=1, description="batches per epoch")
    learning_rate: float = Field(1e-4, gt=0, description="Adam's initial learning rate")
    weight_decay: float = Field(0.0, ge=0, description="L2 weight decay, added to the gradient")
    scheduler: Literal["plateau", "none"] = Field(
        "plateau", description="what changes the learning rate: a plateau of validation HM, or nothing"
    )
    plateau_factor: float = Field(0.1, gt=0, lt=1, description="factor at a drop of the learning rate")
    plateau_patience: int = Field(3, ge=0, description="epochs without improvement before a drop")


@dataclass(frozen=True)
class Batch:
    """A training batch of `B` class-balanced draws.

    Attributes:
        audio: float32 `[B, Da]`.
        visual: float32 `[B, Dv]`.
        label: int64 `[B]`, positions in the training classes.
        negative: for a method with `negatives`, `B` draws of other classes: the `i`-th is of any class but
            the `i`-th sample's, drawn uniformly. None otherwise.
        audio_steps, visual_steps: the sequences, as in `Videos`.
    """

    audio: Tensor
    visual: Tensor
    label: Tensor
    negative: Batch | None = None
    audio_steps: Sequences | None = None
    visual_steps: Sequences | None = None


AnyTorchConfig = TypeVar("AnyTorchConfig", bound=TorchConfig, default=TorchConfig, covariant=True)


class TorchMethod(Method[AnyTorchConfig]):
    """A method trained by gradient descent.

    A subclass writes `build`, `losses`, `embed_videos` and `embed_classes`; batches, optimiser, schedule,
    scoring in blocks and the state dict come from here. `self.train_text` holds the embeddings of the
    training classes, `[C, Dw]`, in the order that `Batch.label` refers to.
    """

    seeds_together: ClassVar[bool] = True
    resumable: ClassVar[bool] = True

    negatives: ClassVar[bool] = False
    """True for a method whose batches come with as many videos of other classes."""

    score_block: ClassVar[int] = 4096
    """Videos embedded and scored at a time, so that memory stays bounded whatever their number."""

    official_names: ClassVar[Mapping[str, str]] = {}
    """Prefixes of parameter names in the authors' released checkpoints, and ours for each; empty: none known."""

    def __init__(
        self, config: AnyTorchConfig, shape: FeatureDims, classes: Classes, *, seed: int, device: torch.device
    ) -> None:
        super().__init__(config, shape, classes, seed=seed, device=device)
        self.train_classes = classes.seen_classes()
        self.train_text = self.text_of(self.train_classes)
        self.module = self.build().to(device)
        self.optimizer = self.build_optimizer()
        self._schedule = (
            torch.optim.lr_scheduler.ReduceLROnPlateau(
                self.optimizer, mode="max", factor=config.plateau_factor, patience=config.plateau_patience
            )
            if config.scheduler == "plateau"
            else None
        )
        self._sampler: ClassBalancedSampler | None = None
        self._sampler_state: Tensor | None = None

    @abstractmethod
    def build(self) -> nn.Module:
        """Build the network from `self.config` and `self.shape`."""

    def trained_parameters(self) -> Iterable[nn.Parameter]:
        """Return the parameters that the optimiser updates: all of the module."""
        return self.module.parameters()

    def build_optimizer(self) -> torch.optim.Optimizer:
        """Build the optimiser of `trained_parameters`: Adam."""
        return torch.optim.Adam(
            self.trained_parameters(),
            lr=self.config.learning_rate,
            weight_decay=self.config.weight_decay,
            fused=self.device.type in ("cpu", "cuda"),
        )

    @abstractmethod
    def losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """Compute scalar losses by name. The one called `total` is minimised, the others are logged.

        A pure function of parameters, buffers and the batch: no state elsewhere, no `.item()`.
        """

    @abstractmethod
    def embed_videos(self, videos: Videos) -> Tensor:
        """Compute embeddings `[N, d]` of `N` videos, in evaluation mode."""

    @abstractmethod
    def embed_classes(self, classes: Classes) -> Tensor:
        """Compute embeddings `[K, d]` of `K` classes, in evaluation mode; called once per evaluation."""

    @classmethod
    def official_shape(cls, state: Mapping[str, Tensor]) -> tuple[FeatureDims, dict[str, Any]]:
        """Derive widths of the features, and settings, from the shapes in a released checkpoint.

        Args:
            state: parameters and buffers under their official names.

        Raises:
            KeyError: a parameter that a width is derived from is missing.
            CheckpointError: nobody has released checkpoints of this method, or the shapes contradict each other.
        """
        raise CheckpointError(f"{cls.__name__}: no released checkpoints are known")

    def text_of(self, classes: Classes) -> Tensor:
        """Return the class embeddings that this method reads, `[K, Dw]`: all text encoders side by side."""
        return classes.embedding()

    def compatibility(self, videos: Tensor, classes: Tensor) -> Tensor:
        """Score embedded videos against embedded classes, `[N, K]`: minus the Euclidean distance."""
        return euclidean_distances(videos, classes).neg_()

    @property
    def learning_rate(self) -> float:
        """The optimiser's current learning rate."""
        return float(self.optimizer.param_groups[0]["lr"])

    @learning_rate.setter
    def learning_rate(self, value: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = value

    def train_step(self, batch: Batch) -> Mapping[str, Tensor]:
        """Update the parameters once and return the losses before the update, detached.

        Raises:
            PluginError: `losses` did not give tensors by name with one called `total`.
        """
        losses = self.checked_losses(batch)
        self.optimizer.zero_grad(set_to_none=True)
        with torch.autocast(self.device.type, enabled=False):  # gradients are of the types that losses chose
            losses["total"].backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        with torch.no_grad():
            self.after_step(batch)
        return {name: value.detach() for name, value in losses.items()}

    def after_step(self, batch: Batch) -> None:
        """Run another pass after each update, with the same batch and without gradients.

        As `losses`, it changes no state but the module's.
        """

    def checked_losses(self, batch: Batch) -> Mapping[str, Tensor]:
        """Compute `losses` of a batch and check their form.

        Raises:
            PluginError: they are not tensors by name with one called `total`.
        """
        losses: object = self.losses(batch)
        contract = f"{type(self).__name__}.losses must return a mapping of names to tensors, one called 'total'"
        if not isinstance(losses, Mapping):
            raise PluginError(f"{contract}; got {type(losses).__name__}")
        if "total" not in losses:
            raise PluginError(f"{contract}; got {', '.join(map(str, losses)) or 'none'}")
        for name, value in losses.items():
            if not isinstance(value, torch.Tensor):
                raise PluginError(f"{contract}; {name!r} is {type(value).__name__}")
        return losses

    def train_epoch(self, train: Samples) -> Mapping[str, float]:
        """Update on `batches_per_epoch` class-balanced batches and return the mean of each loss."""
        if self._sampler is None:
            self._sampler = ClassBalancedSampler(train.label, seed=self.seed)
            if self._sampler_state is not None:
                self._sampler.state = self._sampler_state
        self.module.train()
        sums: dict[str, Tensor] = {}
        indices = self._sampler.draw(self.config.batches_per_epoch, self.config.batch_size)
        negatives = self._sampler.draw_negatives(indices) if self.negatives else None
        for batch in drawn_batches(train, indices, negatives):
            for name, value in self.train_step(batch).items():
                sums[name] = sums[name] + value if name in sums else value
        means = torch.stack(list(sums.values())).div(len(indices)).tolist()
        return dict(zip(sums, means, strict=True))

    def score(self, videos: Videos, classes: Classes) -> Tensor:
        """Score each video against each class, `[N, K]`, in blocks of videos."""
        return self._scorer(classes)(videos)

    def scorer(self, classes: Classes) -> Callable[[Videos], Tensor]:
        """Prepare `score` for fixed classes, which are embedded once."""
        own = getattr(self.score, "__func__", None) is not TorchMethod.score
        return super().scorer(classes) if own else self._scorer(classes)

    def _scorer(self, classes: Classes) -> Callable[[Videos], Tensor]:
        self.module.eval()
        with torch.inference_mode():
            embedded = self.embed_classes(classes)

        def scores(videos: Videos) -> Tensor:
            with torch.inference_mode():
                return videos.mapped(
                    lambda block: self.compatibility(self.embed_videos(block), embedded), self.score_block
                )

        return scores

    def after_validation(self, hm: float) -> None:
        """Step the plateau schedule."""
        if self._schedule is not None:
            self._schedule.step(hm)

    def state_dict(self) -> dict[str, Tensor]:
        """Return parameters and buffers of the module."""
        return {name: value.detach().clone() for name, value in self.module.state_dict().items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Load all parameters and buffers of the module."""
        self.module.load_state_dict(dict(state), strict=True)

    def training_state(self) -> dict[str, Any]:
        """Return the states of module, optimiser, schedule and sampler.

        A subclass whose training keeps more adds it here, and takes it out in `load_training_state`.
        """
        return {
            "module": self.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": None if self._schedule is None else self._schedule.state_dict(),
            "sampler": self._sampler_state if self._sampler is None else self._sampler.state,
        }

    def load_training_state(self, state: Mapping[str, Any]) -> None:
        """Go on from the `training_state` of an equal method."""
        self.module.load_state_dict(state["module"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self._schedule is not None:
            self._schedule.load_state_dict(state["schedule"])
        self._sampler_state = state["sampler"]

    def parameter_count(self) -> int:
        """Return the number of trained parameters."""
        return sum(p.numel() for p in self.module.parameters() if p.requires_grad)


def drawn_batches(train: Samples, indices: Tensor, negatives: Tensor | None) -> Iterator[Batch]:
    """Draw the batches of an epoch.

    Args:
        train: what they are drawn from.
        indices: int64 `[batches, B]`; or `[batches, S, B]` for batches of `S` seeds at once, whose tensors have
            the seeds as their first axis.
        negatives: likewise, or None.
    """
    if negatives is None:
        yield from _drawn(train, indices)
        return
    for batch, negative in zip(_drawn(train, indices), _drawn(train, negatives), strict=True):
        yield replace(batch, negative=negative)


def _drawn(train: Samples, indices: Tensor) -> Iterator[Batch]:
    for index, longest in zip(indices, train.videos.longest_of(indices), strict=True):
        videos = train.videos.take(index, longest)
        yield Batch(
            audio=videos.audio,
            visual=videos.visual,
            label=rows(train.label, index),
            audio_steps=videos.audio_steps,
            visual_steps=videos.visual_steps,
        )
