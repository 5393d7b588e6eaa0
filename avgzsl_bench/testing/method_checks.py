"""The conformance kit: what every method must keep to, for plugin authors to run on theirs.

    from avgzsl_bench.testing import check_method

    def test_conformance():
        check_method("my_method")

Each check is a small named function over a `Trial`, a tiny task with random features, so a failure says which
rule was broken. With pytest they can be run one by one:

    @pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
    def test_conformance(check):
        check(Trial.of("my_method"))
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from avgzsl_bench.data.datasets.feature_sets import SIMULATED
from avgzsl_bench.errors import AvbenchError, ConfigError, RunError
from avgzsl_bench.execution.seeds.choice import require_agreement
from avgzsl_bench.execution.seeds.learner import TOLERANCE, Learner, trains_together
from avgzsl_bench.execution.seeds.stack import stacked
from avgzsl_bench.execution.stages import run_stage1, run_stage2, seed_everything, train
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.gzsl.sequences import Sequences
from avgzsl_bench.gzsl.task import Classes, FeatureDims, Samples, Task, Truth, Videos
from avgzsl_bench.method.base import Method, MethodConfig
from avgzsl_bench.method.precision import checked_precision, require_device
from avgzsl_bench.method.registry import method_class, method_spec
from avgzsl_bench.method.settings import build_config
from avgzsl_bench.method.torch_method import TorchConfig
from avgzsl_bench.plugins.specs import MethodSpec

SEEN, UNSEEN, VIDEOS_PER_CLASS = 7, 4, 6
_SHORT = {"epochs": 2, "batches_per_epoch": 3, "batch_size": 12}


@dataclass(frozen=True)
class Trial:
    """A method with short training, and a tiny task that suits it.

    Attributes:
        spec, method: as registered, and its class.
        config: its defaults for simulated features, shortened where it has the settings.
        shape, task: what it is tried on.
        device: where.
    """

    spec: MethodSpec
    method: type[Method]
    config: MethodConfig
    shape: FeatureDims
    task: Task
    device: torch.device

    @classmethod
    def of(cls, method: str | MethodSpec, device: str = "cpu") -> Trial:
        """A trial of a registered method (by name) or of any spec."""
        spec = method_spec(method) if isinstance(method, str) else method
        target = method_class(spec)
        known = target.Config.model_fields
        short = {key: value for key, value in _SHORT.items() if key in known}
        config = build_config(spec, target.Config, "ucf", SIMULATED, short)
        encoders = (spec.needs.text or ("text",)) + spec.needs.added_text
        sequences = spec.needs.sequences != "none"
        shape = FeatureDims(audio=9, visual=11, text=dict.fromkeys(encoders, 8), sequences=sequences)
        place = torch.device(device)
        return cls(spec, target, config, shape, tiny_task(shape, place), place)

    def build(self) -> Method:
        """The method, untrained, seeded as the harness does."""
        seed_everything(0)
        return self.method(self.config, self.shape, self.task.classes, seed=0, device=self.device)

    def trained(self) -> Method:
        """The method after one epoch."""
        method = self.build()
        method.train_epoch(self.task.train)
        return method


def tiny_task(shape: FeatureDims, device: torch.device) -> Task:
    """A task with `SEEN + UNSEEN` classes in mixed order and a few noisy videos of each."""
    generator = torch.Generator().manual_seed(7)

    def normal(*size: int) -> Tensor:
        return torch.randn(size, generator=generator)

    count = SEEN + UNSEEN
    seen = torch.ones(count, dtype=torch.bool)
    seen[torch.randperm(count, generator=generator)[:UNSEEN]] = False
    text = {encoder: torch.nn.functional.normalize(normal(count, width)) for encoder, width in shape.text.items()}
    meaning = torch.cat(list(text.values()), dim=1)
    audio_map, visual_map = normal(shape.text_width, shape.audio), normal(shape.text_width, shape.visual)

    def videos(label: Tensor) -> Videos:
        audio = (meaning[label] @ audio_map + 0.3 * normal(len(label), shape.audio)).to(device)
        visual = (meaning[label] @ visual_map + 0.3 * normal(len(label), shape.visual)).to(device)
        if not shape.sequences:
            return Videos(audio, visual)
        return Videos(audio, visual, steps_around(audio, 3, 0.96), steps_around(visual, 5, 0.64))

    def steps_around(mean: Tensor, most: int, seconds: float) -> Sequences:
        length = torch.randint(1, most + 1, (len(mean),), generator=generator)
        length[0] = most
        owner = torch.arange(len(mean)).repeat_interleave(length).to(device)
        wander = 0.3 * normal(len(owner), mean.shape[1]).to(device)
        drift = torch.zeros_like(mean).index_add_(0, owner, wander) / length.to(device).unsqueeze(1)
        return Sequences(
            values=mean[owner] + wander - drift[owner],
            first=(length.cumsum(0) - length).to(device),
            length=length.to(device),
            longest=most,
            seconds=seconds,
        )

    train_label = seen.nonzero().squeeze(1).repeat_interleave(VIDEOS_PER_CLASS)
    scored_label = torch.arange(count).repeat(VIDEOS_PER_CLASS)
    position = torch.cumsum(seen, 0) - 1
    classes = Classes(
        names=tuple(f"class {i}" for i in range(count)),
        text={encoder: vectors.to(device) for encoder, vectors in text.items()},
        seen=seen.to(device),
    )
    return Task(
        classes=classes,
        train=Samples(videos(train_label), position[train_label].to(device)),
        videos=videos(scored_label),
        truth=Truth(scored_label.numpy(), np.arange(len(scored_label))),
    )


def check_configuration(trial: Trial) -> None:
    """The configuration is typed and refuses keys that it does not know."""
    own = set(trial.method.Config.model_fields) - set(TorchConfig.model_fields)
    undescribed = sorted(name for name in own if not trial.method.Config.model_fields[name].description)
    _require(not undescribed, f"settings without a description: {', '.join(undescribed)}")
    try:
        build_config(trial.spec, trial.method.Config, "ucf", SIMULATED, {"no_such_setting": 1})
    except AvbenchError:
        return
    raise AssertionError("an unknown setting was accepted")


def check_training(trial: Trial) -> None:
    """Training gives finite losses by name and leaves the samples as they were."""
    train = trial.task.train
    before = [t.clone() for t in (train.videos.audio, train.videos.visual, train.label)]
    losses = trial.build().train_epoch(train)
    _require(isinstance(losses, Mapping), f"train_epoch must return a mapping, not {type(losses).__name__}")
    _require(all(np.isfinite(float(value)) for value in losses.values()), f"losses must be finite: {losses}")
    after = (train.videos.audio, train.videos.visual, train.label)
    _require(all(map(torch.equal, before, after)), "training changed the samples in place")


def check_score_shape(trial: Trial) -> None:
    """Scores are finite floats, one row a video and one column a class."""
    scores = trial.trained().score(trial.task.videos, trial.task.classes)
    _require(isinstance(scores, Tensor), f"score must return a tensor, not {type(scores).__name__}")
    wanted = (len(trial.task.videos), len(trial.task.classes))
    _require(tuple(scores.shape) == wanted, f"score gave {tuple(scores.shape)}, not {wanted}")
    _require(scores.is_floating_point(), f"scores are {scores.dtype}, not floats")
    _require(bool(torch.isfinite(scores).all()), "scores hold NaN or infinite values")
    _require(not scores.requires_grad, "scores carry a gradient graph")


def check_scoring_changes_nothing(trial: Trial) -> None:
    """Scoring twice gives the same, and leaves videos and classes as they were."""
    task = tiny_task(trial.shape, trial.device)  # anew: an earlier check may have changed the trial's own
    text = {encoder: 2 * vectors for encoder, vectors in task.classes.text.items()}  # to notice a normalisation
    method, videos, classes = trial.trained(), task.videos, replace(task.classes, text=text)
    given = {"videos": (videos.audio, videos.visual), "classes": (classes.seen, *classes.text.values())}
    before = {name: [t.clone() for t in tensors] for name, tensors in given.items()}
    first = method.score(videos, classes).clone()
    for name, tensors in given.items():
        _require(all(map(torch.equal, before[name], tensors)), f"scoring changed the {name} in place")
    _require_close(method.score(videos, classes), first, "a second scoring differs")


def check_video_order(trial: Trial) -> None:
    """A video's scores do not depend on the order of the videos, nor on which others are scored with it."""
    method, videos = trial.trained(), trial.task.videos
    scores = method.score(videos, trial.task.classes)
    order = torch.randperm(len(videos), generator=torch.Generator().manual_seed(1)).to(trial.device)
    permuted = method.score(videos.take(order), trial.task.classes)
    _require_close(permuted, scores[order], "permuting the videos changes their scores")
    part = method.score(videos.take(order[:5]), trial.task.classes)
    _require_close(part, scores[order[:5]], "scoring a few videos alone changes their scores")


def check_scorer(trial: Trial) -> None:
    """`scorer` gives what `score` gives, a part of the videos at a time, and does so after more training."""
    method, videos, classes = trial.trained(), trial.task.videos, trial.task.classes
    for more in (False, True):
        if more:
            method.train_epoch(trial.task.train)
        scores, scorer = method.score(videos, classes), method.scorer(classes)
        for part in (slice(0, 5), slice(5, None)):
            _require_close(scorer(videos.take(part)), scores[part], "scorer gives other scores than score")


def check_class_order(trial: Trial) -> None:
    """Permuting the classes permutes the columns and changes nothing else."""
    method, classes = trial.trained(), trial.task.classes
    scores = method.score(trial.task.videos, classes)
    order = torch.randperm(len(classes), generator=torch.Generator().manual_seed(2)).to(trial.device)
    permuted = method.score(trial.task.videos, classes.take(order))
    _require_close(permuted, scores[:, order], "permuting the classes changes their scores")


def check_same_seed(trial: Trial) -> None:
    """The same seed gives the same scores."""
    first, second = (trial.trained().score(trial.task.videos, trial.task.classes) for _ in range(2))
    _require(torch.equal(first, second), "two trainings with the same seed give different scores")


def check_state_dict(trial: Trial) -> None:
    """What `state_dict` gives makes an untrained method score the same; all of it is tensors."""
    method = trial.trained()
    state = method.state_dict()
    _require(all(isinstance(value, Tensor) for value in state.values()), "state_dict holds more than tensors")
    fresh = trial.build()
    fresh.load_state_dict({name: value.clone() for name, value in state.items()})
    expected = method.score(trial.task.videos, trial.task.classes)
    _require_close(fresh.score(trial.task.videos, trial.task.classes), expected, "scores differ after loading")


def check_learning_rate(trial: Trial) -> None:
    """A learning rate, if there is one, can be set, so that stage 2 can replay stage 1's."""
    method = trial.build()
    if method.learning_rate is not None:
        method.learning_rate = 0.125
        _require(method.learning_rate == 0.125, "setting learning_rate has no effect")


def check_precisions(trial: Trial) -> None:
    """In each precision that it names and the device has, it trains, and its state keeps its types."""
    for precision in trial.method.precisions:
        if precision == "full":
            continue
        try:
            computed = checked_precision(trial.spec.name, precision, trial.method)
            require_device(computed, trial.device)
        except ConfigError:
            continue
        method = trial.build()
        before = _types(method)
        train(method, trial.task, 1, computed)
        _require(_types(method) == before, f"training in {precision} changes the types of what was learnt")


def check_reads_features_only(trial: Trial) -> None:
    """Scoring reads the videos' features and nothing else; there is no label to be had."""
    method = trial.trained()
    watched = _WatchedVideos(**vars(trial.task.videos))
    method.score(watched, trial.task.classes)
    extra = vars(watched)["_read"] - {
        "audio",
        "visual",
        "audio_steps",
        "visual_steps",
        "take",
        "mapped",
        "longest_of",
    }
    _require(not extra, f"score reads {', '.join(sorted(extra))} of the videos")


def check_without_what_is_optional(trial: Trial) -> None:
    """Without sequences and added texts that it does not require, it works or says what it needs."""
    needs = trial.spec.needs
    text = {encoder: width for encoder, width in trial.shape.text.items() if encoder not in needs.added_text}
    shape = replace(trial.shape, text=text, sequences=needs.sequences == "required")
    try:
        trial.method.check(trial.config, shape)
    except ConfigError:
        return
    bare = replace(trial, shape=shape, task=tiny_task(shape, trial.device))
    check_score_shape(bare)


def check_protocol(trial: Trial) -> None:
    """Both stages run, and give decisions for each video."""

    def factory(task: Task) -> Method:
        return trial.method(trial.config, trial.shape, task.classes, seed=0, device=trial.device)

    def ignore(_: object) -> None:
        return None

    selection = run_stage1(
        factory,
        trial.task,
        epochs=trial.config.epochs,
        calibration=parse_calibration("exact"),
        seed=0,
        report=ignore,
    )
    _, decisions = run_stage2(factory, trial.task, selection, seed=0, report=ignore)
    _require(len(decisions) == len(trial.task.videos), "a video without a decision")


def check_seeds_together(trial: Trial) -> None:
    """Seeds that train together learn what each learns by itself, also where their learning rates differ."""
    bare = replace(trial.shape, sequences=False)
    if not trains_together(trial.method) or trial.spec.needs.sequences == "required":
        return
    try:
        trial.method.check(trial.config, bare)
    except ConfigError:
        return
    task, seeds = tiny_task(bare, trial.device), (3, 0, 5)

    def factory(seed: int) -> Callable[[Task], Method]:
        return lambda task: trial.method(trial.config, bare, task.classes, seed=seed, device=trial.device)

    alone, together = ([Learner.built(factory(seed), task, seed) for seed in seeds] for _ in range(2))
    try:
        stack = stacked(together, factory(seeds[0]), task)
    except RunError:
        return  # it is seen beforehand, and seeds run one after another
    for _ in range(2):
        try:
            means = stack.train_epoch()
        except Exception as error:  # a method's code may raise anything
            raise AssertionError(
                f"seeds cannot be stacked, say so with seeds_together = False: {error}"
            ) from error
        for one, mean in zip(alone, means, strict=True):
            require_agreement(one.train_epoch(task.train), mean)
        for one, other in zip(alone, together, strict=True):
            expected = one.method.score(task.videos, task.classes)
            apart = (other.method.score(task.videos, task.classes) - expected).abs().mean() / expected.abs().max()
            _require(float(apart) <= TOLERANCE, f"scores differ by {float(apart):.1e} of the largest, in the mean")
        for learners in (alone, together):
            learners[1].method.learning_rate *= 0.5


Check = Callable[[Trial], None]

CHECKS: tuple[Check, ...] = (
    check_configuration,
    check_training,
    check_score_shape,
    check_scoring_changes_nothing,
    check_video_order,
    check_class_order,
    check_same_seed,
    check_state_dict,
    check_learning_rate,
    check_precisions,
    check_scorer,
    check_reads_features_only,
    check_without_what_is_optional,
    check_protocol,
    check_seeds_together,
)


def check_method(method: str | MethodSpec, device: str = "cpu") -> None:
    """Run every check on a method.

    Args:
        method: name of a registered method, or a spec.
        device: where to run.

    Raises:
        AssertionError: a rule is broken; the message names the method, the check and the rule.
    """
    trial = Trial.of(method, device)
    for check in CHECKS:
        try:
            check(trial)
        except (AssertionError, AvbenchError) as error:
            raise AssertionError(f"{trial.spec.name}: {check.__name__}: {error}") from error


class _WatchedVideos(Videos):
    """Videos that note which of their public attributes are read."""

    def __init__(self, **features: Any) -> None:
        super().__init__(**features)
        object.__setattr__(self, "_read", set())

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("_"):
            super().__getattribute__("_read").add(name)
        return super().__getattribute__(name)


def _types(method: Method) -> dict[str, torch.dtype]:
    return {name: value.dtype for name, value in method.state_dict().items() if isinstance(value, Tensor)}


def _require(condition: bool, rule: str) -> None:
    if not condition:
        raise AssertionError(rule)


def _require_close(actual: Tensor, expected: Tensor, rule: str) -> None:
    try:
        torch.testing.assert_close(actual, expected, rtol=1e-4, atol=1e-5)
    except AssertionError as error:
        raise AssertionError(f"{rule}: {str(error).splitlines()[0]}") from error
