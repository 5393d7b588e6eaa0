"""Planning a run: from names to objects, or to a one-line error."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avgzsl_bench.data.choose import ResolvedData, dataset_named, resolve_data
from avgzsl_bench.errors import ConfigError, PluginError, RecordError, RunError
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.method.code.identity import checkout_of_code, code_of
from avgzsl_bench.method.precision import checked_precision, require_device
from avgzsl_bench.method.registry import method_class, method_spec, needs_of, provider
from avgzsl_bench.method.settings import build_config, presets
from avgzsl_bench.plugins.contained import contained
from avgzsl_bench.records.record import unfinished_path
from avgzsl_bench.records.run_spec import NUMERICS, MethodIdentity, RunSpec
from avgzsl_bench.records.verify import has_weights, verify
from avgzsl_bench.system.device import choose_device
from avgzsl_bench.system.files import require_writable
from avgzsl_bench.system.folders import is_there

if TYPE_CHECKING:
    import torch

    from avgzsl_bench.gzsl.task import FeatureDims, Task
    from avgzsl_bench.method.base import Method, MethodConfig
    from avgzsl_bench.plugins.specs import MethodSpec
    from avgzsl_bench.records.record import Record

MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class Plan:
    """A run that can work, as live objects, before anything is trained.

    Attributes:
        spec: what the run is.
        method: its class.
        config: its configuration.
        data: what it runs on.
        device: where it runs.
        options: as they were chosen; what identifies the run stands in `spec`.
    """

    spec: RunSpec
    method: type[Method]
    config: MethodConfig
    data: ResolvedData
    device: torch.device
    options: RunOptions

    def with_seed(self, seed: int) -> Plan:
        """Plan the same run with another seed."""
        return replace(self, spec=self.spec.model_copy(update={"seed": seed}))

    def with_checkout(self) -> Plan:
        """Plan the same run with the git checkout that its method lies in, which only a run that is made needs."""
        found = checkout_of_code(self.method)
        if found is None:
            return self
        method = self.spec.method.model_copy(update=found._asdict())
        return replace(self, spec=self.spec.model_copy(update={"method": method}))

    @property
    def path(self) -> Path:
        """Path of the record."""
        return self.spec.record_path(self.options.results)

    def build(self, shape: FeatureDims, task: Task) -> Method:
        """Build the method, untrained, for a task on features of a shape."""
        return self.method(self.config, shape, task.classes, seed=self.spec.seed, device=self.device)

    def finished(self) -> Record | None:
        """Return the record if this very run was finished before, and saved if it is to be.

        What an interrupted run would go on from is removed then: a kill just after the record was written leaves
        it.

        Raises:
            RecordError: there is one, and it or its weights are damaged, altered or of another run.
            InaccessibleError: it cannot be known whether there is one.
        """
        if not is_there(self.path):
            return None
        try:
            record = verify(self.path)
            if record.record_path(self.options.results) != self.path:
                place = record.record_path(self.options.results)
                raise RecordError(f"{self.path}: altered: it is the record of {record}, whose place is {place}")
            if self.options.save and not has_weights(self.path, record):
                return None
        except RecordError as error:
            raise RecordError(f"{error}; run it again with --force") from error
        with suppress(OSError):
            unfinished_path(self.path).unlink(missing_ok=True)
        return record


@contained()
def plan_run(method: str, dataset: str, seed: int = 0, options: RunOptions | None = None) -> Plan:
    """Turn names into a plan. Nothing is written but simulated features.

    Args:
        method: name of a registered method, or its title.
        dataset: name of a dataset, or its title.
        seed: of initialisation, batches and dropout.
        options: what else is chosen.

    Raises:
        AvbenchError: a name, setting or value that does not work, data that is missing or damaged, or an
            output folder that cannot be written to.
    """
    options = options or RunOptions()
    registered = method_spec(method)
    number = _checked_seed(seed)
    device = choose_device(options.device or "cpu")
    target = method_class(registered)
    precision = checked_precision(registered.name, options.precision, target.precisions)
    if options.device is not None:
        require_device(precision, device)
    if options.checkpoint_every is not None and not target.resumable:
        raise ConfigError(
            f"method {registered.name!r} keeps no state of its training, so that it cannot go on after an "
            "interruption; run it without --checkpoint-every"
        )

    facts = dataset_named(dataset, options.data_root)

    def config_on(
        feature_set: str, settings: Mapping[str, Any], preset: str | None, like: str | None = None
    ) -> MethodConfig:
        return build_config(registered, target.Config, facts.name, feature_set, settings, preset, like)

    # Before simulated features may be made: a setting that is wrong for one feature set is wrong for all.
    early = config_on(options.features, options.settings, options.preset)
    require_writable(options.results)
    found = resolve_data(
        facts.name,
        options.features,
        options.split,
        root=options.data_root,
        needs=needs_of(registered, early),
        method=registered.name,
    )
    like = found.like
    config = config_on(found.store.features, options.settings, options.preset, like)
    data = found.with_texts(config.text_order, target.added_text(config, registered.needs.added_text))
    target.check(config, data.dims)
    spec = RunSpec(
        method=_identity(
            registered, target, config, lambda preset: config_on(found.store.features, {}, preset, like)
        ),
        data=data.spec,
        seed=number,
        precision=precision,
        numerics=NUMERICS,
    )
    return Plan(spec, target, config, data, device, options)


def plan_of(spec: RunSpec, options: RunOptions) -> Plan:
    """Plan a run that was planned before, here or in another process.

    Args:
        spec: the run.
        options: as they were chosen then, with the device and the folders of here.

    Raises:
        AvbenchError: it cannot be run here, or would be another run.
    """
    same = replace(options, features=spec.data.features, split=spec.data.split)  # either may have been left open
    plan = plan_run(spec.method.name, spec.data.dataset, spec.seed, same)
    if plan.spec.id != spec.id:
        raise RunError(
            f"{spec}: the data or the method changed since the run was planned (it would be {plan.spec.id}, not "
            f"{spec.id}); start again"
        )
    return plan


def _identity(
    registered: MethodSpec,
    target: type[Method],
    config: MethodConfig,
    preset_config: Callable[[str | None], MethodConfig],
) -> MethodIdentity:
    """Identify the method of a run; `preset_config` gives the configuration of a preset, or of none."""
    status = provider(registered)
    full = config.model_dump(mode="json")
    default = preset_config(None).model_dump(mode="json")
    return MethodIdentity(
        name=registered.name,
        title=registered.title,
        follows=registered.follows,
        distribution=status.distribution if status else "",
        version=status.version if status else "",
        config=full,
        changed={key: value for key, value in full.items() if value != default[key]},
        preset=next((name for name in presets(registered) if preset_config(name) == config), None),
        code=_code(registered, target),
    )


def _code(registered: MethodSpec, target: type[Method]) -> str | None:
    try:
        return code_of(target)
    except PluginError as error:
        raise PluginError(f"method {registered.name!r}: {error}") from error


def _checked_seed(seed: int) -> int:
    """Convert the seed to a plain integer, whatever integer type it came in."""
    try:
        number = operator.index(seed)
    except TypeError as error:
        raise ConfigError(f"seed {seed!r}: must be a whole number") from error
    if isinstance(seed, bool) or not 0 <= number <= MAX_SEED:
        raise ConfigError(f"seed {seed!r}: must be 0 to {MAX_SEED}")
    return number
