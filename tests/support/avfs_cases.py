"""What the tests of AVFS share."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from built_methods import build
from reference_values import AUDIO, TEXT, VISUAL, T, X, doubles, fill
from torch import Tensor

from avgzsl_baselines.avfs import AVFS
from avgzsl_baselines.families.avfs_losses import FeatureBatch
from avgzsl_baselines.families.avfs_networks import joined
from avgzsl_bench import FeatureDims
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.testing.trial import Trial

SPEC = method_spec("avfs")
make = partial(build, AVFS)
ALPHA = doubles(0.1, 0.4, 0.6, 0.9)
NOISE = (((3 * torch.arange(4).unsqueeze(1) + 5 * torch.arange(10)) % 13) - 6).double() / 6


def fixture_method(**settings: Any) -> AVFS:
    method = make(
        FeatureDims(AUDIO, VISUAL, {"word2vec": TEXT}),
        T(5, 0),
        noise_width=10,
        generator_width=7,
        critic_width=8,
        hidden_width=9,
        projection_width=6,
        scorer_width=5,
        learning_rate=1e-3,
        embedding_learning_rate=1e-3,
        **settings,
    )
    net = method.module.double()
    generator, critic, embedding, scorer = net.generator, net.critic, net.embedding, net.scorer
    fill(generator.hidden, generator.visual, generator.audio, critic.hidden, critic.value)
    fill(getattr(embedding, "hidden", None), getattr(embedding, "projection", None), first=6)
    fill(getattr(scorer, "video", None), getattr(scorer, "text", None), first=8)
    return method


def fixture_batch(method: AVFS) -> FeatureBatch:
    label = torch.tensor([0, 2, 2, 0])
    return FeatureBatch(joined(X(4, VISUAL, 5), X(4, AUDIO, 0)), method.train_text[label], label)


def fake_of(method: AVFS, batch: FeatureBatch, noise: Tensor = NOISE) -> Tensor:
    fake: Tensor = method.module.generator(noise, batch.text)
    return fake


def trial(**settings: Any) -> Trial:
    small = Trial.of(SPEC)
    widths = {"noise_width": 8, "generator_width": 16, "critic_width": 16, "hidden_width": 12}
    return replace(small, config=small.config.model_copy(update=widths | settings))
