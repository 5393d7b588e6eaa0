"""What a method is: learn from a task's training samples, score videos against classes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from avgzsl_bench.gzsl.calibration import parse_calibration

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from avgzsl_bench.gzsl.task import Classes, FeatureDims, Samples, Videos
    from avgzsl_bench.method.precision import Precision


class MethodConfig(BaseModel):
    """Settings every method has. Subclass it, give each field a description; unknown keys are refused.

    Types are strict: `true` is no number, `"3"` neither; but an integer will do for a float, a list for a tuple.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, allow_inf_nan=False, strict=True)

    epochs: int = Field(1, ge=1, le=100_000, description="epochs of stage 1; stage 2 trains for the best one")
    calibration: str = Field(
        "exact",
        description="where the bias comes from: exact, avca, clipclap, grid:START:STOP:STEPS or fixed:VALUE",
    )
    text_order: Literal["by-name", "official"] = Field(
        "by-name",
        description="rows of the class embeddings: each class its own, or as the published loaders place them",
    )
    stage2_schedule: Literal["replay", "official"] = Field(
        "replay",
        description="learning rates of stage 2: those of stage 1 again, or, as the published programs do, a "
        "schedule that goes on stepping on the validation videos, which are training videos by then",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _list_is_a_tuple(cls, value: Any, info: ValidationInfo) -> Any:
        """TOML and JSON have no tuples."""
        wanted = cls.model_fields[info.field_name or ""].annotation
        return tuple(value) if isinstance(value, list) and get_origin(wanted) is tuple else value

    @field_validator("calibration")
    @classmethod
    def _calibration_is_known(cls, value: str) -> str:
        return parse_calibration(value).name


class Method(ABC):
    """A method under test. Built afresh for each stage.

    Args:
        config: an instance of the class's own `Config`.
        shape: widths of the features and text vectors.
        classes: all classes of the task, seen and unseen, with their text embeddings.
        seed: seed of this run; torch's global generator is already seeded with it.
        device: where the tensors that arrive live, and where scores should be.
    """

    Config: ClassVar[type[MethodConfig]] = MethodConfig

    precisions: ClassVar[tuple[Precision, ...]] = ("full",)
    """What it can be trained in: those that it was tried in. `train_epoch` runs under autocast for `bf16`."""

    learning_rate: float | None = None
    """The current learning rate, settable; None for a method that has none. Stage 2 replays stage 1's."""

    seeds_together: ClassVar[bool] = False
    """True for a method whose seeds may be trained side by side. What that asks of it is said in
    `avgzsl_bench.execution.seeds`; without it seeds run one after another."""

    def __init__(
        self, config: MethodConfig, shape: FeatureDims, classes: Classes, *, seed: int, device: torch.device
    ) -> None:
        self.config = config
        self.shape = shape
        self.classes = classes
        self.seed = seed
        self.device = device

    @classmethod  # noqa: B027 (optional, so not abstract)
    def check(cls, config: MethodConfig, shape: FeatureDims) -> None:
        """Refuse, before anything is trained, settings that cannot work on features of these widths.

        Args:
            config: the configuration of the run.
            shape: widths of the features and text vectors that it would run on.

        Raises:
            ConfigError: with the setting and the reason.
        """

    @classmethod
    def added_text(cls, config: MethodConfig, offered: tuple[str, ...]) -> tuple[str, ...]:
        """Which of the texts that a user may add to a dataset a configuration reads.

        Args:
            config: the configuration of the run.
            offered: `Needs.added_text` of the method's spec.

        Returns:
            All of them, unless a subclass says less.
        """
        return offered

    @abstractmethod
    def train_epoch(self, train: Samples) -> Mapping[str, float]:
        """Train for one epoch and return the mean of each loss, for the log."""

    @abstractmethod
    def score(self, videos: Videos, classes: Classes) -> Tensor:
        """Compatibility of each video with each class: float `[N, K]`, higher is better.

        A video's scores may depend on that video, the classes and what was learnt, on nothing else.
        """

    def scorer(self, classes: Classes) -> Callable[[Videos], Tensor]:
        """`score` for these classes: what depends on them alone is done here, once for all videos.

        Good until the method learns or loads again. It gives what `score` gives, which must not call it unless
        this is overridden.
        """
        return lambda videos: self.score(videos, classes)

    def calibration_scorer(self, classes: Classes) -> Callable[[Videos], Sequence[Tensor]] | None:
        """Score matrices `[N, K]` whose biases are averaged, where the bias is not that of `score`'s own.

        Returns:
            None, unless a published program does it and the configuration asks for it. Else what gives them for
            videos, good for as long as what `scorer` returns.
        """
        return None

    def after_validation(self, hm: float) -> None:  # noqa: B027 (optional, so not abstract)
        """Called in stage 1 after each epoch with the validation HM (a fraction): the place for schedulers."""

    @abstractmethod
    def state_dict(self) -> dict[str, Tensor]:
        """What was learnt, as tensors by name: enough for `score` to give the same again."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Take over what `state_dict` of an equal method gave."""

    def parameter_count(self) -> int | None:
        """Number of trained parameters; None where the notion makes no sense."""
        return None
