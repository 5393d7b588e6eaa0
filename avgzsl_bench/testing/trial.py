"""What a method is checked on: a tiny task with random features, and the method with short training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import normalize

from avgzsl_bench.data.datasets.feature_sets import SIMULATED
from avgzsl_bench.execution.random_streams import seed_everything
from avgzsl_bench.gzsl.sequences import Sequences
from avgzsl_bench.gzsl.task import Classes, FeatureDims, Samples, Task, Truth, Videos
from avgzsl_bench.method.base import Method, MethodConfig
from avgzsl_bench.method.registry import method_class, method_spec, needs_of
from avgzsl_bench.method.settings import build_config
from avgzsl_bench.plugins.specs import MethodSpec, Needs

SEEN, UNSEEN, VIDEOS_PER_CLASS = 7, 4, 6
_SHORT = {"epochs": 2, "batches_per_epoch": 3, "batch_size": 12}


@dataclass(frozen=True)
class Trial:
    """A method with short training, and a tiny task that suits it.

    Attributes:
        spec, method: the method as registered, and its class.
        config: its defaults for simulated features, shortened where it has the settings.
        shape, task, device: widths of the features and text embeddings, the task, and the device of its tensors.
    """

    spec: MethodSpec
    method: type[Method]
    config: MethodConfig
    shape: FeatureDims
    task: Task
    device: torch.device

    @classmethod
    def of(cls, method: str | MethodSpec, device: str = "cpu") -> Trial:
        """Make the trial of a registered method (by name) or of any spec.

        Raises:
            UnknownNameError: no method of that name is registered.
            PluginError: its class cannot be imported or does not keep to the contract.
        """
        spec = method_spec(method) if isinstance(method, str) else method
        target = method_class(spec)
        known = target.Config.model_fields
        short = {key: value for key, value in _SHORT.items() if key in known}
        config = build_config(spec, target.Config, "ucf", SIMULATED, short)
        shape = tiny_dims(needs_of(spec, config))
        place = torch.device(device)
        return cls(spec, target, config, shape, tiny_task(shape, place), place)

    def on(self, shape: FeatureDims) -> Trial:
        """Make the same trial on features of other widths."""
        return replace(self, shape=shape, task=tiny_task(shape, self.device))

    def factory(self, seed: int = 0) -> Callable[[Task], Method]:
        """Give a function that builds the method for a task."""
        return lambda task: self.method(self.config, self.shape, task.classes, seed=seed, device=self.device)

    def build(self) -> Method:
        """Build the method, untrained, seeded as the harness does."""
        seed_everything(0)
        return self.factory()(self.task)

    def trained(self) -> Method:
        """Build the method and train it for one epoch."""
        method = self.build()
        method.train_epoch(self.task.train)
        return method


def tiny_dims(needs: Needs) -> FeatureDims:
    """Choose widths of a feature set that has what a method needs: equal only where they lie in a joint space."""
    widths = {"audio": 9, "visual": 11}
    if len(set(needs.joint.values())) < len(needs.joint):  # one encoder of texts for both
        widths["audio"] = widths["visual"]
    joint = {encoder: widths[modality] for modality, encoder in needs.joint.items()}
    others = needs.text if needs.text or joint else ("text",)
    text = dict.fromkeys((*others, *needs.added_text), 8) | joint
    return FeatureDims(**widths, text=text, sequences=needs.sequences != "none")


def tiny_task(shape: FeatureDims, device: torch.device) -> Task:
    """Make a task with `SEEN + UNSEEN` classes in mixed order and a few noisy videos of each."""
    generator = torch.Generator().manual_seed(7)

    def normal(*size: int) -> Tensor:
        return torch.randn(size, generator=generator)

    count = SEEN + UNSEEN
    seen = torch.ones(count, dtype=torch.bool)
    seen[torch.randperm(count, generator=generator)[:UNSEEN]] = False
    text = {encoder: normalize(normal(count, width)) for encoder, width in shape.text.items()}
    meaning = torch.cat(list(text.values()), dim=1)
    audio_map, visual_map = normal(shape.text_width, shape.audio), normal(shape.text_width, shape.visual)

    def videos(label: Tensor) -> Videos:
        audio = (meaning[label] @ audio_map + 0.3 * normal(len(label), shape.audio)).to(device)
        visual = (meaning[label] @ visual_map + 0.3 * normal(len(label), shape.visual)).to(device)
        if not shape.sequences:
            return Videos(audio, visual)
        return Videos(
            audio, visual, _steps_around(audio, 3, 0.96, generator), _steps_around(visual, 5, 0.64, generator)
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


def _steps_around(mean: Tensor, most: int, seconds: float, generator: torch.Generator) -> Sequences:
    """Make sequences of up to `most` steps with given means, `[N, D]`; one video has all `most` steps."""
    length = torch.randint(1, most + 1, (len(mean),), generator=generator)
    length[0] = most
    owner = torch.arange(len(mean)).repeat_interleave(length).to(mean.device)
    wander = 0.3 * torch.randn((len(owner), mean.shape[1]), generator=generator).to(mean.device)
    drift = torch.zeros_like(mean).index_add_(0, owner, wander) / length.to(mean.device).unsqueeze(1)
    return Sequences(
        values=mean[owner] + wander - drift[owner],
        first=(length.cumsum(0) - length).to(mean.device),
        length=length.to(mean.device),
        longest=most,
        seconds=seconds,
    )
