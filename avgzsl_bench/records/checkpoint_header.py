"""The header of a checkpoint: what its weights are, and what a prediction with them needs."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from avgzsl_bench.data.store.extraction import recipe_sha256
from avgzsl_bench.data.untrusted.json_file import Sha256
from avgzsl_bench.gzsl.task import FeatureDims
from avgzsl_bench.records.run_spec import RunSpec

SCHEMA: Literal[1] = 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class Origin(_Part):
    """Where weights come from: the method's authors released them, or they were trained here.

    Of a released file: its name, its sha256, and the epochs it was trained for and what it was chosen by, where
    it says so.
    """

    kind: Literal["released", "trained"] = "trained"
    file: str | None = None
    sha256: str | None = None
    epoch: int | None = None
    metric: str | None = None


class CheckpointClass(_Part):
    """A class that the method was built with: its name, its name in words, and its role."""

    name: str
    words: str = Field(description="as it is put into templates")
    seen: bool


class PredictionPart(_Part):
    """What a run knows beside its `RunSpec` and a prediction needs."""

    stage: Literal[1, 2] = Field(description="of the run, after which the weights were kept")
    bias: float = Field(description="to subtract from the scores of seen classes, chosen on validation videos")
    calibration: str = Field(description="the rule that chose it")
    classes: tuple[CheckpointClass, ...] = Field(min_length=2)
    recipe: dict[str, Any] | None = Field(
        None, description="how the features were extracted from videos; None: not here"
    )
    recipe_sha256: Sha256 | None = None

    @model_validator(mode="after")
    def _recipe_has_its_hash(self) -> PredictionPart:
        if self.recipe_sha256 != (None if self.recipe is None else recipe_sha256(self.recipe)):
            raise ValueError("recipe_sha256 is not the hash of the recipe")
        return self


class Header(_Part):
    """The metadata of a checkpoint."""

    schema_version: Literal[1] = SCHEMA
    method: str
    distribution: str = Field(description="of the plugin that brought the method")
    version: str
    config: dict[str, Any] = Field(description="all settings")
    shape: FeatureDims = Field(description="widths of the features that the weights were made for")
    origin: Origin
    run: RunSpec | None = Field(None, description="the run that trained the weights; none for released ones")
    prediction: PredictionPart | None = Field(None, description="none for released weights")

    @field_validator("shape")
    @classmethod
    def _widths_are_positive(cls, shape: FeatureDims) -> FeatureDims:
        if not shape.text or min(shape.audio, shape.visual, *shape.text.values()) < 1:
            raise ValueError("widths must be positive, of at least one text encoder")
        return shape
