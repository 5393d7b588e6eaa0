"""Every registered method keeps to the contract: a new one is tested by being registered."""

from __future__ import annotations

from functools import lru_cache

import pytest
import torch

import avgzsl_bench as ab
from avgzsl_bench.testing import CHECKS, Trial, check_method


@lru_cache(maxsize=2)
def trial_of(name: str) -> Trial:
    return Trial.of(name)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", [spec.name for spec in ab.list_methods()])
def test_conformance(name, check):
    check(trial_of(name))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", [spec.name for spec in ab.list_methods()])
def test_conformance_on_cuda(name):
    check_method(name, device="cuda")


class Honest(ab.Method):
    """Scores by a fixed map; each subclass below breaks one rule."""

    def train_epoch(self, train):
        return {"loss": 0.0}

    def score(self, videos, classes):
        return videos.audio[:, :3].sum(1, keepdim=True) * classes.embedding()[:, 0]

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


class WrongShape(Honest):
    def score(self, videos, classes):
        return super().score(videos, classes).T


class NotFinite(Honest):
    def score(self, videos, classes):
        return super().score(videos, classes) / 0.0


class LooksAtTheBatch(Honest):
    def score(self, videos, classes):
        return super().score(videos, classes) - videos.audio.mean()


class TiedToClassOrder(Honest):
    def score(self, videos, classes):
        return super().score(videos, classes) + torch.arange(len(classes))


class Unseeded(Honest):
    def train_epoch(self, train):
        self.offset = torch.rand(1, generator=self._generator()).item()
        return {}

    def _generator(self):
        generator = torch.Generator()
        generator.seed()
        return generator

    def score(self, videos, classes):
        return super().score(videos, classes) + self.offset


class Forgetful(Honest):
    learnt = 0.0

    def train_epoch(self, train):
        self.learnt = 1.0
        return {}

    def score(self, videos, classes):
        return super().score(videos, classes) + self.learnt


class ChangesSamples(Honest):
    def train_epoch(self, train):
        train.videos.audio.mul_(1.5)
        return {}


class StuckRate(Honest):
    @property
    def learning_rate(self):
        return 0.5

    @learning_rate.setter
    def learning_rate(self, value):
        pass


@pytest.mark.parametrize(
    ("target", "check"),
    [
        (WrongShape, "check_score_shape"),
        (NotFinite, "check_score_shape"),
        (LooksAtTheBatch, "check_video_order"),
        (TiedToClassOrder, "check_class_order"),
        (Unseeded, "check_same_seed"),
        (Forgetful, "check_state_dict"),
        (ChangesSamples, "check_training"),
        (StuckRate, "check_learning_rate"),
    ],
)
def test_each_broken_rule_is_found_and_named(target, check):
    spec = ab.MethodSpec("broken", target=f"{__name__}:{target.__name__}", title="broken")
    with pytest.raises(AssertionError, match=f"broken: {check}"):
        check_method(spec)


def test_an_honest_method_passes():
    check_method(ab.MethodSpec("honest", target=f"{__name__}:Honest", title="honest"))
