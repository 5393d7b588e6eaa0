"""Planning a run: from names to objects, or to one line that says what is wrong with them."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from avgzsl_bench.data.added_texts import find_added_text
from avgzsl_bench.data.benchmark import find_store, shape_of
from avgzsl_bench.data.datasets.registry import known_dataset
from avgzsl_bench.data.store.installed import data_root as resolve_data_root
from avgzsl_bench.data.store.split_hash import split_hash_of
from avgzsl_bench.errors import ConfigError, RecordError
from avgzsl_bench.method.precision import Precision, checked_precision, require_device
from avgzsl_bench.method.registry import method_class, method_spec, provider
from avgzsl_bench.method.settings import build_config, presets
from avgzsl_bench.records.record import run_id_of
from avgzsl_bench.records.verify import verify
from avgzsl_bench.system.device import choose_device
from avgzsl_bench.system.files import require_writable

if TYPE_CHECKING:
    import torch

    from avgzsl_bench.data.datasets.facts import Dataset
    from avgzsl_bench.data.store.added_text import AddedText
    from avgzsl_bench.data.store.store import StoreHeader
    from avgzsl_bench.gzsl.task import FeatureDims, Task
    from avgzsl_bench.method.base import Method, MethodConfig
    from avgzsl_bench.plugins.specs import MethodSpec
    from avgzsl_bench.records.record import Record

MAX_SEED = 2**32 - 1


@dataclass(frozen=True)
class Plan:
    """A run that can work, before anything is trained. `dataclasses.replace` gives it another seed.

    Attributes:
        spec, method: the method as registered, and its class.
        config: its full configuration; `changed` holds what differs from its defaults here.
        preset: the preset that the configuration is the same as, however it was asked for; None without one.
        dataset, store, split: what it runs on.
        split_hash: tells the split, and what a source-disjoint view leaves out, from every other.
        added: texts of the dataset that the method asks for and that are there.
        seed, device: of the run.
        precision: of its training.
        out: folder of the results.
    """

    spec: MethodSpec
    method: type[Method]
    config: MethodConfig
    changed: Mapping[str, Any]
    preset: str | None
    dataset: Dataset
    store: StoreHeader
    added: tuple[AddedText, ...]
    split: str
    split_hash: str
    seed: int
    device: torch.device
    precision: Precision
    out: Path

    @property
    def distribution(self) -> tuple[str, str]:
        """Distribution and version that brought the method."""
        status = provider(self.spec)
        return (status.distribution, status.version) if status else ("", "")

    @property
    def settings(self) -> dict[str, Any]:
        """The full configuration as plain values."""
        return self.config.model_dump(mode="json")

    @property
    def added_text(self) -> dict[str, str]:
        """Fingerprint of each added text."""
        return {text.name: text.fingerprint for text in self.added}

    @property
    def path(self) -> Path:
        """Where the record goes; its name tells this run from every other."""
        name = run_id_of(
            method=self.spec.name,
            distribution=self.distribution,
            config=self.settings,
            dataset=self.dataset.name,
            features=self.store.features,
            fingerprint=self.store.fingerprint,
            split_hash=self.split_hash,
            added_text=self.added_text,
            precision=self.precision,
            seed=self.seed,
        )
        return self.out / self.dataset.name / self.store.features / self.split / self.spec.name / f"{name}.json"

    def build(self, shape: FeatureDims, task: Task) -> Method:
        """The method, untrained, for a task on features of a shape."""
        return self.method(self.config, shape, task.classes, seed=self.seed, device=self.device)

    def finished(self) -> Record | None:
        """The record, if this very run was finished before.

        Raises:
            RecordError: there is one, and it is damaged, altered or of another run.
        """
        if not self.path.exists():
            return None
        try:
            record = verify(self.path)
            self._require_same(record)
        except RecordError as error:
            raise RecordError(f"{error}; run it again with --force") from error
        return record

    def _require_same(self, record: Record) -> None:
        expected = {
            "run_id": (record.run_id, self.path.stem),
            "seed": (record.seed, self.seed),
            "method.name": (record.method.name, self.spec.name),
            "method.config": (record.method.config, self.settings),
            "data.dataset": (record.data.dataset, self.dataset.name),
            "data.features": (record.data.features, self.store.features),
            "data.split": (record.data.split, self.split),
            "data.split_hash": (record.data.split_hash, self.split_hash),
            "data.fingerprint": (record.data.fingerprint, self.store.fingerprint),
            "data.added_text": (record.data.added_text, self.added_text),
            "precision": (record.precision, self.precision),
        }
        for field, (found, wanted) in expected.items():
            if found != wanted:
                raise RecordError(f"{self.path}: altered: {field} is {found!r}, its place is that of {wanted!r}")


def plan_run(
    method: str,
    dataset: str,
    *,
    features: str = "auto",
    split: str = "cls",
    seed: int = 0,
    settings: Mapping[str, Any] | None = None,
    preset: str | None = None,
    device: str | None = "auto",
    precision: str = "full",
    data_root: Path | str | None = None,
    out: Path | str = "results",
) -> Plan:
    """Turn names into a plan, or say what is wrong with them. Nothing is written but simulated features.

    Without a device the plan is of a run that another machine carries out, whose devices are not known here.

    Raises:
        AvbenchError: a name, setting or value that does not work, data that is missing or damaged, or an
            output folder that cannot be written to.
    """
    spec = method_spec(method)
    root = resolve_data_root(Path(data_root) if data_root is not None else None)
    facts = known_dataset(dataset, root)
    facts.facts(split)
    number = _checked_seed(seed)
    place = choose_device(device or "cpu")
    target = method_class(spec)
    computed = checked_precision(spec.name, precision, target)
    if device is not None:
        require_device(computed, place)
    overrides = dict(settings or {})
    # Before simulated features may be made: a setting that is wrong for one feature set is wrong for all.
    build_config(spec, target.Config, dataset, features, overrides, preset)
    require_writable(Path(out))
    store = find_store(facts, features, split, root, spec.needs)
    config = build_config(spec, target.Config, dataset, store.features, overrides, preset)
    added = find_added_text(root, facts, store, target.added_text(config, spec.needs.added_text))
    target.check(config, shape_of(store, spec.needs, added))
    full = config.model_dump(mode="json")

    def settings_of(name: str | None) -> dict[str, Any]:
        return build_config(spec, target.Config, dataset, store.features, {}, name).model_dump(mode="json")

    default = settings_of(None)
    return Plan(
        spec=spec,
        method=target,
        config=config,
        changed={key: value for key, value in full.items() if value != default[key]},
        preset=next((name for name in presets(spec) if settings_of(name) == full), None),
        dataset=facts,
        store=store,
        added=added,
        split=split,
        split_hash=split_hash_of(store, facts, split),
        seed=number,
        device=place,
        precision=computed,
        out=Path(out),
    )


def _checked_seed(seed: int) -> int:
    """The seed as a plain integer, whatever integer type it came in."""
    try:
        number = operator.index(seed)
    except TypeError as error:
        raise ConfigError(f"seed {seed!r}: must be a whole number") from error
    if isinstance(seed, bool) or not 0 <= number <= MAX_SEED:
        raise ConfigError(f"seed {seed!r}: must be 0 to {MAX_SEED}")
    return number
