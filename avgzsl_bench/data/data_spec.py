"""What identifies the data of a run: one class, held by plans, records and board keys."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

FileName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9_.-]{0,39}$")]
"""Text that may become part of a file name."""
Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.:+ -]{0,79}$")]
"""Short text without control characters, such as a hash or the name of a rule."""


class DataSpec(BaseModel):
    """Which data a run learns from and is scored on."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    dataset: FileName
    features: FileName = Field(description="name of the feature set")
    simulated: bool = Field(description="the features are simulated")
    split: FileName
    sequences: bool = Field(False, description="the method reads the steps beside their mean")
    text_order: FileName
    added_text: dict[FileName, Token] = Field(
        {}, description="fingerprint of each added text of the dataset that the method reads"
    )
    fingerprint: Token = Field(description="sha256 of the store's content")
    split_hash: Token = Field(description="sha256 of class order and class lists, and of what a view leaves out")
