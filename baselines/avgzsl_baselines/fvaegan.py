"""f-VAEGAN-D2: a classifier for seen and unseen classes, on real features of the seen and synthetic of the unseen.

Xian, Sharma, Schiele, Akata: "f-VAEGAN-D2: A Feature Generating Framework for Any-Shot Learning", CVPR 2019,
arXiv 1903.10132, as adapted by the published code of the AVCA benchmark (Mercea et al., "Audio-visual generalised
zero-shot learning with cross-modal attention and language", CVPR 2022). A generator, trained as decoder of a
conditional VAE and against a conditional critic (`families.fvaegan_networks`), makes features from a class's
text and noise; a linear softmax classifier trained on real and synthetic features gives the scores.

**An epoch** of the harness is one epoch of the classifier. Whenever `classifier_epochs` of them are over, the
generator is trained for an epoch of its own and a fresh classifier begins on newly synthesised features. So the
validation HM chooses the generator's epoch and the classifier's together, and `epochs` is their product: 50 x 30.

Departures from the published program, which has no setting for them here:

* It chooses both epochs on the test videos, of equal classifier epochs the last. Here stage 1 chooses, on
  validation videos, of equal epochs the first, and stage 2 repeats. So its printed figures cannot be had, also not
  with the preset `official`.
* For ZSL it trains a second classifier, only on unseen classes. Here ZSL is read off the same scores.
* It keeps all synthetic features. Here what is beyond `KEPT` is made again in each epoch, the same each time.

Extension: features of other widths than SeLaVi's, and several text encoders, whose vectors side by side are the
condition. The reconstruction term needs features in [0, 1]; the program does not scale them, and `scaling` does
where features are signed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.families.class_columns import class_columns
from avgzsl_baselines.families.fvaegan_networks import VAEGAN, Updates, adam
from avgzsl_baselines.families.wasserstein import small_normal, update
from avgzsl_bench import (
    ClassBalancedSampler,
    Classes,
    ConfigError,
    FeatureDims,
    Field,
    Method,
    MethodConfig,
    Precision,
    Samples,
    Videos,
)

BLOCK = 4096
"""Videos scored at a time, so that memory stays bounded whatever their number."""

KEPT = 2**27
"""Numbers of the classifier's mini-batches that are kept from epoch to epoch, 512 MiB; the rest is made again."""


class FVAEGANConfig(MethodConfig):
    """Settings of f-VAEGAN-D2; the defaults are the published ones for UCF with SeLaVi features."""

    epochs: int = Field(
        1500, ge=1, le=100_000, description="epochs of stage 1: generator epochs times classifier epochs"
    )
    classifier_epochs: int = Field(30, ge=1, description="epochs of each classifier, one generator epoch before")
    schedule: Literal["full", "official"] = Field(
        "full",
        description="a generator epoch: all its batches, or, as the published program's stray loop exit has it, "
        "only the first",
    )
    generator_batch_size: int = Field(64, ge=2, description="videos per batch of the generator")
    generator_batches: int = Field(500, ge=1, description="batches of a generator epoch")
    critic_steps: int = Field(5, ge=1, description="critic updates for each update of generator and encoder")
    learning_rate: float = Field(1e-3, gt=0, description="Adam's learning rate for critics, encoder, generator")
    penalty_weight: float = Field(10.0, ge=0, description="weight of the critics' gradient penalty")
    adversarial_weight: float = Field(
        1e5, ge=0, description="weight of the critic's values in the generator's loss, beside BCE and KL"
    )
    synthetic_per_class: int = Field(
        1000, ge=1, description="synthetic features an unseen class; the classifier's mini-batches have as many"
    )
    classifier_learning_rate: float = Field(1e-3, gt=0, description="Adam's learning rate for the classifier")
    latent_width: int = Field(300, ge=1, description="width of the latent space")
    critic_width: int = Field(512, ge=1, description="width of the critics' hidden layer")
    encoder_width: int = Field(300, ge=1, description="width of the encoder's hidden layer")
    generator_width: int = Field(512, ge=1, description="width of the generator's hidden layer")
    scaling: Literal["none", "min_max"] = Field(
        "min_max",
        description="before a video's features get unit norm: nothing, or each feature from the training videos' "
        "range to [0, 1]; with none, features must not be negative",
    )


class Model(nn.Module):
    """All that is learnt: generator and its partners, the classifier, and the range of each feature."""

    low: Tensor
    span: Tensor

    def __init__(self, shape: FeatureDims, classes: int, config: FVAEGANConfig) -> None:
        super().__init__()
        width = shape.audio + shape.visual
        self._scaled = config.scaling == "min_max"
        self.networks = VAEGAN(
            features=width,
            condition=shape.text_width,
            latent=config.latent_width,
            critic=config.critic_width,
            encoder=config.encoder_width,
            generator=config.generator_width,
        )
        self.classifier = nn.Linear(width, classes)
        small_normal(self.classifier)
        self.register_buffer("low", torch.zeros(width))
        self.register_buffer("span", torch.ones(width))

    def fit_range(self, videos: Videos) -> None:
        """Take over the range of each feature, or make sure that none has to be scaled.

        Raises:
            ConfigError: features are not to be scaled, and some are negative.
        """
        ranges = [torch.aminmax(features, dim=0) for features in (videos.audio, videos.visual)]
        low = torch.cat([range_.min for range_ in ranges])
        if self._scaled:
            span = torch.cat([range_.max for range_ in ranges]) - low
            self.low.copy_(low)
            self.span.copy_(torch.where(span > 0, span, torch.ones_like(span)))
        elif bool((low < 0).any()):
            raise ConfigError(
                "setting scaling=none: some training features are negative, and the reconstruction term needs "
                "features in [0, 1]; use scaling=min_max"
            )

    def features(self, videos: Videos) -> Tensor:
        """Compute `x = norm([a; v])`, each feature scaled before where that is set: `[N, Da + Dv]`."""
        joined = torch.cat((videos.audio, videos.visual), dim=1)
        if self._scaled:
            joined = ((joined - self.low) / self.span).clamp(0, 1)
        return F.normalize(joined, dim=1)

    def log_probabilities(self, videos: Videos) -> Tensor:
        """Compute the classifier's log-probabilities, `[N, K]`, in the method's own order of classes."""
        logits: Tensor = self.classifier(self.features(videos))
        return logits.log_softmax(dim=1)


@dataclass(frozen=True)
class Rows:
    """What a mini-batch of the classifier is made of, the same in each of its epochs.

    Training videos, int64 `[R]`; classes of the synthetic features, int64 `[S]`, and the seed of their noise.
    """

    video: Tensor
    label: Tensor
    seed: int


def mixed_rows(
    videos: int, unseen: range, per_class: int, *, generator: torch.Generator, device: torch.device
) -> list[Rows]:
    """All training videos and `per_class` synthetic features of each unseen class, in one random order.

    Cut into mini-batches of `per_class` rows, of which the last may be shorter. Within a mini-batch videos come
    first, which changes no mean. The generator is on the CPU; the device is that of the indices.
    """
    order = torch.randperm(videos + len(unseen) * per_class, generator=generator)
    parts = torch.split(order, per_class)
    seeds = torch.randint(2**62, (len(parts),), generator=generator).tolist()
    video = _sent([part[part < videos] for part in parts], device)
    label = _sent([(part[part >= videos] - videos) // per_class + unseen.start for part in parts], device)
    return [Rows(*of_part) for of_part in zip(video, label, seeds, strict=True)]


def _sent(parts: list[Tensor], device: torch.device) -> tuple[Tensor, ...]:
    """Copy tensors to a device, in one copy for all."""
    return torch.split(torch.cat(parts).to(device), [len(part) for part in parts])


@dataclass
class Cycle:
    """An epoch of the generator and the training of the classifier that follows it.

    Attributes:
        generator_losses: means over the generator's epoch.
        optimizer: the classifier's.
        rows: its mini-batches.
        kept: the first of them, features `[B, D]` and labels `[B]`, as far as `KEPT` allows.
        epochs: how many the classifier has had.
    """

    generator_losses: Mapping[str, float]
    optimizer: torch.optim.Adam
    rows: list[Rows]
    kept: list[tuple[Tensor, Tensor]] = field(default_factory=list)
    epochs: int = 0


class FVAEGAN(Method[FVAEGANConfig]):
    """f-VAEGAN-D2. Scores are the classifier's log-probabilities; its classes are seen first, then unseen."""

    precisions: ClassVar[tuple[Precision, ...]] = ("full", "tf32")
    """The gradient of the penalty is a second derivative, which autocast is not made for."""

    def __init__(
        self, config: FVAEGANConfig, shape: FeatureDims, classes: Classes, *, seed: int, device: torch.device
    ) -> None:
        super().__init__(config, shape, classes, seed=seed, device=device)
        seen, unseen = classes.seen.nonzero().squeeze(1), (~classes.seen).nonzero().squeeze(1)
        own = classes.take(torch.cat((seen, unseen)))
        self._text = own.embedding()
        self._position = {name: position for position, name in enumerate(own.names)}
        self._unseen = range(len(seen), len(own))
        self.model = Model(shape, len(own), config).to(device)
        self.updates = Updates(
            self.model.networks,
            learning_rate=config.learning_rate,
            penalty_weight=config.penalty_weight,
            adversarial_weight=config.adversarial_weight,
        )
        self._order = torch.Generator().manual_seed(seed)
        self._noise: torch.Generator
        self._synthesis: torch.Generator
        self._sampler: ClassBalancedSampler | None = None
        self._cycle: Cycle | None = None

    def train_epoch(self, train: Samples) -> Mapping[str, float]:
        """Train the classifier for an epoch; where it is a classifier's first, the generator before it.

        Returns the classifier's loss, and those of the generator's latest epoch.

        Raises:
            ConfigError: negative features that are not scaled.
        """
        if self._sampler is None:
            self.model.fit_range(train.videos)
            self._sampler = ClassBalancedSampler(train.label, seed=self.seed)
            self._noise = torch.Generator(self.device).manual_seed(self.seed)
            self._synthesis = torch.Generator(self.device)
        if self._cycle is None or self._cycle.epochs == self.config.classifier_epochs:
            losses = self._generator_epoch(train, self._sampler)
            self._cycle = self._begin_classifier(losses, len(train))
        return {"classifier": self._classifier_epoch(train, self._cycle), **self._cycle.generator_losses}

    def _generator_epoch(self, train: Samples, sampler: ClassBalancedSampler) -> dict[str, float]:
        """Update the critics on each batch, the generator on the first and every `critic_steps`-th after it."""
        config = self.config
        batches = config.generator_batches if config.schedule == "full" else 1
        updates: dict[str, list[Tensor]] = {}
        for number, index in enumerate(sampler.draw(batches, config.generator_batch_size)):
            x = self.model.features(train.videos.take(index))
            condition = self._text.index_select(0, train.label[index])
            z = self._normal(len(index), self._noise)
            alpha = torch.rand(len(index), generator=self._noise, device=self.device)
            losses = dict(self.updates.critic_step(x, condition, z, alpha))
            if number % config.critic_steps == 0:
                eps = self._normal(len(index), self._noise)
                losses |= self.updates.generator_step(x, condition, z, eps)
            for name, value in losses.items():
                updates.setdefault(name, []).append(value)
        means = torch.stack([torch.stack(values).mean() for values in updates.values()]).tolist()
        return dict(zip(updates, means, strict=True))

    def _begin_classifier(self, generator_losses: Mapping[str, float], videos: int) -> Cycle:
        """Begin a fresh classifier and lay out its mini-batches."""
        small_normal(self.model.classifier)
        optimizer = adam(list(self.model.classifier.parameters()), self.config.classifier_learning_rate)
        count, order = self.config.synthetic_per_class, self._order
        rows = mixed_rows(videos, self._unseen, count, generator=order, device=self.device)
        return Cycle(generator_losses, optimizer, rows)

    def _classifier_epoch(self, train: Samples, cycle: Cycle) -> float:
        """Train on all mini-batches; return the mean of their losses before each update."""
        values = []
        for number, rows in enumerate(cycle.rows):
            if number < len(cycle.kept):
                x, label = cycle.kept[number]
            else:
                x, label = self._mini_batch(train, rows)
                if (number + 1) * self.config.synthetic_per_class * x.shape[1] <= KEPT:
                    cycle.kept.append((x, label))
            loss = F.cross_entropy(self.model.classifier(x), label)
            update(cycle.optimizer, loss)
            values.append(loss.detach())
        cycle.epochs += 1
        return float(torch.stack(values).mean())

    @torch.no_grad()
    def _mini_batch(self, train: Samples, rows: Rows) -> tuple[Tensor, Tensor]:
        """Make real and synthetic features, all of unit norm, `[B, D]`, and their classes, `[B]`."""
        real = self.model.features(train.videos.take(rows.video))
        z = self._normal(len(rows.label), self._synthesis.manual_seed(rows.seed))
        synthetic = self.model.networks.generator(z, self._text.index_select(0, rows.label))
        x = torch.cat((real, F.normalize(synthetic, dim=1)))
        return x, torch.cat((train.label[rows.video], rows.label))

    def _normal(self, rows: int, generator: torch.Generator) -> Tensor:
        return torch.randn(rows, self.config.latent_width, generator=generator, device=self.device)

    @torch.inference_mode()
    def score(self, videos: Videos, classes: Classes) -> Tensor:
        """Compute log-probabilities `[N, K]` of classes that the method was built for, in blocks of videos.

        Raises:
            AvbenchError: a class that it was not built for.
        """
        columns = class_columns(self._position, classes, "f-VAEGAN-D2")
        return videos.mapped(lambda block: self.model.log_probabilities(block).index_select(1, columns), BLOCK)

    def state_dict(self) -> dict[str, Tensor]:
        """Return parameters of all networks and of the classifier, and the range of each feature."""
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Load all of it."""
        self.model.load_state_dict(dict(state), strict=True)

    def parameter_count(self) -> int:
        """Count the parameters of the four networks; the classifier's, `(Da + Dv + 1) K`, are not among them."""
        return sum(parameter.numel() for parameter in self.model.networks.parameters())
