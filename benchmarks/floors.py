"""The work of a method and its floor: forward, losses, backward and optimiser on batches already in place.

What the harness adds is left out of a floor: drawing samples, gathering their features, checking and averaging the
losses. What a method does in a step of its own is part of it, such as the second pass that moves batch-norm
statistics in the published ClipClap-GZSL and AVCA. Both sides work on batches of the same draw.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import singledispatch

import torch
from torch import Tensor
from torch.nn import functional as F

from avgzsl_baselines.avfs import AVFS
from avgzsl_baselines.avood import AVOOD, video_vectors
from avgzsl_baselines.chance import Chance, row_keys
from avgzsl_baselines.eszsl import ESZSL, GRID, joint_features, ridge_solve
from avgzsl_baselines.families.avfs_losses import FeatureBatch
from avgzsl_baselines.families.avfs_networks import joined
from avgzsl_baselines.families.avood_detector import detector_loss
from avgzsl_baselines.families.fvaegan_networks import adam
from avgzsl_baselines.fvaegan import FVAEGAN
from avgzsl_baselines.tcaf import TCAF
from avgzsl_bench import Batch, ClassBalancedSampler, Method, Samples, Task, TorchMethod, Videos
from avgzsl_bench.method.torch_method import drawn_batches

BLOCK = 4096
"""Videos that methods without a `score_block` embed at a time."""

BARE = "losses, backward, optimiser"


@dataclass(frozen=True)
class Work:
    """What is measured of a method.

    Attributes:
        train: epochs of training as the harness does them; None where there is nothing to learn.
        floor: the same number of steps, bare.
        steps: how many.
        updates: whether they are updates by an optimiser.
        embed: one pass of all videos and classes through what embeds them.
        meaning: what the floor is.
    """

    train: Callable[[], object] | None
    floor: Callable[[], object]
    steps: int
    embed: Callable[[], object]
    meaning: str
    updates: bool = True


@singledispatch
def work_of(method: Method, task: Task) -> Work:
    """The work of a method on a task, set up so that it can be done again and again."""
    raise TypeError(f"{type(method).__name__}: no floor is defined")


def blocks_of(videos: Videos, size: int = BLOCK) -> Iterator[Videos]:
    for start in range(0, len(videos), size):
        yield videos.take(slice(start, start + size))


def step(optimizer: torch.optim.Optimizer, loss: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    with torch.autocast(loss.device.type, enabled=False):
        loss.backward()
    optimizer.step()


# Methods trained by gradient descent


@work_of.register
def _(method: TorchMethod, task: Task) -> Work:
    batches = [in_place(method, batch) for batch in draw(method, task.train)]
    again = refresh_of(method)

    def floor() -> None:
        method.module.train()
        for batch in batches:
            step(method.optimizer, method.losses(batch)["total"])
            if again is not None:
                with torch.no_grad():
                    again(batch)

    @torch.inference_mode()
    def embed() -> None:
        method.module.eval()
        method.embed_classes(task.classes)
        for videos in blocks_of(task.videos, method.score_block):
            method.embed_videos(videos)

    meaning = BARE if again is None else f"{BARE}, and the published second pass"
    return Work(lambda: method.train_epoch(task.train), floor, len(batches), embed, meaning)


def draw(method: TorchMethod, train: Samples) -> Iterable[Batch]:
    """The batches of a first epoch."""
    sampler = ClassBalancedSampler(train.label, seed=method.seed)
    indices = sampler.draw(method.config.batches_per_epoch, method.config.batch_size)
    return drawn_batches(train, indices, sampler.draw_negatives(indices) if method.negatives else None)


def in_place(method: TorchMethod, batch: Batch) -> Batch:
    """The batch as the losses read it: TCAF's are windows of it."""
    if not isinstance(method, TCAF):
        return batch
    videos = method._assembled(batch, method.config.train_window, lambda spare: torch.zeros_like(spare))
    return replace(batch, audio_steps=videos.audio, visual_steps=videos.visual)


def refresh_of(method: TorchMethod) -> Callable[[Batch], object] | None:
    """The pass that the settings ask for after each update, with nothing learnt from it."""
    if getattr(method.config, "bn_refresh", "none") != "official":
        return None
    return method.after_step


# Methods with a training of their own


@work_of.register
def _(method: AVFS, task: Task) -> Work:
    config, train = method.config, task.train
    sampler = ClassBalancedSampler(train.label, seed=method.seed)
    batches = []
    for index in sampler.draw(config.batches_per_epoch, config.batch_size):
        label = train.label[index]
        features = joined(train.videos.visual[index], train.videos.audio[index])
        batches.append(FeatureBatch(features, method.train_text[label], label))
    classifier = method.module.classifier
    assert classifier is not None
    generated = method._unseen.repeat_interleave(config.synthetic_per_class)
    labels = torch.cat((method._seen[train.label], generated))
    method.train_epoch(train)
    encoded = torch.cat((method._encode(train.videos), method._generate(generated)))
    draws = ClassBalancedSampler(labels, seed=method.seed).draw(
        config.classifier_steps, config.classifier_batch_size
    )
    ready = [(encoded[index], labels[index]) for index in draws]

    def floor() -> None:
        for batch in batches:
            method.train_step(batch)
        method._encode(train.videos), method._generate(generated)
        optimizer = method._adam([classifier], config.classifier_learning_rate, (0.5, 0.999))
        assert optimizer is not None
        for x, label in ready:
            step(optimizer, F.cross_entropy(classifier(x), label))

    @torch.inference_mode()
    def embed() -> None:
        for videos in blocks_of(task.videos):
            method._log_probabilities(joined(videos.visual, videos.audio))

    return Work(
        lambda: method.train_epoch(train),
        floor,
        len(batches) + len(ready),
        embed,
        "steps of critic, embedding and generator; one encoding of the classifier's videos, and its steps",
    )


@work_of.register
def _(method: FVAEGAN, task: Task) -> Work:
    config, train, model, device = method.config, task.train, method.model, method.device
    method.train_epoch(train)
    cycle = method._cycle
    assert cycle is not None
    sampler = ClassBalancedSampler(train.label, seed=method.seed)
    batches = config.generator_batches if config.schedule == "full" else 1
    real = []
    for index in sampler.draw(batches, config.generator_batch_size):
        x = model.features(train.videos.take(index))
        z, eps = (torch.randn(len(index), config.latent_width, device=device) for _ in range(2))
        alpha = torch.rand(len(index), device=device)
        real.append((x, method._text.index_select(0, train.label[index]), z, alpha, eps))
    made = [method._mini_batch(train, rows) for rows in cycle.rows]
    sources = [
        (torch.randn(len(rows.label), config.latent_width, device=device), method._text[rows.label])
        for rows in cycle.rows
    ]

    def harness() -> None:
        method._cycle = None
        for _ in range(config.classifier_epochs):
            method.train_epoch(train)

    def floor() -> None:
        for number, (x, condition, z, alpha, eps) in enumerate(real):
            method.updates.critic_step(x, condition, z, alpha)
            if number % config.critic_steps == 0:
                method.updates.generator_step(x, condition, z, eps)
        with torch.no_grad():
            for z, text in sources:
                model.networks.generator(z, text)
        optimizer = adam(list(model.classifier.parameters()), config.classifier_learning_rate)
        for _ in range(config.classifier_epochs):
            for x, label in made:
                step(optimizer, F.cross_entropy(model.classifier(x), label))

    @torch.inference_mode()
    def embed() -> None:
        for videos in blocks_of(task.videos):
            model.log_probabilities(videos)

    return Work(
        harness,
        floor,
        len(real) + config.classifier_epochs * len(made),
        embed,
        "a cycle: steps of critic and generator, one making of synthetic features, the classifier's steps",
    )


@work_of.register
def _(method: AVOOD, task: Task) -> Work:
    train, module = task.train, method.module
    method.train_epoch(train)
    training = method._detector
    assert training is not None
    ready = [
        (torch.cat((video_vectors(train.videos.take(real)), training.synthetic[made])), train.label[real])
        for real, made in method._detector_batches(len(train), len(training.synthetic))
    ]

    def floor() -> None:
        for x, label in ready:
            logits = module.detector(x)
            step(training.optimizer, detector_loss(logits[: len(label)], label, logits[len(label) :]))

    @torch.inference_mode()
    def embed() -> None:
        module.eval()
        module.expert.embed_texts(method._unseen_text)
        for videos in blocks_of(task.videos):
            x = video_vectors(videos)
            module.classifier(x), module.detector(x)
            module.expert.embed_videos(videos.audio, videos.visual, [len(videos)])

    meaning = "a pass of the detector; the other networks are trained once, before"
    return Work(lambda: method.train_epoch(train), floor, len(ready), embed, meaning)


# Methods without steps


@work_of.register
def _(method: ESZSL, task: Task) -> Work:
    train, text = task.train, method._text
    x = joint_features(train.videos).double()
    x = x - x.mean(dim=0) if method.config.center else x
    y = 2 * F.one_hot(train.label, len(text)).double() - 1

    def harness() -> None:
        method._statistics, method._candidate, method._left = None, -1, None
        for _ in GRID:
            method.train_epoch(train)
            method._solution()

    def floor() -> None:
        gram, target, left = x.T @ x, x.T @ y @ text, {}
        for gamma, lam in GRID:
            if gamma not in left:
                left[gamma] = ridge_solve(gram, 10.0**gamma, target)
            ridge_solve(text.T @ text, 10.0**lam, left[gamma].T)

    @torch.inference_mode()
    def embed() -> None:
        weight = method._solution()
        for videos in blocks_of(task.videos):
            (joint_features(videos) - method._mean) @ weight

    meaning = "all of the training: two products, and the solutions of every pair of the grid, videos in place"
    return Work(harness, floor, len(GRID), embed, meaning, updates=False)


@work_of.register
def _(method: Chance, task: Task) -> Work:
    @torch.inference_mode()
    def embed() -> Sequence[Tensor]:
        return [
            row_keys(torch.cat([videos.audio, videos.visual], dim=1), method._of_video)
            for videos in blocks_of(task.videos)
        ]

    meaning = "nothing to learn; embedding: a hash of each video"
    return Work(None, lambda: None, 0, embed, meaning, updates=False)
