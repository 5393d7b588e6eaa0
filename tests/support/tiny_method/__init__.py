"""A small method with released weights, for tests of checkpoints."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

import avgzsl_bench as ab

(SPEC,) = ab.method_specs("tiny_method")


class Plugin:
    """What a plugin module would be."""

    @ab.hookimpl
    def avbench_methods(self):
        return [SPEC]


class TinyConfig(ab.TorchConfig):
    hidden: int = ab.Field(8, ge=1, description="width of the joint space")
    shift: float = ab.Field(0.0, description="added to embedded videos")


class Tiny(ab.TorchMethod[TinyConfig]):
    """Linear maps to a joint space; `enc` and `copy` are one layer under two released names."""

    official_names = {"enc": "videos", "enc.bn": "norm", "copy": "videos", "W": "text"}  # noqa: RUF012

    @classmethod
    def official_shape(cls, state):
        hidden, videos = state["enc.weight"].shape
        audio = 512 if videos == 1024 else 128
        return ab.FeatureDims(audio, videos - audio, {"word2vec": state["W.weight"].shape[1]}), {"hidden": hidden}

    def build(self):
        hidden = self.config.hidden
        videos = nn.Linear(self.shape.audio + self.shape.visual, hidden)
        text = nn.Linear(self.shape.text_width, hidden, bias=False)
        return nn.ModuleDict({"videos": videos, "norm": nn.BatchNorm1d(hidden), "text": text})

    def losses(self, batch):
        logits = self.embed_videos(batch) @ self.module["text"](self.train_text).T
        return {"total": F.cross_entropy(logits, batch.label)}

    def embed_videos(self, videos):
        joined = torch.cat([videos.audio, videos.visual], dim=1)
        return self.module["norm"](self.module["videos"](joined)) + self.config.shift

    def embed_classes(self, classes):
        return self.module["text"](self.text_of(classes))


def official_state(hidden: int = 6, videos: int = 384, text: int = 300) -> dict[str, torch.Tensor]:
    """Random weights under their released names; the width of the features is that of the simulated ones."""
    generator = torch.Generator().manual_seed(3)

    def normal(*size: int) -> torch.Tensor:
        return torch.randn(size, generator=generator)

    return {
        "enc.weight": normal(hidden, videos),
        "enc.bias": normal(hidden),
        "enc.bn.weight": normal(hidden),
        "enc.bn.bias": normal(hidden),
        "enc.bn.running_mean": normal(hidden),
        "enc.bn.running_var": normal(hidden).square(),
        "W.weight": normal(hidden, text, 1, 1),
    }
