"""A method in training, with the random stream of its dropout, and which methods can be stacked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor, nn

from avgzsl_bench.execution.random_streams import seed_everything
from avgzsl_bench.execution.seeds.dropout import SeedsDropout, global_stream
from avgzsl_bench.execution.stages import MethodFactory
from avgzsl_bench.gzsl.task import Samples, Task
from avgzsl_bench.method.base import Method
from avgzsl_bench.method.torch_method import TorchMethod

TOLERANCE = 1e-2
"""How far the losses of an epoch, and in the mean the scores after it, of a seed trained together with others may
be from those of the same seed alone, over the largest of them: in single precision, after a few steps. Rounding is
all that differs, which in double precision is below 1e-9; but Adam makes steps of full size of gradients that are
rounding alone, such as those of a bias before batch normalisation. After many steps two trainings of a seed, alone
and together, are as far apart as on two devices."""

_INHERITED = ("train_epoch", "train_step", "after_validation", "learning_rate", "checked_losses")
_OPTIMIZERS = (torch.optim.SGD, torch.optim.Adam, torch.optim.AdamW)


def trains_together(method: type[Method]) -> bool:
    """Whether seeds of a method may be stacked: it announces it, and trains as `TorchMethod` does."""
    return (
        issubclass(method, TorchMethod)
        and method.seeds_together
        and all(getattr(method, name) is getattr(TorchMethod, name) for name in _INHERITED)
    )


def obstacle(method: TorchMethod, seeds: Sequence[TorchMethod], train: Samples) -> str | None:
    """Find what keeps `seeds` of a method that `trains_together`, and one more, from being stacked (or None)."""
    if train.videos.audio_steps is not None or train.videos.visual_steps is not None:
        return "it reads sequences"
    if type(method.optimizer) not in _OPTIMIZERS:
        return f"its optimiser is {type(method.optimizer).__name__}"
    if method.optimizer._optimizer_step_pre_hooks or method.optimizer._optimizer_step_post_hooks:
        return "its optimiser has hooks, which would see all seeds at once"
    own = {id(parameter) for parameter in method.module.parameters()}
    if any(id(p) not in own for group in method.optimizer.param_groups for p in group["params"]):
        return "it trains parameters outside its module"
    loose, others = _loose(method), [_loose(one) for one in seeds]
    for name, value in loose.items():
        if not all(name in other and torch.equal(other[name], value) for other in others):
            return f"{name} differs from seed to seed, and is no parameter and no buffer"
    return None


def _loose(method: TorchMethod) -> dict[str, Tensor]:
    """Find the tensors of a method that are neither parameters nor buffers of its module, by name."""
    parts = {f"module.{path}" if path else "module": part for path, part in method.module.named_modules()}
    inside = set(parts.values())
    found = {}
    for path, part in (("self", method), *parts.items()):
        for name, value in vars(part).items():
            if isinstance(value, Tensor):
                found[f"{path}.{name}"] = value
            elif isinstance(value, nn.Module) and value not in inside:
                found |= {f"{path}.{name}.{key}": tensor for key, tensor in value.state_dict().items()}
    return found


@dataclass(frozen=True)
class Learner:
    """A method, untrained, and the stream that its dropout draws from in a stack."""

    method: TorchMethod
    stream: Generator

    @classmethod
    def built(cls, factory: MethodFactory, task: Task, seed: int) -> Learner:
        """Build a method as each stage does."""
        seed_everything(seed)
        method = factory(task)
        assert isinstance(method, TorchMethod), "only these train together"
        return cls(method, global_stream(seed, method.device))

    def train_epoch(self, train: Samples) -> Mapping[str, float]:
        """Train alone, with the dropout masks that the learner would have in a stack."""
        with SeedsDropout([self.stream], torch.zeros(())):
            return self.method.train_epoch(train)
