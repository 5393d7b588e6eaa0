"""Methods of several seeds whose networks are slices of stacked tensors, trained by one step for all."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, vmap

from avgzsl_bench.errors import RunError
from avgzsl_bench.execution.seeds.dropout import SeedsDropout
from avgzsl_bench.execution.seeds.learner import Learner, obstacle
from avgzsl_bench.execution.stages import MethodFactory
from avgzsl_bench.gzsl.task import Samples, Task
from avgzsl_bench.method.sampling import ClassBalancedSampler
from avgzsl_bench.method.torch_method import Batch, TorchMethod, drawn_batches


def stacked(learners: Sequence[Learner], factory: MethodFactory, task: Task) -> Stack:
    """Stack untrained learners whose methods the factory could have built but for the seed.

    Raises:
        RunError: what the method does cannot be done side by side.
    """
    template = factory(task)
    assert isinstance(template, TorchMethod), "only these train together"
    reason = obstacle(template, [learner.method for learner in learners], task.train)
    if reason is not None:
        raise RunError(f"{type(template).__name__}: {reason}")
    return Stack(learners, template, task.train)


class Stack:
    """Learners that train together. Each method goes on to score, and to keep its learning rate, by itself.

    Args:
        learners: `S` of them, untrained, of one class and configuration; their parameters and buffers become
            slices of stacked ones.
        template: one more method of that class and configuration, which is used up: its parameters become the
            stacked ones `[S, ...]`, so that its optimiser, with the groups that the method gave it, updates all.
        train: what all learn from.
    """

    def __init__(self, learners: Sequence[Learner], template: TorchMethod, train: Samples) -> None:
        self._template = template
        self._train = train
        self._methods = [learner.method for learner in learners]
        self._streams = [learner.stream for learner in learners]
        self._samplers = [ClassBalancedSampler(train.label, seed=method.seed) for method in self._methods]
        parts = [_tensors(method.module) for method in self._methods]
        for name, stacked in _tensors(template.module).items():
            stacked.data = torch.stack([own[name].detach() for own in parts])
        self._bind()

    def __len__(self) -> int:
        return len(self._methods)

    def keep(self, positions: Sequence[int]) -> None:
        """Go on with the learners at some positions; the others stay as they are."""
        for position in set(range(len(self))) - set(positions):
            for own in _tensors(self._methods[position].module).values():
                own.data = own.data.clone()  # lest it hold on to what was stacked
        index = torch.tensor(positions, device=self._template.device)
        for stacked in _tensors(self._template.module).values():
            stacked.data, stacked.grad = stacked.data[index], None
        for state in self._template.optimizer.state.values():
            for name, value in state.items():
                if isinstance(value, Tensor) and value.dim():  # the number of steps is every seed's
                    state[name] = value[index]
        self._methods = [self._methods[position] for position in positions]
        self._streams = [self._streams[position] for position in positions]
        self._samplers = [self._samplers[position] for position in positions]
        self._bind()

    def _bind(self) -> None:
        """Make each method's parameters and buffers slices of the stacked ones."""
        stacked = _tensors(self._template.module)
        for position, method in enumerate(self._methods):
            for name, own in _tensors(method.module).items():
                own.data = stacked[name].detach()[position]

    def train_epoch(self) -> list[dict[str, float]]:
        """Train an epoch of each method on its own batches; returns the means of its losses."""
        with warnings.catch_warnings():
            # How much slower an operation without a rule of its own is, is measured.
            warnings.filterwarnings("ignore", message="There is a performance drop")
            return self._train_epoch()

    def _train_epoch(self) -> list[dict[str, float]]:
        template, config = self._template, self._template.config
        for method in (template, *self._methods):
            method.module.train()  # learners too, as alone: a module may do more than note it
        ratios = self._set_learning_rates()
        rates = _learning_rates(template)
        drawn = [sampler.draw(config.batches_per_epoch, config.batch_size) for sampler in self._samplers]
        negatives = None
        if template.negatives:
            pairs = zip(self._samplers, drawn, strict=True)
            negatives = torch.stack([sampler.draw_negatives(own) for sampler, own in pairs], dim=1)
        sums: dict[str, Tensor] = {}
        for batch in drawn_batches(self._train, torch.stack(drawn, dim=1), negatives):
            for name, value in self._step(batch, ratios).items():
                sums[name] = sums[name] + value if name in sums else value
        if _learning_rates(template) != rates:
            raise RunError(f"{type(template).__name__}: its learning rate changes within an epoch")
        means = torch.stack(list(sums.values()), dim=1).div(config.batches_per_epoch).tolist()
        return [dict(zip(sums, own, strict=True)) for own in means]

    def _step(self, batch: Batch, ratios: Sequence[Tensor | None]) -> Mapping[str, Tensor]:
        """One update of all; the losses before it, `[S]` each, detached."""
        template = self._template
        losses = self._side_by_side(template.checked_losses, batch)
        template.optimizer.zero_grad(set_to_none=True)
        total = losses["total"]
        with torch.autocast(template.device.type, enabled=False):  # as in `TorchMethod.train_step`
            total.backward(total.new_ones(len(self)))  # type: ignore[no-untyped-call]
        self._update(ratios)
        if type(template).after_step is not TorchMethod.after_step:
            with torch.no_grad():
                self._side_by_side(self._after_step, batch)
        return {name: value.detach() for name, value in losses.items()}

    def _after_step(self, batch: Batch) -> dict[str, Tensor]:
        """Call the template's `after_step`, which returns nothing."""
        self._template.after_step(batch)
        return {}

    def _side_by_side(self, call: Callable[[Batch], Mapping[str, Tensor]], batch: Batch) -> Mapping[str, Tensor]:
        """Evaluate the template's `call` with each seed's parameters and buffers on its own batch."""
        network = _Called(self._template.module, call, self._streams)

        def one(tensors: dict[str, Tensor], seed: Tensor, own: tuple[Tensor, ...]) -> Any:
            given = dict(tensors)
            found = functional_call(network, tensors, (seed, own))  # writes what it replaces to `tensors`
            replaced = [name for name, tensor in given.items() if tensors[name] is not tensor]
            if replaced:
                raise RunError(f"{replaced[0]} is replaced, rather than changed in place")
            return found

        numbers = torch.arange(len(self), device=self._template.device)
        found: Mapping[str, Tensor] = vmap(one)(_tensors(network), numbers, _packed(batch))
        return found

    def _set_learning_rates(self) -> list[Tensor | None]:
        """Give each group of the optimiser the largest of the seeds' rates.

        Returns:
            For each group the seeds' rates over that, `[S]`; None where they are all the same.
        """
        ratios: list[Tensor | None] = []
        for number, group in enumerate(self._template.optimizer.param_groups):
            rates = [float(method.optimizer.param_groups[number]["lr"]) for method in self._methods]
            group["lr"] = max(rates)
            same = min(rates) == max(rates)
            ratios.append(None if same else torch.tensor(rates, device=self._template.device) / max(rates))
        return ratios

    @torch.no_grad()
    def _update(self, ratios: Sequence[Tensor | None]) -> None:
        """Take the optimiser's step; where rates differ, each seed goes only its share of the way."""
        optimizer = self._template.optimizer
        uneven = [
            (parameter, parameter.clone(), ratio)
            for group, ratio in zip(optimizer.param_groups, ratios, strict=True)
            for parameter in group["params"]
            if ratio is not None
        ]
        optimizer.step()
        for parameter, before, ratio in uneven:
            share = ratio.to(parameter.dtype).view(-1, *[1] * (parameter.dim() - 1))
            parameter.copy_(torch.lerp(before, parameter, share))


class _Called(nn.Module):
    """A function that uses a module, as a module of its own, so that parameters can be put in their place."""

    def __init__(
        self,
        module: nn.Module,
        call: Callable[[Batch], Mapping[str, Tensor]],
        streams: Sequence[torch.Generator],
    ) -> None:
        super().__init__()
        self.module = module
        self._call = call
        self._streams = streams

    def forward(self, seed: Tensor, own: tuple[Tensor, ...]) -> dict[str, Tensor]:
        """Evaluate the function of a batch."""
        with SeedsDropout(self._streams, seed):
            return dict(self._call(_unpacked(own)))


def _learning_rates(method: TorchMethod) -> list[float]:
    return [float(group["lr"]) for group in method.optimizer.param_groups]


def _tensors(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name, each once."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def _packed(batch: Batch) -> tuple[Tensor, ...]:
    """Flatten a batch of vectors into its tensors."""
    own = (batch.audio, batch.visual, batch.label)
    return own if batch.negative is None else (*own, *_packed(batch.negative))


def _unpacked(tensors: tuple[Tensor, ...]) -> Batch:
    """Rebuild the batch."""
    audio, visual, label, *negative = tensors
    return Batch(audio, visual, label, _unpacked(tuple(negative)) if negative else None)
