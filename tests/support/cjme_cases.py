"""What the tests of CJME share."""

from __future__ import annotations

from typing import Any

import torch
from built_methods import build, values
from paired_cases import FIXTURE, FIXTURE_TEXT, fill_branches, fixture_batch
from reference_values import fill

from avgzsl_baselines.cjme import CJME, CJMENet, Embedded, cjme_losses
from avgzsl_bench import Batch


class FixtureNet(CJMENet):
    """Fixture F has four training classes; the negatives' texts are of none of them."""

    def forward(self, batch: Batch, text: torch.Tensor, classes: torch.Tensor) -> Embedded:
        return super().forward(batch, text, classes[:4])


class FixtureCJME(CJME):
    def build(self) -> CJMENet:
        return FixtureNet(self.shape, self.config)


def fixture_method(**settings: Any) -> CJME:
    method = build(FixtureCJME, FIXTURE, FIXTURE_TEXT, hidden_width=8, dropout=0.0, **settings)
    fill_branches(method.module.double())
    fill(method.module.attention[1], first=7)
    return method


def fixture_embedded() -> Embedded:
    return fixture_method().module(fixture_batch(), FIXTURE_TEXT, torch.arange(8))


def losses_of(embedded: Embedded, weighting: Any = "batch_mean") -> dict[str, float]:
    return values(cjme_losses(embedded, weighting=weighting, margin=1.0, threshold=0.1))
