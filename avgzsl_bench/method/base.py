"""The interface of a method: learn from a task's training samples, score videos against classes."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Literal, TypeGuard, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from typing_extensions import TypeVar

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
        """Turn a list into the tuple that a setting takes: TOML and JSON have no tuples."""
        annotation = cls.model_fields[info.field_name or ""].annotation
        return tuple(value) if isinstance(value, list) and get_origin(annotation) is tuple else value

    @field_validator("calibration")
    @classmethod
    def _calibration_is_known(cls, value: str) -> str:
        return parse_calibration(value).name


AnyConfig = TypeVar("AnyConfig", bound=MethodConfig, default=MethodConfig, covariant=True)
"""The configuration of a method. Covariant, so that every method is a `Method`."""


class Method(ABC, Generic[AnyConfig]):
    """A method under test, built anew for each stage: `class MyMethod(Method[MyConfig])`.

    Args:
        config: the configuration, an instance of `Config`.
        shape: widths of the features and text vectors.
        classes: all classes of the task, seen and unseen, with their text embeddings.
        seed: seed of this run; torch's global generator is already seeded with it.
        device: device of the training samples, of the videos to score, and of the scores.
    """

    Config: ClassVar[type[MethodConfig]] = MethodConfig
    """Class of the configuration: the type parameter, set for each subclass that has one."""

    precisions: ClassVar[tuple[Precision, ...]] = ("full",)
    """Precisions of training that were tried with it. `train_epoch` runs under autocast for `bf16`."""

    spiking: ClassVar[bool] = False
    """Whether neurons fire or do not: rounding then changes scores of a few videos by more than rounding does."""

    learning_rate: float | None = None
    """The current learning rate, settable; None for a method without one. Stage 2 replays stage 1's."""

    seeds_together: ClassVar[bool] = False
    """Whether its seeds may be trained side by side (requirements: `avgzsl_bench.execution.seeds`); if not, they
    run one after another."""

    resumable: ClassVar[bool] = False
    """Whether training can go on from `training_state` in another process, to the same figures."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "Config" not in vars(cls):
            found = _type_parameter(cls)
            cls.Config = cls.Config if found is None else found

    def __init__(
        self, config: AnyConfig, shape: FeatureDims, classes: Classes, *, seed: int, device: torch.device
    ) -> None:
        self.config = config
        self.shape = shape
        self.classes = classes
        self.seed = seed
        self.device = device

    @classmethod
    def check(cls, config: AnyConfig, shape: FeatureDims) -> None:  # type: ignore[misc]  # always its own Config
        """Refuse, before training, settings that cannot work on features of these widths.

        Args:
            config: the configuration of the run.
            shape: widths of the features and text vectors of the run.

        Raises:
            ConfigError: a setting does not work; the message names it and the reason.
        """

    @classmethod
    def added_text(
        cls,
        config: AnyConfig,  # type: ignore[misc]  # always its own Config
        offered: tuple[str, ...],
    ) -> tuple[str, ...]:
        """Name the added text embeddings that a configuration reads.

        Args:
            config: the configuration of the run.
            offered: `Needs.added_text` of the method's spec.

        Returns:
            All of them, unless a subclass returns fewer.
        """
        return offered

    @classmethod
    def joint_text(
        cls,
        config: AnyConfig,  # type: ignore[misc]  # always its own Config
        offered: Mapping[str, str],
    ) -> Mapping[str, str]:
        """Name the text encoders whose space a configuration compares features in.

        Args:
            config: the configuration of the run; it is asked before the feature set is chosen.
            offered: `Needs.joint` of the method's spec.

        Returns:
            The encoder of each modality in `offered`: those named there, unless a subclass has settings for them.
        """
        return offered

    @abstractmethod
    def train_epoch(self, train: Samples) -> Mapping[str, float]:
        """Train for one epoch.

        Args:
            train: the training samples of the stage.

        Returns:
            The mean of each loss by name, for the log.
        """

    @abstractmethod
    def score(self, videos: Videos, classes: Classes) -> Tensor:
        """Compute the compatibility of each video with each class.

        A video's scores may depend only on that video, the classes and the learnt parameters; each run checks this
        on a sample of the videos. `Videos.mapped` gives them the same bits wherever the video stands.

        Args:
            videos: `N` videos.
            classes: `K` classes, in any order.

        Returns:
            Float `[N, K]`, higher is better.
        """

    def scorer(self, classes: Classes) -> Callable[[Videos], Tensor]:
        """Prepare `score` for fixed classes: whatever depends only on them is computed once.

        Args:
            classes: `K` classes, in any order.

        Returns:
            A function from videos to the same scores `[N, K]` as `score`, valid until the method trains or loads
            again. `score` must not call `scorer` unless `scorer` is overridden.
        """
        return lambda videos: self.score(videos, classes)

    def calibration_scorer(self, classes: Classes) -> Callable[[Videos], Sequence[Tensor]] | None:
        """Prepare the score matrices over whose best biases the bias is averaged.

        Args:
            classes: `K` classes, in any order.

        Returns:
            None where the bias is that of `score` itself. Otherwise a function from videos to matrices
            `[N, K]`, valid as long as the function that `scorer` returns; only for published code that does so,
            where the configuration asks for it.
        """
        return None

    def after_validation(self, hm: float) -> None:
        """Run schedulers, after the validation of each epoch of stage 1.

        Args:
            hm: validation harmonic mean, a fraction.
        """

    @abstractmethod
    def state_dict(self) -> dict[str, Tensor]:
        """Return all that was learnt, as tensors by name: enough for `score` to give the same again."""

    @abstractmethod
    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Load the `state_dict` of an equal method."""

    def training_state(self) -> Mapping[str, Any]:
        """Return all that further training depends on beside the samples and the global random streams.

        Only a method that is `resumable` has one: tensors and plain values, in dictionaries, lists and tuples.
        """
        raise NotImplementedError(f"{type(self).__name__} is not resumable")

    def load_training_state(self, state: Mapping[str, Any]) -> None:
        """Go on from the `training_state` of an equal method; its tensors may be on the CPU."""
        raise NotImplementedError(f"{type(self).__name__} is not resumable")

    def parameter_count(self) -> int | None:
        """Return the number of trained parameters; None where a method has no such number."""
        return None


def _type_parameter(method: type[Method]) -> type[MethodConfig] | None:
    """Find the configuration that a class is parametrised with: `MyConfig` in `class X(Method[MyConfig])`.

    Returns:
        None for a class without a parameter of its own, which inherits that of its base.

    Raises:
        TypeError: the parameter is not a subclass of `MethodConfig`.
    """
    for base in vars(method).get("__orig_bases__", ()):
        origin = get_origin(base)
        if not (isinstance(origin, type) and issubclass(origin, Method)):
            continue
        given = [_class_of(parameter) for parameter in get_args(base)]
        for found in given:
            if _is_config(found):
                return found
        if any(_is_config(_class_of(parameter)) for parameter in getattr(origin, "__parameters__", ())):
            raise TypeError(
                f"{method.__name__}: {origin.__name__}[...] takes a subclass of MethodConfig, not {given[0]!r}"
            )
    return None


def _class_of(parameter: Any) -> Any:
    """Return a type parameter, or for a type variable its default, or else its bound."""
    if not isinstance(parameter, TypeVar):
        return parameter
    default = getattr(parameter, "__default__", None)
    return default if isinstance(default, type) else parameter.__bound__


def _is_config(parameter: Any) -> TypeGuard[type[MethodConfig]]:
    return isinstance(parameter, type) and issubclass(parameter, MethodConfig)
