"""AV-OOD-GZSL: a detector decides whether a video is of a seen class, and one of two experts of which.

Wen: "Out-Of-Distribution Detection for Audio-visual Generalized Zero-Shot Learning: A General Framework", BMVC
2024, arXiv 2408.01284. Networks, losses and schedules follow what the published program computes. Four networks
are trained one after another:

1. the unseen expert, AVCA with a deeper text projection (`families.avood_expert`);
2. the seen expert, a softmax classifier of the seen classes;
3. a conditional Wasserstein GAN, which makes features of classes from their texts (`families.avood_generator`);
4. the detector, a softmax over the seen classes, of low entropy for videos of seen classes and of high entropy for
   features made for the unseen ones (`families.avood_detector`).

A video whose entropy is below the threshold tau goes to the seen expert, any other to the unseen expert. One
matrix of scores says the same: its best seen class leads its best unseen one by `tau - H`, so that bias 0 is the
published decision and any other bias moves the threshold.

**An epoch** of the harness is `detector_epochs` passes of the detector over the training videos; the first epoch
trains the other three in full before. So the validation HM chooses the detector's pass.

Departures from the published program, which has no setting for them here:

* It makes the features of unseen classes from class numbers of the test videos in place of class texts, which
  takes test labels. Here each class's own text is the condition, as the paper has it.
* It trains on training and validation videos from the start, shows test figures after each epoch and keeps the
  seen expert of the best one. Here are two stages, and the seen expert is the one after its last epoch.
* Its detector sees videos in the order of their classes first, then heads of fresh permutations. Here each pass is
  shuffled. The seen expert's last batch of a pass may be short.
* It works for audio and visual features of width 512 only. Here any widths will do.

Extension: several text encoders, whose vectors side by side are the generator's condition; the unseen expert has
`families.text_adapter` in front, as AVCA.

In the docstrings `N` are training videos, `D` is the width of a video vector, audio beside visual.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.families.avca_network import AVCAConfig
from avgzsl_baselines.families.avood_detector import detector_loss, entropy, entropy_threshold, expert_scores
from avgzsl_baselines.families.avood_expert import UnseenExpert, side_losses
from avgzsl_baselines.families.avood_generator import FeatureGAN, GANUpdates, ThreeLayers, adam
from avgzsl_baselines.families.class_columns import class_columns
from avgzsl_baselines.families.settings import AdapterDropout
from avgzsl_baselines.families.wasserstein import update
from avgzsl_bench import (
    Batch,
    ClassBalancedSampler,
    Classes,
    FeatureDims,
    Field,
    Method,
    MethodConfig,
    Precision,
    Samples,
    Videos,
)

BLOCK = 4096
"""Videos taken at a time outside of training steps, so that memory stays bounded whatever their number."""

_PLATEAU = torch.optim.lr_scheduler.ReduceLROnPlateau


class AVOODConfig(MethodConfig):
    """Settings of AV-OOD-GZSL; the defaults are the published ones for UCF with SeLaVi features."""

    epochs: int = Field(80, ge=1, le=100_000, description="epochs of stage 1, of the detector")
    detector_epochs: int = Field(1, ge=1, description="passes of the detector in each epoch")
    threshold: Literal["half", "mean"] = Field(
        "half",
        description="entropy below which a video is taken for one of a seen class: the sum of a pass over the "
        "training videos, half of which it shows, by the number of all (half, as published) or of those shown "
        "(mean)",
    )
    embedding_batch_size: int = Field(112, ge=2, description="videos per batch of unseen expert and generator")
    batches_per_epoch: int = Field(500, ge=1, description="batches per epoch of unseen expert and generator")
    embedding_epochs: int = Field(50, ge=1, description="epochs of the unseen expert")
    embedding_learning_rate: float = Field(0.0024, gt=0, description="learning rate of the unseen expert")
    weight_decay: float = Field(1e-5, ge=0, description="L2 weight decay of the unseen expert")
    margin: float = Field(1.0, ge=0, description="by how much a negative should be farther than a positive")
    negative_triplets: bool = Field(True, description="triplets anchored at the negatives, too")
    negative_regularization: bool = Field(True, description="reconstruct the encodings of the negatives, too")
    negative_reconstruction: bool = Field(True, description="decode the texts of the negatives, too")
    encoder_dropout: float = Field(0.5, ge=0, lt=1, description="dropout rate of encoders and transformer")
    projection_dropout: float = Field(0.4, ge=0, lt=1, description="dropout rate of the three projections")
    decoder_dropout: float = Field(0.4, ge=0, lt=1, description="dropout rate of the unseen expert's decoders")
    text_adapter_dropout: AdapterDropout = 0.1
    momentum: float = Field(
        0.1,
        gt=0,
        le=1,
        description="share of a pass's statistics in the running ones, in the last batch normalisation of "
        "encoders and projections; 0.1 in all others",
    )
    model_width: int = Field(300, ge=1, description="width of the encodings and of the transformer")
    embedding_width: int = Field(64, ge=1, description="width of the joint space of videos and texts")
    encoder_hidden_width: int = Field(512, ge=1, description="width of the encoders' hidden layer")
    projection_hidden_width: int = Field(512, ge=1, description="width of the projections' hidden layer")
    classifier_epochs: int = Field(200, ge=1, description="passes of the seen expert")
    classifier_batch_size: int = Field(32, ge=1, description="videos per batch of the seen expert")
    classifier_learning_rate: float = Field(0.0006, gt=0, description="initial learning rate of the seen expert")
    generator_epochs: int = Field(5, ge=1, description="epochs of the generator")
    generator_learning_rate: float = Field(1e-4, gt=0, description="learning rate of generator, critic, decoder")
    critic_steps: int = Field(5, ge=1, description="steps of critic and decoder before each of the generator")
    penalty_weight: float = Field(10.0, ge=0, description="weight of the critic's gradient penalty")
    similarity_weight: float = Field(0.1, ge=0, description="weight of the cosines in the generator's loss")
    text_weight: float = Field(0.01, ge=0, description="weight of the decoded text in the generator's loss")
    detector_batch_size: int = Field(16, ge=2, description="features per batch of the detector, half of them made")
    detector_learning_rate: float = Field(0.0009, gt=0, description="initial learning rate of the detector")
    synthetic_per_class: int = Field(50, ge=1, description="features made for each unseen class")

    def expert(self) -> AVCAConfig:
        """Give the settings of the unseen expert as those of AVCA's network."""
        return AVCAConfig(**{name: getattr(self, name) for name in _OF_THE_EXPERT})


_OF_THE_EXPERT = (
    *("encoder_dropout", "projection_dropout", "decoder_dropout", "text_adapter_dropout", "momentum"),
    *("model_width", "embedding_width", "encoder_hidden_width", "projection_hidden_width"),
)


class AVOODNetworks(nn.Module):
    """All that is learnt, the detector's threshold among it."""

    threshold: Tensor

    def __init__(self, shape: FeatureDims, classes: int, config: AVOODConfig) -> None:
        super().__init__()
        width = shape.audio + shape.visual
        self.expert = UnseenExpert(shape, config.expert())
        self.classifier = ThreeLayers(width, (512, 256), classes, dropout=0.1)
        self.gan = FeatureGAN(width, shape.text_width)
        self.detector = ThreeLayers(width, (512, 128), classes)
        self.register_buffer("threshold", torch.zeros(()))


def video_vectors(videos: Videos) -> Tensor:
    """Compute `x = [a; v]`, `[N, D]`, audio first."""
    return torch.cat((videos.audio, videos.visual), dim=1)


@dataclass
class DetectorTraining:
    """What the detector's training keeps from pass to pass.

    Attributes:
        synthetic: features made for the unseen classes, `[M, D]`.
        optimizer, schedule: of the detector.
    """

    synthetic: Tensor
    optimizer: torch.optim.Adam
    schedule: _PLATEAU


class AVOOD(Method[AVOODConfig]):
    """AV-OOD-GZSL. The seen expert and the detector know the seen classes of the task, and no others."""

    module: AVOODNetworks

    precisions: ClassVar[tuple[Precision, ...]] = ("full", "tf32")
    """The gradient of the penalty is a second derivative, which autocast is not made for."""

    def __init__(
        self, config: AVOODConfig, shape: FeatureDims, classes: Classes, *, seed: int, device: torch.device
    ) -> None:
        super().__init__(config, shape, classes, seed=seed, device=device)
        seen, unseen = classes.seen.nonzero().squeeze(1), (~classes.seen).nonzero().squeeze(1)
        own = classes.take(torch.cat((seen, unseen)))
        self._train_text, self._unseen_text = torch.split(own.embedding(), [len(seen), len(unseen)])
        self._position = {name: position for position, name in enumerate(own.names)}
        self.module = AVOODNetworks(shape, len(seen), config).to(device)
        self._random: torch.Generator
        self._detector: DetectorTraining | None = None

    def train_epoch(self, train: Samples) -> Mapping[str, float]:
        """Train the detector for `detector_epochs` passes; in the first epoch all others before it.

        Returns the mean loss of each network that was trained, over its last epoch.
        """
        losses: dict[str, float] = {}
        if self._detector is None:
            self._random = torch.Generator(self.device).manual_seed(self.seed)
            sampler = ClassBalancedSampler(train.label, seed=self.seed)
            losses["embedding"] = self._train_unseen_expert(train, sampler)
            losses["classifier"] = self._train_seen_expert(train)
            losses |= self._train_generator(train, sampler)
            self._detector = self._begin_detector()
        for _ in range(self.config.detector_epochs):
            losses["detector"] = self._detector_pass(train, self._detector)
        return losses

    def _train_unseen_expert(self, train: Samples, sampler: ClassBalancedSampler) -> float:
        config = self.config
        self.module.expert.train()
        optimizer = self.expert_optimizer()
        for _ in range(config.embedding_epochs):
            total = torch.zeros((), device=self.device)
            positive = sampler.draw(config.batches_per_epoch, config.embedding_batch_size)
            for own, other in zip(positive, sampler.draw_negatives(positive), strict=True):
                batch = _batch(train, own, _batch(train, other))
                loss = torch.stack(list(self.expert_losses(batch).values())).sum()
                update(optimizer, loss)
                total += loss.detach()
        return float(total) / config.batches_per_epoch

    def expert_optimizer(self) -> torch.optim.Adam:
        """Make the unseen expert's Adam, of all its parameters but the position embeddings."""
        return torch.optim.Adam(
            [parameter for parameter in self.module.expert.parameters() if parameter.requires_grad],
            lr=self.config.embedding_learning_rate,
            weight_decay=self.config.weight_decay,
            fused=self.device.type in ("cpu", "cuda"),
        )

    def expert_losses(self, batch: Batch) -> dict[str, Tensor]:
        """Compute the unseen expert's losses of a batch with negatives, which are summed."""
        own, other = self.module.expert.sides(batch, self._train_text)
        losses, negative = side_losses(own, self.config.margin), side_losses(other, self.config.margin)
        for name, value in negative.items():
            if getattr(self.config, f"negative_{name}"):
                losses[f"negative_{name}"] = value
        return losses

    def _train_seen_expert(self, train: Samples) -> float:
        config, classifier = self.config, self.module.classifier.train()
        optimizer = adam(classifier.parameters(), config.classifier_learning_rate)
        schedule = _PLATEAU(optimizer, mode="min", factor=0.5, patience=10)
        mean = 0.0
        for _ in range(config.classifier_epochs):
            losses = []
            for index in torch.split(self._shuffled(len(train)), config.classifier_batch_size):
                logits = classifier(video_vectors(train.videos.take(index)))
                loss = F.cross_entropy(logits, train.label.index_select(0, index))
                update(optimizer, loss)
                losses.append(loss.detach())
            mean = float(torch.stack(losses).mean())
            schedule.step(mean)
        return mean

    def _train_generator(self, train: Samples, sampler: ClassBalancedSampler) -> dict[str, float]:
        config = self.config
        updates = GANUpdates(
            self.module.gan,
            learning_rate=config.generator_learning_rate,
            penalty_weight=config.penalty_weight,
            similarity_weight=config.similarity_weight,
            text_weight=config.text_weight,
        )
        sums = torch.zeros(2, device=self.device)
        for _ in range(config.generator_epochs):
            sums.zero_()
            for index in sampler.draw(config.batches_per_epoch, config.embedding_batch_size):
                x, label = video_vectors(train.videos.take(index)), train.label.index_select(0, index)
                text = self._train_text.index_select(0, label)
                for _ in range(config.critic_steps):
                    share = torch.rand(len(x), generator=self._random, device=x.device, dtype=x.dtype)
                    critic = updates.critic_step(x, text, self._noise(text), share)
                generator = updates.generator_step(x, text, label, self._noise(text), self._shuffled(len(x)))
                sums += torch.stack((generator, critic))
        return dict(zip(("generator", "critic"), (sums / config.batches_per_epoch).tolist(), strict=True))

    @torch.no_grad()
    def _begin_detector(self) -> DetectorTraining:
        """Make features of the unseen classes, and the detector's optimiser and schedule."""
        text = self._unseen_text.repeat_interleave(self.config.synthetic_per_class, dim=0)
        generator = self.module.gan.generator
        synthetic = torch.cat([generator(self._noise(part), part) for part in torch.split(text, BLOCK)])
        optimizer = adam(self.module.detector.parameters(), self.config.detector_learning_rate)
        return DetectorTraining(synthetic, optimizer, _PLATEAU(optimizer, mode="min", factor=0.8, patience=5))

    def _detector_pass(self, train: Samples, training: DetectorTraining) -> float:
        """Train on one pass of batches, half of each real, and set the threshold; return the mean loss.

        Entropies are those of the weights of the moment.
        """
        detector, synthetic = self.module.detector, training.synthetic
        batches = self._detector_batches(len(train), len(synthetic))
        sums = torch.zeros(3, device=self.device)
        for real, made in batches:
            x = torch.cat((video_vectors(train.videos.take(real)), synthetic.index_select(0, made)))
            of_real, of_made = torch.split(detector(x), [len(real), len(made)])
            loss = detector_loss(of_real, train.label.index_select(0, real), of_made)
            update(training.optimizer, loss)
            sums += torch.stack((loss, entropy(of_real).sum(), -entropy(of_made).sum())).detach()
        shown = sum(len(real) for real, _ in batches)
        tau = entropy_threshold(sums[1], shown, len(train), self.config.threshold)
        self.module.threshold.copy_(tau)
        loss_sum, _, negative_entropy = sums.tolist()
        training.schedule.step(negative_entropy)
        return float(loss_sum / len(batches))

    def _detector_batches(self, videos: int, features: int) -> list[tuple[Tensor, Tensor]]:
        """Draw the rows of a pass: for each batch training videos and as many features made, int64 `[B / 2]` each.

        There are as many batches as the training videos would fill, so that about half of them are drawn. The
        features made are taken in as many shuffled passes as it takes.
        """
        size = self.config.detector_batch_size
        real = torch.split(self._shuffled(videos), size // 2)[: -(-videos // size)]
        count = sum(map(len, real))
        passes = [self._shuffled(features) for _ in range(-(-count // features))]
        return list(zip(real, torch.split(torch.cat(passes)[:count], size // 2), strict=True))

    def _shuffled(self, count: int) -> Tensor:
        return torch.randperm(count, generator=self._random, device=self.device)

    def _noise(self, text: Tensor) -> Tensor:
        """Draw the generator's noise from N(0, I), `[B, D]`, for texts `[B, Dw]`."""
        width = self.shape.audio + self.shape.visual
        return torch.randn(len(text), width, generator=self._random, device=text.device, dtype=text.dtype)

    @torch.inference_mode()
    def score(self, videos: Videos, classes: Classes) -> Tensor:
        """Compute the scores of `expert_scores`, `[N, K]`, of classes of the task, in blocks of videos.

        Raises:
            AvbenchError: a class that is not of the task, so that nothing was learnt of it.
        """
        self.module.eval()
        position = class_columns(self._position, classes, "AV-OOD-GZSL")
        seen = position < len(self._train_text)
        of_seen, of_unseen = seen.nonzero().squeeze(1), (~seen).nonzero().squeeze(1)
        own = torch.cat((of_seen, of_unseen)).argsort()
        columns, text = position[of_seen], classes.embedding().index_select(0, of_unseen)
        texts = self.module.expert.embed_texts(text)

        def scores(block: Videos) -> Tensor:
            x = video_vectors(block)
            log_p = self.module.classifier(x).log_softmax(dim=1).index_select(1, columns)
            _, embedded = self.module.expert.embed_videos(block.audio, block.visual, [len(block)])
            # differences, not products: those of a video do not depend on the others in the block
            distances = torch.cdist(embedded[1], texts, compute_mode="donot_use_mm_for_euclid_dist")
            scored = expert_scores(self.module.threshold, entropy(self.module.detector(x)), log_p, distances)
            return scored.index_select(1, own)

        return videos.mapped(scores, BLOCK)

    def state_dict(self) -> dict[str, Tensor]:
        """Return parameters and buffers of all networks, and the threshold."""
        return {name: value.detach().clone() for name, value in self.module.state_dict().items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Load all of it."""
        self.module.load_state_dict(dict(state), strict=True)

    def parameter_count(self) -> int:
        """Count the trained parameters but for those of each seen class, in the seen expert and the detector."""
        rows = [self.module.classifier.output, self.module.detector.output]
        own = sum(parameter.numel() for layer in rows for parameter in layer.parameters())
        return sum(p.numel() for p in self.module.parameters() if p.requires_grad) - own


def _batch(train: Samples, index: Tensor, negative: Batch | None = None) -> Batch:
    """Gather the videos at `index`, int64 `[B]`."""
    videos = train.videos.take(index)
    return Batch(videos.audio, videos.visual, train.label.index_select(0, index), negative)
