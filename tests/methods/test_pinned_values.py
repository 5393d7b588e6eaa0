"""Figures do not change unnoticed: a few numbers of each method, as they were when they were pinned."""

from __future__ import annotations

import pinned_values
import pytest
import torch
from pinned_values import SINGLE, SINGLE_TOLERANCE, TOLERANCE, differences, own_methods, pinned, values_of

import avgzsl_bench as ab
from avgzsl_bench.method.registry import method_spec
from avgzsl_bench.records.run_spec import NUMERICS
from avgzsl_bench.testing.trial import Trial

OURS = own_methods()
ADVICE = """numbers of {name} changed:
{lines}
If it was on purpose: where the harness or what methods share changed, raise NUMERICS in
avgzsl_bench/records/run_spec.py (a change of the method's own code changes its hash by itself); then make the
pinned values anew with: python tests/support/pinned_values.py"""


def require_pinned(spec: ab.MethodSpec) -> None:
    tolerance = SINGLE_TOLERANCE if spec.name in SINGLE else TOLERANCE
    lines = differences(values_of(spec), pinned()["methods"][spec.name], tolerance)
    if lines:
        pytest.fail(ADVICE.format(name=spec.name, lines="\n".join(lines)), pytrace=False)


@pytest.mark.parametrize("spec", OURS, ids=lambda spec: spec.name)
def test_losses_and_scores_after_a_few_steps_are_the_pinned_ones(spec: ab.MethodSpec) -> None:
    require_pinned(spec)


def test_every_method_is_pinned_with_the_numerics_of_now() -> None:
    assert set(pinned()["methods"]) == {spec.name for spec in OURS}
    assert pinned()["numerics"] == NUMERICS, ADVICE.format(name="the harness", lines="")


def test_a_change_of_what_methods_share_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    step = torch.optim.Adam.step

    def slower(self: torch.optim.Adam, *arguments: object) -> object:
        for group in self.param_groups:
            group["lr"] *= 1 - 1e-3
        return step(self, *arguments)

    monkeypatch.setattr(torch.optim.Adam, "step", slower)
    with pytest.raises(pytest.fail.Exception, match=r"raise NUMERICS in\n.*make the\npinned values anew"):
        require_pinned(method_spec("devise"))


def test_rounding_is_no_change_and_other_names_and_numbers_are() -> None:
    then = {"loss total": [2.0, 1.0], "bias": [0.1], "scores": [10.0, 0.0]}
    assert differences({"loss total": [2.0 + 1e-7, 1.0], "bias": [0.1 + 1e-7], "scores": [10.0, 1e-6]}, then) == []
    (line,) = differences(then | {"loss total": [2.0, 1.0 + 1e-5]}, then)
    assert line.startswith("loss total[1]: 1.00001, pinned is 1.0")
    assert "there are" in differences(then | {"loss other": [1.0]}, then)[0]
    assert "3 values" in differences(then | {"scores": [10.0, 0.0, 1.0]}, then)[0]


def test_the_pinned_numbers_are_those_of_double_precision(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []
    of = Trial.of
    monkeypatch.setattr(pinned_values.Trial, "of", lambda spec: seen.append(torch.get_default_dtype()) or of(spec))
    values_of(method_spec("devise"))
    assert (seen, torch.get_default_dtype()) == ([torch.float64], torch.float32)
