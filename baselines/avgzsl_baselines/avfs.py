"""AVFS, a reconstruction: features of unseen classes are generated, and a classifier learns all classes.

Zheng, Hong, Farazi: "A Generative Approach to Audio-Visual Generalized Zero-Shot Learning: Combining Contrastive
and Discriminative Techniques", IJCNN 2023, doi 10.1109/IJCNN54540.2023.10191705.

No program was published and the paper's text was not available. What is taken from the paper is its title: a
generative approach that combines a contrastive with a discriminative objective. Everything else is our reading
of that title, put together from methods of image classification: a conditional Wasserstein GAN makes audio-visual
features from class texts and a softmax classifier learns from real videos of seen and generated ones of unseen
classes (f-CLSWGAN: Xian, Lorenz, Schiele, Akata, CVPR 2018); an embedding is trained with a contrastive objective
between videos and a discriminative one between videos and class texts, both of which shape the generator, too
(CE-GZSL: Han, Fu, Chen, Yang, CVPR 2021). Whether the authors generate features or embeddings, with a GAN or a
VAE, both modalities at once or not, what they contrast with what, how they classify, whether they calibrate, and
every number are unknown. Figures of this program are those of "AVFS (reconstruction)", never of AVFS.

In the docstrings `B` is the batch, `C` the classes trained on, `K` all classes of the task, `Dx = Dv + Da`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avgzsl_baselines.families.avfs_losses import FeatureBatch, critic_losses, embedding_losses, generator_losses
from avgzsl_baselines.families.avfs_networks import AVFSNetworks, Embedding, Generator, SemanticScorer, joined
from avgzsl_baselines.families.class_columns import class_columns
from avgzsl_baselines.families.wasserstein import Critic, small_normal, update
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
"""Videos taken at a time outside of training steps, so that memory stays bounded whatever their number."""

GAN_BETAS = (0.5, 0.999)
"""Of Adam for critic, generator and classifier; the embedding and the scorer have PyTorch's."""


class AVFSConfig(MethodConfig):
    """Settings of the reconstruction; all values are our choice."""

    score: Literal["classifier", "semantic", "sum"] = Field(
        "classifier",
        description="log-probabilities to score with: the classifier's, the semantic scorer's, which needs no "
        "generator, or their sum",
    )
    contrastive: bool = Field(True, description="the contrastive objective between videos")
    discriminative: bool = Field(
        True, description="the discriminative objective between videos and class texts, and with it the scorer"
    )
    generator: bool = Field(True, description="generate features; without, only score=semantic can score")
    batch_size: int = Field(64, ge=2, description="videos per batch")
    batches_per_epoch: int = Field(300, ge=1, description="batches per epoch")
    learning_rate: float = Field(1e-4, gt=0, description="learning rate of critic and generator")
    embedding_learning_rate: float = Field(1e-4, gt=0, description="learning rate of embedding and scorer")
    critic_steps: int = Field(5, ge=1, description="critic steps for each generator step")
    penalty_weight: float = Field(10.0, ge=0, description="weight of the gradient penalty")
    contrastive_weight: float = Field(0.01, ge=0, description="weight of the contrastive loss on the generator")
    discriminative_weight: float = Field(
        0.01, ge=0, description="weight of the discriminative loss on the generator"
    )
    contrastive_temperature: float = Field(0.1, gt=0, description="temperature of the contrastive loss")
    scorer_temperature: float = Field(0.1, gt=0, description="temperature of the semantic scorer")
    synthetic_per_class: int = Field(200, ge=1, description="generated videos for each unseen class")
    classifier_steps: int = Field(2000, ge=1, description="steps of the classifier, which is trained every epoch")
    classifier_batch_size: int = Field(256, ge=1, description="videos, real and generated, a step")
    classifier_learning_rate: float = Field(1e-3, gt=0, description="learning rate of the classifier")
    noise_width: int = Field(300, ge=1, description="width of the generator's noise")
    generator_width: int = Field(1024, ge=1, description="hidden width of the generator")
    critic_width: int = Field(1024, ge=1, description="hidden width of the critic")
    hidden_width: int = Field(512, ge=1, description="width of the embedding h that is scored and classified")
    projection_width: int = Field(128, ge=1, description="width of the projection q that is contrasted")
    scorer_width: int = Field(256, ge=1, description="width of the space where videos and texts are compared")


class AVFS(Method[AVFSConfig]):
    """The reconstruction. Every epoch, of both stages, ends with a classifier trained anew: scoring only reads.

    Class texts are those of all text encoders side by side, of unit norm. Initial weights, noise and the
    penalty's places come from torch's global generator, batches from samplers with the run's seed.
    """

    precisions: ClassVar[tuple[Precision, ...]] = ("full", "tf32")
    """The gradient of the penalty is a second derivative, which autocast is not made for."""

    def __init__(
        self, config: AVFSConfig, shape: FeatureDims, classes: Classes, *, seed: int, device: torch.device
    ) -> None:
        super().__init__(config, shape, classes, seed=seed, device=device)
        self.check(config, shape)
        self.text = F.normalize(classes.embedding(), dim=1)
        self._seen = classes.seen.nonzero().squeeze(1)
        self._unseen = (~classes.seen).nonzero().squeeze(1)
        self.train_text = self.text[self._seen]
        self._column = {name: column for column, name in enumerate(classes.names)}
        self.module = self._build().to(device)
        of_embedding = [self.module.embedding, self.module.scorer]
        self.critic_optimizer = self._adam([self.module.critic], config.learning_rate, GAN_BETAS)
        self.generator_optimizer = self._adam([self.module.generator], config.learning_rate, GAN_BETAS)
        self.embedding_optimizer = self._adam(of_embedding, config.embedding_learning_rate, (0.9, 0.999))
        self._batches_done = 0
        self._sampler: ClassBalancedSampler | None = None
        self._classifier_sampler: ClassBalancedSampler | None = None

    @classmethod
    def check(cls, config: AVFSConfig, shape: FeatureDims) -> None:
        """Refuse switches that leave nothing to score with."""
        score = config.score
        if not config.generator and not config.discriminative:
            raise ConfigError("generator=false and discriminative=false leave nothing to score with; keep one")
        if score != "semantic" and not config.generator:
            raise ConfigError(
                f"score={score} needs generated videos to learn unseen classes from, and generator=false makes "
                "none; set score=semantic"
            )
        if score != "classifier" and not config.discriminative:
            raise ConfigError(
                f"score={score} needs the semantic scorer, which discriminative=false leaves out; "
                "set score=classifier"
            )

    def _build(self) -> AVFSNetworks:
        config, hidden = self.config, self.config.hidden_width
        inputs, text = self.shape.visual + self.shape.audio, self.shape.text_width
        encoded, projected = inputs, config.projection_width if config.contrastive else None
        generator = critic = embedding = scorer = classifier = None
        if config.generator:
            generator = Generator(self.shape, config.noise_width, config.generator_width)
            critic = Critic(inputs + text, config.critic_width)
        if config.contrastive or config.discriminative:
            encoded, embedding = hidden, Embedding(inputs, hidden, projected)
        if config.discriminative:
            scorer = SemanticScorer(hidden, text, config.scorer_width, config.scorer_temperature)
        if config.score != "semantic":
            classifier = nn.Linear(encoded, len(self.classes))
            small_normal(classifier)
        return AVFSNetworks(
            generator=generator, critic=critic, embedding=embedding, scorer=scorer, classifier=classifier
        )

    def _adam(
        self, modules: Iterable[nn.Module | None], learning_rate: float, betas: tuple[float, float]
    ) -> torch.optim.Adam | None:
        """Make Adam for the modules that are there; None if none is."""
        parameters = [p for module in modules if module is not None for p in module.parameters()]
        fused = self.device.type in ("cpu", "cuda")
        return torch.optim.Adam(parameters, lr=learning_rate, betas=betas, fused=fused) if parameters else None

    def train_epoch(self, train: Samples) -> Mapping[str, float]:
        """Train on `batches_per_epoch` class-balanced batches, then the classifier; return the mean of each loss.

        The generator makes a step after every `critic_steps`-th batch of the whole training.
        """
        if self._sampler is None:
            self._sampler = ClassBalancedSampler(train.label, seed=self.seed)
        given: dict[str, list[Tensor]] = {}
        for index in self._sampler.draw(self.config.batches_per_epoch, self.config.batch_size):
            videos, label = train.videos.take(index), train.label[index]
            features = joined(videos.visual, videos.audio)
            for name, value in self.train_step(FeatureBatch(features, self.train_text[label], label)).items():
                given.setdefault(name, []).append(value)
        means = {name: torch.stack(values).mean() for name, values in given.items()}
        if self.module.classifier is not None:
            means["classifier"] = self._train_classifier(self.module.classifier, train)
        return dict(zip(means, torch.stack(list(means.values())).tolist(), strict=True))

    def train_step(self, batch: FeatureBatch) -> Mapping[str, Tensor]:
        """Update critic, embedding, scorer and, when due, generator; return the losses before each, detached."""
        generator, size = self.module.generator, len(batch.label)
        losses: dict[str, Tensor] = {}
        if generator is not None:
            with torch.no_grad():
                fake = generator.sample(batch.text)
            losses |= self.critic_step(batch, fake, torch.rand(size, device=fake.device, dtype=fake.dtype))
        losses |= self.embedding_step(batch)
        self._batches_done += 1
        if generator is not None and self._batches_done % self.config.critic_steps == 0:
            losses |= self.generator_step(batch, generator.sample(batch.text))
        return {name: value.detach() for name, value in losses.items()}

    def critic_step(self, batch: FeatureBatch, fake: Tensor, alpha: Tensor) -> Mapping[str, Tensor]:
        """Update D on `L_D`; see `critic_losses`."""
        assert self.module.critic is not None
        assert self.critic_optimizer is not None
        losses = critic_losses(self.module.critic, batch, fake, alpha, penalty_weight=self.config.penalty_weight)
        update(self.critic_optimizer, losses["critic"])
        return losses

    def embedding_step(self, batch: FeatureBatch) -> Mapping[str, Tensor]:
        """Update Em and S on `L_E = L_con + L_dis`, on real videos only, unless both are switched off."""
        if self.embedding_optimizer is None:
            return {}
        losses = embedding_losses(self.module, batch, self.train_text, self.config.contrastive_temperature)
        update(self.embedding_optimizer, torch.stack(list(losses.values())).sum())
        return losses

    def generator_step(self, batch: FeatureBatch, fake: Tensor) -> Mapping[str, Tensor]:
        """Update G on `generator_total`; D, Em and S pass the gradient on and stay as they are.

        `fake` is xf `[B, Dx]` for the texts of the real videos, with the generator's graph.
        """
        assert self.generator_optimizer is not None
        losses = generator_losses(self.module, batch, fake, self.train_text, self.config.contrastive_temperature)
        update(self.generator_optimizer, self.generator_total(losses))
        return losses

    def generator_total(self, losses: Mapping[str, Tensor]) -> Tensor:
        """Compute `L_G`: the adversarial loss and, as far as they are in use, the weighted other two."""
        total = losses["adversarial"]
        if "generated_contrastive" in losses:
            total = total + self.config.contrastive_weight * losses["generated_contrastive"]
        if "generated_discriminative" in losses:
            total = total + self.config.discriminative_weight * losses["generated_discriminative"]
        return total

    def _train_classifier(self, classifier: nn.Linear, train: Samples) -> Tensor:
        """Train Cl anew on all training videos and generated ones of unseen classes; return the mean loss."""
        config = self.config
        generated = self._unseen.repeat_interleave(config.synthetic_per_class)
        label = torch.cat((self._seen[train.label], generated))
        if self._classifier_sampler is None:
            self._classifier_sampler = ClassBalancedSampler(label, seed=self.seed)
        encoded = torch.cat((self._encode(train.videos), self._generate(generated)))
        small_normal(classifier)
        optimizer = self._adam([classifier], config.classifier_learning_rate, GAN_BETAS)
        assert optimizer is not None
        losses = []
        for index in self._classifier_sampler.draw(config.classifier_steps, config.classifier_batch_size):
            loss = F.cross_entropy(classifier(encoded[index]), label[index])
            update(optimizer, loss)
            losses.append(loss.detach())
        return torch.stack(losses).mean()

    @torch.no_grad()
    def _encode(self, videos: Videos) -> Tensor:
        """Encode each video for the classifier, `[N, H]`, in blocks."""
        return videos.mapped(lambda block: self.module.encode(joined(block.visual, block.audio)), BLOCK)

    @torch.no_grad()
    def _generate(self, label: Tensor) -> Tensor:
        """Encode a generated video for each label, int64 `[M]`, positions in all classes."""
        assert self.module.generator is not None
        texts = (self.text[part] for part in torch.split(label, BLOCK))
        return torch.cat([self.module.encode(self.module.generator.sample(text)) for text in texts])

    @torch.inference_mode()
    def score(self, videos: Videos, classes: Classes) -> Tensor:
        """Compute log-probabilities among all classes of the task, for those of `classes`: `[N, K]`, in blocks.

        Raises:
            AvbenchError: a class that is not of the task, so that nothing was learnt of it.
        """
        columns = class_columns(self._column, classes, "AVFS")
        return videos.mapped(
            lambda p: self._log_probabilities(joined(p.visual, p.audio)).index_select(1, columns), BLOCK
        )

    def _log_probabilities(self, features: Tensor) -> Tensor:
        """Of features `[B, Dx]`: `[B, K]` in the task's order of classes."""
        encoded = self.module.encode(features)
        parts = []
        if self.module.classifier is not None:
            parts.append(self.module.classifier(encoded))
        if self.module.scorer is not None and self.config.score != "classifier":
            parts.append(self.module.scorer(encoded, self.text))
        return torch.stack([part.log_softmax(dim=1) for part in parts]).sum(dim=0)

    def state_dict(self) -> dict[str, Tensor]:
        """Return parameters of all networks, the classifier among them."""
        return {name: value.detach().clone() for name, value in self.module.state_dict().items()}

    def load_state_dict(self, state: Mapping[str, Tensor]) -> None:
        """Load parameters of all networks, for the same classes in the same order."""
        self.module.load_state_dict(dict(state), strict=True)

    def parameter_count(self) -> int:
        """Trained parameters but the classifier's, whose number depends on the classes and which starts anew
        every epoch.
        """
        own = 0 if self.module.classifier is None else sum(p.numel() for p in self.module.classifier.parameters())
        return sum(p.numel() for p in self.module.parameters()) - own
