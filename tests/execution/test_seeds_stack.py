"""A seed in a stack and the same seed alone: the same batches, masks and statistics, the same but for rounding."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest
import torch
from method_lists import NOT_BY_GRADIENT
from torch import nn
from torch.nn import functional as F

import avgzsl_bench as ab
from avgzsl_bench.errors import RunError
from avgzsl_bench.execution.random_streams import seed_everything
from avgzsl_bench.execution.seeds.learner import Learner, trains_together
from avgzsl_bench.execution.seeds.stack import stacked
from avgzsl_bench.method.sampling import ClassBalancedSampler
from avgzsl_bench.testing.trial import Trial, tiny_task

CPU = torch.device("cpu")
SEEDS = (3, 0, 5)
SMALL = {
    **dict.fromkeys(("model_width", "hidden_width", "encoder_hidden_width", "projection_hidden_width"), 32),
    **dict.fromkeys(("feed_forward", "feed_forward_width", "text_hidden_width", "spiking_hidden_width"), 32),
    **dict.fromkeys(("heads", "layers"), 2),
    **dict.fromkeys(("time_steps", "steps"), 3),
    "head_width": 16,
}
DOUBLE = 1e-9  # what rounding in double precision comes to, relative to the largest


@dataclass
class Case:
    """A method on a tiny task."""

    method: type[ab.Method]
    config: ab.MethodConfig
    shape: ab.FeatureDims
    task: ab.Task

    @classmethod
    def small(cls, name: str, **settings: object) -> Case:
        """A registered method with narrow layers, on vectors."""
        trial = Trial.of(name)
        narrow = {key: value for key, value in SMALL.items() if key in type(trial.config).model_fields}
        shape = replace(trial.shape, sequences=False)
        task = tiny_task(shape, trial.device)
        return cls(trial.method, trial.config.model_copy(update=narrow | settings), shape, task)

    def factory(self, seed):
        return lambda task: self.method(self.config, self.shape, task.classes, seed=seed, device=CPU)

    def alone(self, seed):
        seed_everything(seed)
        return self.factory(seed)(self.task)

    def learners(self):
        return [Learner.built(self.factory(seed), self.task, seed) for seed in SEEDS]

    def stack(self, learners):
        return stacked(learners, self.factory(SEEDS[0]), self.task)

    def both(self):
        """The learners of a stack, the stack, and the same learners for training alone."""
        learners = self.learners()
        return learners, self.stack(learners), self.learners()

    def score(self, method):
        return method.score(self.task.videos, self.task.classes)


@pytest.fixture
def case():
    torch.set_default_dtype(torch.float64)
    yield Case.small
    torch.set_default_dtype(torch.float32)


def require_same(case, learner, means, method, losses):
    largest = max(map(abs, losses.values()))
    scores = case.score(method)
    assert set(means) == set(losses)
    assert max(abs(means[name] - losses[name]) for name in losses) <= DOUBLE * largest
    assert (case.score(learner.method) - scores).abs().max() <= DOUBLE * scores.abs().max()


def compare_epoch(case, stack, learners, alone, places=(0, 1, 2)):
    """Train an epoch together and each seed alone, and compare."""
    for place, means in zip(places, stack.train_epoch(), strict=True):
        losses = alone[place].train_epoch(case.task.train)
        require_same(case, learners[place], means, alone[place].method, losses)


TOGETHER = [spec.name for spec in ab.list_methods() if trains_together(Trial.of(spec).method)]


def test_all_methods_but_those_with_a_training_of_their_own_train_together():
    others = {spec.name for spec in ab.list_methods()} - set(TOGETHER)
    own_training = {"avfs", "avood", "clipclap_far", "fvaegan", "hsp_moe", "tcaf"}
    assert others == {*own_training, *NOT_BY_GRADIENT}


@pytest.mark.parametrize("name", TOGETHER)
def test_a_seed_learns_together_what_it_learns_alone(case, name):
    """In double precision; in single precision it is a rule of the conformance kit."""
    at = case(name)
    alone = [at.alone(seed) for seed in SEEDS]
    expected = []
    for seed, method in zip(SEEDS, alone, strict=True):
        seed_everything(seed)
        at.factory(seed)(at.task)  # torch's own generator is where it is after building, and drops out natively
        expected.append([method.train_epoch(at.task.train) for _ in range(2)])
    learners = at.learners()
    stack = at.stack(learners)
    first, second = stack.train_epoch(), stack.train_epoch()
    for place, learner in enumerate(learners):
        assert first[place] == pytest.approx(expected[place][0], rel=1e-6)
        require_same(at, learner, second[place], alone[place], expected[place][1])


@pytest.mark.parametrize("name", ["clipclap", "devise", "avca"])
def test_seeds_that_are_done_leave_and_the_others_go_on_as_if_nothing_had_been(case, name):
    at = case(name)
    learners, stack, alone = at.both()
    compare_epoch(at, stack, learners, alone)
    left = at.score(learners[1].method)
    stack.keep([0, 2])
    assert len(stack) == 2
    compare_epoch(at, stack, learners, alone, (0, 2))
    assert torch.equal(at.score(learners[1].method), left)


def test_a_seed_whose_loss_is_not_a_number_leaves_the_others_alone(case):
    at = case("clipclap")
    learners, stack, alone = at.both()
    with torch.no_grad():
        next(learners[1].method.module.parameters()).fill_(float("nan"))
    for _ in range(2):
        means = stack.train_epoch()
        losses = [learner.train_epoch(at.task.train) for learner in alone]
    assert means[1]["total"] != means[1]["total"]
    for place in (0, 2):
        require_same(at, learners[place], means[place], alone[place].method, losses[place])


def test_statistics_of_batches_are_each_seeds_own(case):
    at = case("clipclap", bn_refresh="official")
    learners, stack, alone = at.both()
    stack.train_epoch()
    for learner, other in zip(learners, alone, strict=True):
        other.train_epoch(at.task.train)
        found, expected = learner.method.state_dict(), other.method.state_dict()
        for name, value in expected.items():
            if "num_batches" in name:
                assert torch.equal(found[name], value)
            elif "running" in name:
                torch.testing.assert_close(found[name], value, rtol=1e-9, atol=1e-9)
    first, second = (learner.method.state_dict()["text_encoder.norm.running_mean"] for learner in learners[:2])
    assert (first - second).abs().max() > 0.01
    assert learners[0].method.state_dict()["video_encoder.block.norm.num_batches_tracked"] == 6  # 3 steps, twice


class Watched(ab.TorchMethod):
    """A linear map, among whose losses are the labels that it is given and the size of its dropout masks."""

    layer = nn.Linear
    dropout: type[nn.Module] = ab.Dropout

    def build(self):
        module = self.layer(self.shape.audio + self.shape.visual, self.shape.text_width)
        module.dropped = self.dropout(0.4)
        return module

    def losses(self, batch):
        mapped = self.module(self.module.dropped(torch.cat((batch.audio, batch.visual), dim=1)))
        text = self.module.dropped(self.train_text)  # the same for all seeds, masks are not
        masks = {f"mask {i}": (text == 0).double()[i].sum() for i in range(len(text))}
        labels = {f"label {i}": batch.label[i].double() for i in range(len(batch.label))}
        return {"total": F.cross_entropy(mapped @ text.T, batch.label), **masks, **labels}

    def embed_videos(self, videos):
        return self.module(torch.cat((videos.audio, videos.visual), dim=1))

    def embed_classes(self, classes):
        return self.text_of(classes)


def watching(method=Watched):
    trial = Trial.of("devise")
    return Case(method, ab.TorchConfig(epochs=2, batches_per_epoch=1, batch_size=12), trial.shape, trial.task)


class DroppingAsTorchDoes(Watched):
    """Has the dropout that plugins may have."""

    dropout = nn.Dropout


@pytest.mark.parametrize("method", [Watched, DroppingAsTorchDoes])
def test_batches_and_masks_are_to_the_last_one_those_of_the_seed_alone(method):
    at = watching(method)
    learners = at.learners()
    means = at.stack(learners).train_epoch()
    label = at.task.train.label
    for place, seed in enumerate(SEEDS):
        alone = at.alone(seed).train_epoch(at.task.train)
        assert means[place] == alone | {"total": means[place]["total"]}
        drawn = ClassBalancedSampler(label, seed=seed).draw(1, 12)[0]
        assert [means[place][f"label {i}"] for i in range(12)] == label[drawn].tolist()
    assert means[0] != means[1]


@pytest.mark.parametrize(
    "own",
    [
        {"train_step": lambda self, batch: {}},
        {"after_validation": lambda self, hm: None},
        {"seeds_together": False},
    ],
)
def test_a_training_of_its_own_is_never_stacked(own):
    assert trains_together(Watched)
    assert not trains_together(type("Own", (Watched,), own))
    assert not trains_together(ab.Method)


class OtherOptimizer(Watched):
    def build_optimizer(self):
        return torch.optim.Rprop(self.module.parameters())


class OutsideParameter(Watched):
    def trained_parameters(self):
        self.extra = nn.Parameter(torch.zeros(3))
        return [*self.module.parameters(), self.extra]


class Hooked(Watched):
    def build_optimizer(self):
        optimizer = super().build_optimizer()
        optimizer.register_step_pre_hook(lambda *_: None)
        return optimizer


class Projected(Watched):
    """Has numbers of its own that are registered nowhere."""

    def build(self):
        module = super().build()
        module.dropped.projection = torch.randn(3)
        return module


class Taught(Watched):
    """Has a network of its own beside its module."""

    def build(self):
        self.teacher = nn.Linear(2, 2)
        return super().build()


@pytest.mark.parametrize(
    ("method", "reason"),
    [
        (OtherOptimizer, "its optimiser is Rprop"),
        (OutsideParameter, "parameters outside its module"),
        (Hooked, "its optimiser has hooks"),
        (Projected, "module.dropped.projection differs from seed to seed"),
        (Taught, "self.teacher.weight differs from seed to seed"),
    ],
)
def test_what_cannot_be_stacked_says_why(method, reason):
    at = watching(method)
    with pytest.raises(RunError, match=reason):
        at.stack(at.learners())


def test_sequences_are_not_stacked():
    trial = Trial.of("stft")
    at = Case(trial.method, trial.config, trial.shape, trial.task)
    with pytest.raises(RunError, match="it reads sequences"):
        at.stack(at.learners())


class Noisy(Watched):
    def losses(self, batch):
        return {name: loss + torch.rand(()) for name, loss in super().losses(batch).items()}


class Replacing(Watched):
    """Puts a new buffer in the place of the old one, which would be lost."""

    def build(self):
        module = super().build()
        module.register_buffer("center", torch.zeros(()))
        return module

    def after_step(self, batch):
        self.module.center = 0.9 * self.module.center + batch.audio.mean()


class WarmsUp(Watched):
    """Changes its learning rate from step to step, which the seeds' own optimisers would not know."""

    def after_step(self, batch):
        self.learning_rate *= 0.5


@pytest.mark.parametrize(
    ("method", "error", "reason"),
    [
        (Noisy, RuntimeError, "randomness"),
        (Replacing, RunError, "center is replaced"),
        (WarmsUp, RunError, "its learning rate changes within an epoch"),
    ],
)
def test_other_randomness_and_state_that_would_be_lost_raise(method, error, reason):
    at = watching(method)
    with pytest.raises(error, match=reason):
        at.stack(at.learners()).train_epoch()


class Noting(nn.Linear):
    """Counts how often training was begun."""

    begun = 0

    def train(self, mode=True):
        self.begun += mode
        return super().train(mode)


def test_each_module_is_told_of_training_as_it_is_alone():
    at = watching(type("Folded", (Watched,), {"layer": Noting}))
    learners = at.learners()
    at.stack(learners).train_epoch()
    for learner in learners:
        at.score(learner.method)
        assert not learner.method.module.training
    at.stack(learners).train_epoch()
    assert all(learner.method.module.training for learner in learners)
    assert [learner.method.module.begun for learner in learners] == [2, 2, 2]


def test_a_seed_that_is_done_holds_on_to_its_own_numbers_alone(case):
    at = case("devise")
    learners = at.learners()
    at.stack(learners).keep([0, 2])
    for own in learners[1].method.module.parameters():
        assert own.untyped_storage().nbytes() == own.numel() * own.element_size()
