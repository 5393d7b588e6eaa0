"""Every registered method keeps to the contract: a new one is tested by being registered."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
import torch

import avgzsl_bench as ab
from avgzsl_bench.errors import PluginError
from avgzsl_bench.execution.scoring import score
from avgzsl_bench.execution.stages import train
from avgzsl_bench.testing.method_checks import CHECKS, check_method
from avgzsl_bench.testing.trial import Trial, tiny_dims


@lru_cache(maxsize=2)
def trial_of(name: str) -> Trial:
    return Trial.of(name)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", [spec.name for spec in ab.list_methods()])
def test_conformance(name, check):
    check(trial_of(name))


@pytest.mark.parametrize("name", ["avmst", "mstr", "sten"])
def test_conformance_of_what_the_published_programs_do(name):
    """On features of one width, which AVMST's and MSTR's need."""
    trial = trial_of(name)
    trial = trial.on(replace(trial.shape, audio=trial.shape.visual))
    released = type(trial.config).model_validate(trial.config.model_dump() | {"fidelity": "released"})
    for check in CHECKS:
        check(replace(trial, config=released))


@pytest.mark.parametrize(
    ("needs", "text"),
    [
        (ab.Needs(), {"text": 8}),
        (ab.Needs(text=("clip",), added_text=("knowledge",)), {"clip": 8, "knowledge": 8}),
        (ab.Needs(joint={"visual": "clip"}), {"clip": 11}),
        (ab.Needs(joint={"visual": "clip", "audio": "clap"}), {"clip": 11, "clap": 9}),
        (ab.Needs(text=("clip", "clap"), joint={"visual": "clip"}), {"clip": 11, "clap": 8}),
        (ab.Needs(joint={"visual": "one", "audio": "one"}), {"one": 11}),
    ],
)
def test_a_trial_has_the_texts_that_a_method_needs(needs, text):
    dims = tiny_dims(needs)
    assert dims.text == text
    assert dims.joint_fault(needs.joint) is None
    assert (dims.visual, dims.audio) == (11, 11 if "one" in text else 9)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
@pytest.mark.parametrize("name", [spec.name for spec in ab.list_methods()])
def test_conformance_on_cuda(name):
    check_method(name, device="cuda")


class Honest(ab.Method):
    """Scores by a fixed map; each class below breaks one rule."""

    def train_epoch(self, train):
        return {"loss": 0.0}

    def score(self, videos, classes):
        return videos.audio[:, :3].sum(1, keepdim=True) * classes.embedding()[:, 0]

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


def breaking(name: str, base: type[ab.Method] = Honest, **broken: object) -> type[ab.Method]:
    return type(name, (base,), broken)


score_of = Honest.score
WrongShape = breaking("WrongShape", score=lambda *given: score_of(*given).T)
NotFinite = breaking("NotFinite", score=lambda *given: score_of(*given) / 0.0)
GivesNumpy = breaking("GivesNumpy", score=lambda *given: score_of(*given).numpy())
LooksAtTheBatch = breaking("LooksAtTheBatch", score=lambda m, v, c: score_of(m, v, c) - v.audio.mean())
TiedToClassOrder = breaking("TiedToClassOrder", score=lambda m, v, c: score_of(m, v, c) + torch.arange(len(c)))
GivesNoLosses = breaking("GivesNoLosses", train_epoch=lambda self, train: None)
StuckRate = breaking("StuckRate", learning_rate=property(lambda self: 0.5, lambda self, value: None))
NamesNoPrecision = breaking("NamesNoPrecision", precisions=("full", "half"))


class KeepsItsScorer(Honest):
    """What is computed of the classes once is kept through training."""

    factor = 1.0

    def train_epoch(self, train):
        self.factor += 1
        return {"loss": 0.0}

    def score(self, videos, classes):
        return self.factor * super().score(videos, classes)

    def state_dict(self):
        return {"factor": torch.tensor(self.factor)}

    def load_state_dict(self, state):
        self.factor = float(state["factor"])

    def scorer(self, classes):
        if not hasattr(self, "kept"):
            factor, self.kept = self.factor, lambda videos: factor * score_of(self, videos, classes)
        return self.kept


class Unseeded(Honest):
    def train_epoch(self, train):
        generator = torch.Generator()
        generator.seed()
        self.offset = torch.rand(1, generator=generator).item()
        return {}

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


class Softmax(Honest):
    def score(self, videos, classes):
        return super().score(videos, classes).softmax(dim=1)


class NormalisesTextInPlace(Honest):
    def score(self, videos, classes):
        for vectors in classes.text.values():
            vectors.div_(vectors.norm(dim=1, keepdim=True))
        return super().score(videos, classes)


class ClampsVideosInPlace(Honest):
    def score(self, videos, classes):
        videos.visual.clamp_(min=0)
        return super().score(videos, classes)


class LossesWithoutTotal(ab.TorchMethod):
    def build(self):
        return torch.nn.Linear(self.shape.audio, self.shape.text_width)

    def losses(self, batch):
        return {"loss": self.module(batch.audio).mean()}

    def embed_videos(self, videos):
        return self.module(videos.audio)

    def embed_classes(self, classes):
        return classes.embedding()


def loss_of(method: ab.TorchMethod, batch: ab.Batch) -> torch.Tensor:
    return method.module(batch.audio).square().mean()


def losing(name: str, losses: object) -> type[ab.Method]:
    return breaking(name, LossesWithoutTotal, losses=losses)


NoLosses = losing("NoLosses", lambda self, batch: None)
NumberAsLoss = losing("NumberAsLoss", lambda self, batch: {"total": loss_of(self, batch), "extra": 0.5})
AimsBySeed = losing("AimsBySeed", lambda self, batch: {"total": (1 + self.seed) * loss_of(self, batch)})


class CountsEpochs(LossesWithoutTotal):
    epochs = 0

    def train_epoch(self, train):
        self.epochs += 1
        return super().train_epoch(train)

    def losses(self, batch):
        return {"total": self.epochs * loss_of(self, batch)}


class AsksTheHost(LossesWithoutTotal):
    def losses(self, batch):
        loss = loss_of(self, batch)
        return {"total": loss / max(loss.item(), 1.0)}


class KeepsHalves(Honest):
    precisions = ("full", "bf16")
    learnt = torch.ones(3, 3)

    def train_epoch(self, train):
        self.learnt = torch.ones(2, 3) @ self.learnt.float()
        return {}

    def state_dict(self):
        return {"learnt": self.learnt}

    def load_state_dict(self, state):
        self.learnt = state["learnt"]


def spec_of(target: type[ab.Method], name: str = "honest") -> ab.MethodSpec:
    return ab.MethodSpec(name, target=f"{__name__}:{target.__name__}", title=name, follows="reference")


@pytest.mark.parametrize(
    ("target", "check"),
    [
        (WrongShape, "check_score_shape"),
        (NotFinite, "check_score_shape"),
        (LooksAtTheBatch, "check_video_order"),
        (KeepsItsScorer, "check_scorer: scorer gives other scores"),
        (TiedToClassOrder, "check_class_order"),
        (Unseeded, "check_same_seed"),
        (Forgetful, "check_state_dict"),
        (ChangesSamples, "check_training"),
        (CountsEpochs, "check_resumable: losses are .*; keep it in training_state, or say resumable = False"),
        (StuckRate, "check_learning_rate"),
        (KeepsHalves, "check_precisions: training in bf16 changes the types"),
        (NamesNoPrecision, "check_precisions: unknown precision 'half'"),
        (NormalisesTextInPlace, "check_scoring_changes_nothing: scoring changed the classes in place"),
        (ClampsVideosInPlace, "check_scoring_changes_nothing: scoring changed the videos in place"),
        (GivesNumpy, "check_score_shape: score must return a tensor, not ndarray"),
        (GivesNoLosses, "check_training: train_epoch must return a mapping, not NoneType"),
        (AimsBySeed, "check_seeds_together: loss 'total' is .*, by itself"),
        (AsksTheHost, "check_seeds_together: seeds cannot be stacked, say so with seeds_together = False"),
        (LossesWithoutTotal, "check_training: LossesWithoutTotal.losses must return .*'total'; got loss"),
        (NoLosses, "check_training: NoLosses.losses must return .*one called 'total'; got NoneType"),
        (NumberAsLoss, "check_training: NumberAsLoss.losses must return .*'extra' is float"),
    ],
)
def test_each_broken_rule_is_found_and_named(target, check):
    with pytest.raises(AssertionError, match=f"method broken: {check}"):
        check_method(spec_of(target, "broken"))


def test_an_honest_method_passes():
    check_method(spec_of(Honest))
    check_method(replace(spec_of(Honest), open_vocabulary=True))


def test_scores_that_depend_on_other_classes_are_found_where_the_method_denies_it():
    check_method(spec_of(Softmax))
    with pytest.raises(AssertionError, match="check_open_vocabulary: scores of a class change when other classes"):
        check_method(replace(spec_of(Softmax), open_vocabulary=True))


def test_built_in_methods_with_a_classifier_of_their_classes_say_so():
    assert {spec.name for spec in ab.list_methods() if not spec.open_vocabulary} == {"avfs", "avood", "fvaegan"}


@pytest.mark.parametrize("given", [None, 0.5, {"loss": None}, {"loss": "low"}, {"loss": torch.zeros(2)}])
def test_losses_of_an_epoch_that_are_no_numbers_name_the_class(given):
    class Odd(Honest):
        def train_epoch(self, train):
            return given

    trial = replace(Trial.of(spec_of(Honest)), method=Odd)
    with pytest.raises(PluginError, match=r"Odd.train_epoch must return a mapping of names to numbers"):
        train(trial.build(), trial.task, 1)


@pytest.mark.parametrize(
    ("given", "reason"),
    [(None, "NoneType"), (np.zeros((2, 2)), "numpy.ndarray"), (torch.zeros((66, 11), dtype=torch.int64), "int64")],
)
def test_scores_that_are_no_tensor_of_floats_name_the_class(given, reason):
    class Odd(Honest):
        def score(self, videos, classes):
            return given

    trial = replace(Trial.of(spec_of(Honest)), method=Odd)
    with pytest.raises(PluginError, match=rf"Odd.score: scores must be a torch.Tensor of floats; got .*{reason}"):
        score(trial.build(), trial.task)
