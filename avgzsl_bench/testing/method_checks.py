"""`check_method`: what every method must keep to, for its author to check."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from avgzsl_bench.data.datasets.feature_sets import SIMULATED
from avgzsl_bench.errors import AvbenchError, ConfigError
from avgzsl_bench.method.settings import build_config
from avgzsl_bench.method.torch_method import TorchConfig
from avgzsl_bench.plugins.specs import MethodSpec
from avgzsl_bench.testing.checking import require, run_checks
from avgzsl_bench.testing.score_checks import (
    check_class_order,
    check_open_vocabulary,
    check_reads_features_only,
    check_score_shape,
    check_scorer,
    check_scoring_changes_nothing,
    check_video_order,
)
from avgzsl_bench.testing.training_checks import (
    check_learning_rate,
    check_precisions,
    check_protocol,
    check_resumable,
    check_same_seed,
    check_seeds_together,
    check_state_dict,
    check_training,
)
from avgzsl_bench.testing.trial import Trial


def check_configuration(trial: Trial) -> None:
    """Require settings with types and descriptions, and that an unknown one is refused."""
    own = set(trial.method.Config.model_fields) - set(TorchConfig.model_fields)
    undescribed = sorted(name for name in own if not trial.method.Config.model_fields[name].description)
    require(not undescribed, f"settings without a description: {', '.join(undescribed)}")
    try:
        build_config(trial.spec, trial.method.Config, "ucf", SIMULATED, {"no_such_setting": 1})
    except AvbenchError:
        return
    raise AssertionError("an unknown setting was accepted")


def check_without_what_is_optional(trial: Trial) -> None:
    """Require that the method works without optional sequences and added texts, or refuses with a reason."""
    needs = trial.spec.needs
    text = {encoder: width for encoder, width in trial.shape.text.items() if encoder not in needs.added_text}
    shape = replace(trial.shape, text=text, sequences=needs.sequences == "required")
    try:
        trial.method.check(trial.config, shape)
    except ConfigError:
        return
    check_score_shape(trial.on(shape))


CHECKS: tuple[Callable[[Trial], None], ...] = (
    check_configuration,
    check_training,
    check_score_shape,
    check_scoring_changes_nothing,
    check_video_order,
    check_class_order,
    check_open_vocabulary,
    check_same_seed,
    check_state_dict,
    check_resumable,
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
        device: device on which it is trained and scored.

    Raises:
        AssertionError: a rule is broken; the message names the method, the check and the rule.
        UnknownNameError: no method of that name is registered.
        PluginError: its class cannot be imported or could not be built.
    """
    trial = Trial.of(method, device)
    run_checks(f"method {trial.spec.name}", CHECKS, trial)
