"""Released weights: entries by name, files of both formats, and attacks by them."""

from __future__ import annotations

import argparse
import copy
import os
import pickle
import signal
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import tiny_method
import torch
from method_lists import NOT_BY_GRADIENT
from tiny_method import SPEC, Tiny, official_state

import avgzsl_bench as ab
from avgzsl_bench.data.datasets.feature_sets import PUBLISHED
from avgzsl_bench.errors import CheckpointError, ConfigError, UnknownNameError
from avgzsl_bench.method.registry import list_methods, method_class
from avgzsl_bench.method.settings import build_config, presets
from avgzsl_bench.method.state_dict import Names
from avgzsl_bench.records.released_weights import load_official, official_origin, read_official
from avgzsl_bench.testing.trial import tiny_task

CPU = torch.device("cpu")


def message(error: pytest.ExceptionInfo[BaseException]) -> str:
    text = str(error.value)
    assert "\n" not in text
    return text


@pytest.fixture(scope="module")
def simulated_task():
    return tiny_task(ab.FeatureDims(128, 256, {"hashed": 300}), CPU)


def assert_scores(method, state, task, shift=0.0):
    """Compare a method's scores with those of the tiny method's released weights, computed by plain functions."""
    x = torch.cat([task.videos.audio, task.videos.visual], dim=1) @ state["enc.weight"].T + state["enc.bias"]
    x = (x - state["enc.bn.running_mean"]) / (state["enc.bn.running_var"] + 1e-5).sqrt()
    x = x * state["enc.bn.weight"] + state["enc.bn.bias"] + shift
    w = task.classes.embedding() @ state["W.weight"].flatten(1).T
    expected = -(x[:, None] - w[None]).norm(dim=2)
    torch.testing.assert_close(method.score(task.videos, task.classes), expected, rtol=1e-4, atol=1e-4)


def test_released_weights_give_a_ready_method(simulated_task):
    state = official_state()
    method = load_official(SPEC, state)
    assert isinstance(method, Tiny)
    assert (method.config.hidden, method.config.shift) == (6, 0.0)
    assert (method.config.text_order, method.config.calibration) == ("official", "avca")
    assert (method.shape.audio, method.shape.visual, method.shape.text) == (128, 256, {"word2vec": 300})
    assert int(method.state_dict()["norm.num_batches_tracked"]) == 0
    assert_scores(method, state, simulated_task)


def test_load_official_is_public(register):
    register(tiny_method.Plugin())
    assert ab.load_official is load_official
    assert isinstance(ab.load_official("tiny", official_state()), Tiny)


def prefixed(state, prefix):
    return {prefix + name: value for name, value in state.items()}


@pytest.mark.parametrize(
    "wrap",
    [
        lambda state: OrderedDict(state),
        lambda state: {f"module.{name}": value for name, value in state.items()},
        lambda state: {"epoch": 7, "model": state, "optimizer": {"state": {}}, "metric": "score"},
        lambda state: {"model": {f"module.{name}": value for name, value in state.items()}},
        lambda state: {**state, "enc.bn.num_batches_tracked": torch.tensor(300)},
        lambda state: {**state, "copy.weight": state["enc.weight"], "copy.bias": state["enc.bias"].clone()},
        lambda state: {name: torch.nn.Parameter(value) for name, value in state.items()},
        lambda state: {name: value.double() for name, value in state.items()},
        lambda state: {**state, "W.weight": state["W.weight"].flatten(1)},
        lambda state: {"state_dict": state, "epoch": 3},
        lambda state: {"model_state_dict": state},
        lambda state: {"state_dict": {"model": state}},
        lambda state: prefixed(state, "_orig_mod."),
        lambda state: prefixed(state, "module._orig_mod."),
        lambda state: prefixed(state, "_orig_mod.module."),
        lambda state: prefixed(state, "module._orig_mod.module."),
        lambda state: {"state_dict": prefixed(state, "module._orig_mod."), "hyper_parameters": {"lr": 1}},
        lambda state: {name.replace("enc.", "enc._orig_mod."): value for name, value in state.items()},
    ],
    ids=[
        *("ordered", "parallel", "envelope", "both", "counter", "twice", "parameters", "double", "flat"),
        *("state_dict", "model_state_dict", "two envelopes", "compiled", "parallel of compiled"),
        *("compiled of parallel", "three wrappers", "Lightning", "a part compiled"),
    ],
)
def test_forms_that_released_weights_come_in(wrap, simulated_task):
    state = official_state()
    assert_scores(load_official(SPEC, wrap(state)), state, simulated_task)


@pytest.mark.parametrize(
    ("wrap", "said"),
    [
        (lambda state: {"net": state, "epoch": 3}, "in its entry 'net'; take out"),
        (lambda state: {"net": state, "ema": dict(state)}, "in its entry 'net' and in 'ema'; take out"),
        (lambda state: {"net": {"ema": state}}, "torch.load(FILE)['net']['ema']"),
        (lambda state: {"state_dict": {"net": state}}, "'net'"),
        (lambda state: {7: state}, "torch.load(FILE)[7]"),
    ],
)
def test_an_unknown_envelope_is_told_by_the_entry_to_take_out(wrap, said):
    with pytest.raises(CheckpointError) as error:
        load_official(SPEC, wrap(official_state()))
    assert said in message(error)


def test_an_envelope_that_holds_itself_ends():
    for name in ("model", "net"):
        content = {"epoch": 3}
        content[name] = content
        with pytest.raises(CheckpointError, match="not plain tensors: epoch"):
            load_official(SPEC, content)


def test_names_that_only_a_prefix_distinguishes_are_left_alone():
    state = {**official_state(), "_orig_mod.enc.bias": torch.ones(6)}
    with pytest.raises(CheckpointError, match=r"unknown: _orig_mod\.enc\.bias"):
        load_official(SPEC, state)


def test_settings_come_after_the_preset_and_what_the_widths_tell(simulated_task):
    selavi = official_state(videos=1024)
    assert load_official(SPEC, selavi).config.shift == 0.5, "the official settings of the feature set selavi"
    assert load_official(SPEC, selavi, shift=0.25, text_order="by-name").config.shift == 0.25
    state = official_state()
    assert_scores(load_official(SPEC, state, shift=2.0), state, simulated_task, shift=2.0)
    with pytest.raises(UnknownNameError, match="did you mean 'hidden'"):
        load_official(SPEC, state, hiden=3)
    with pytest.raises(ConfigError, match="'hidden'"):
        load_official(SPEC, state, hidden="wide")


def test_loading_leaves_the_stream_of_random_numbers_alone():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_official(SPEC, official_state())
    assert torch.equal(torch.rand(3), expected)


def test_the_loaded_weights_are_copies():
    state = official_state()
    method = load_official(SPEC, state)
    before = copy.deepcopy(method.state_dict())
    for value in state.values():
        value.zero_()
    assert all(torch.equal(value, before[name]) for name, value in method.state_dict().items())


def changed(**entries):
    state = official_state()
    for name, value in entries.items():
        state[name.replace("__", ".")] = value
    return {name: value for name, value in state.items() if value is not None}


@pytest.mark.parametrize(
    ("state", "told"),
    [
        (changed(surplus=torch.ones(2)), ["unknown: surplus"]),
        (changed(enc__surplus=torch.ones(2)), ["unknown: enc.surplus"]),
        (changed(encoder__weight=torch.ones(2)), ["unknown: encoder.weight"]),
        (changed(module__enc__bias=torch.ones(6)), ["unknown: module.enc.bias"]),
        (changed(enc__bias=None), ["missing: enc.bias"]),
        (changed(enc__bn__running_var=None), ["missing: enc.bn.running_var"]),
        (changed(enc__bias=torch.ones(7)), ["misshapen: enc.bias (float32 [7], not float32 [6])"]),
        (changed(enc__bias=torch.ones(6).long()), ["misshapen: enc.bias (int64 [6], not float32 [6])"]),
        (changed(enc__bn__num_batches_tracked=torch.tensor(1.5)), ["misshapen", "num_batches_tracked"]),
        (changed(W__weight=torch.ones(300, 6)), ["misshapen: W.weight (float32 [300, 6], not float32 [6, 6])"]),
        (changed(enc__bias=torch.full((6,), torch.inf)), ["not finite: enc.bias"]),
        (changed(copy__bias=torch.ones(6)), ["contradicting each other: enc.bias and copy.bias"]),
        # What the widths are told by.
        (changed(enc__weight=None, surplus=torch.ones(2)), ["unknown: surplus", "missing: enc.weight"]),
        (changed(enc__weight=torch.ones(4)), ["misshapen: ", "not enough values"]),
        (changed(W__weight=torch.tensor(1.0)), ["misshapen: "]),
        (changed(enc__weight=torch.ones(6, 128)), ["misshapen: a width is not positive"]),
        # No plain tensors.
        (changed(enc__bias=torch.ones(1).expand(6)), ["not plain tensors: enc.bias"]),
        (changed(enc__bias=torch.empty(6, device="meta")), ["not plain tensors: enc.bias"]),
        (changed(enc__bias=torch.ones(6).to_sparse()), ["not plain tensors: enc.bias"]),
        (changed(enc__bias=torch.ones(6, dtype=torch.complex64)), ["not plain tensors: enc.bias"]),
        (changed(enc__bias=[1.0] * 6), ["not plain tensors: enc.bias"]),
        (changed(enc__weight=torch.empty(0, 10**12)), ["not plain tensors: enc.weight"]),
        ({1: torch.ones(2)}, ["not plain tensors: 1"]),
        ({}, ["missing: enc.weight"]),
        ({"model": {}}, ["missing: enc.weight"]),
        ({"epoch": 3, "model": None, "metric": "score"}, ["not plain tensors: epoch, model, metric"]),
        # All of it at once, the first few of each kind.
        (
            changed(**{f"s{i}": torch.ones(1) for i in range(9)}, enc__bias=None, enc__bn__bias=torch.ones(1)),
            ["unknown: s0, s1, s2, s3 and 5 more; missing: enc.bias; misshapen: enc.bn.bias (float32 [1], not"],
        ),
    ],
)
def test_entries_that_do_not_fit_are_named(state, told):
    with pytest.raises(CheckpointError) as error:
        load_official(SPEC, state)
    assert message(error).startswith("the weights do not fit method 'tiny': ")
    for part in told:
        assert part in message(error)


@pytest.mark.parametrize("name", NOT_BY_GRADIENT)
def test_methods_without_released_weights_say_so(name):
    with pytest.raises(CheckpointError, match=f"no released weights of method '{name}' are known"):
        load_official(name, official_state())


WITH_RELEASED_WEIGHTS = [spec for spec in list_methods() if getattr(method_class(spec), "official_names", {})]


@pytest.mark.parametrize("spec", WITH_RELEASED_WEIGHTS, ids=lambda spec: spec.name)
def test_every_method_with_released_weights_reads_its_own_back(spec):
    target = method_class(spec)
    names = Names(target.official_names)
    read = []
    for features in (f for f in PUBLISHED if not f.sequences):
        shape = ab.FeatureDims(features.audio, features.visual, dict(features.text))
        task = tiny_task(shape, CPU)
        preset = "official" if "official" in presets(spec) else None
        config = build_config(spec, target.Config, "ucf", features.name, {}, preset)
        method = target(config, shape, task.classes, seed=0, device=CPU)
        state = {names.in_file(name): value for name, value in method.state_dict().items()}
        if any(names.own(name) is None for name in state):
            continue  # on these features the method has parts that no released weights have
        try:
            target.official_shape(state)
        except CheckpointError:
            continue  # no weights were released for this feature set
        scores = load_official(spec, state).score(task.videos, task.classes)
        torch.testing.assert_close(scores, method.score(task.videos, task.classes), rtol=0, atol=0)
        read.append(features.name)
    assert read


def test_prefixes_end_where_a_part_of_a_name_ends():
    names = Names({"a": "x", "a.b": "y", "c.": "z.", "whole.name": "n"})
    own = {"a": "x", "a.q": "x.q", "a.b.q": "y.q", "ab.q": None, "c.q": "z.q", "whole.name": "n", "d": None}
    assert {name: names.own(name) for name in own} == own
    in_file = {"x.q": "a.q", "y.q": "a.b.q", "z.q": "c.q", "n": "whole.name", "other": "other"}
    assert {name: names.in_file(name) for name in in_file} == in_file


def test_released_files_of_both_formats_are_read(tmp_path, simulated_task):
    state = official_state()
    envelope = {"epoch": 12, "model": state, "optimizer": {"state": {}, "param_groups": []}, "metric": "score"}
    for modern in (True, False):
        path = tmp_path / f"Tiny_{modern}.pt"
        torch.save(envelope, path, _use_new_zipfile_serialization=modern)
        content = read_official(path)
        assert_scores(load_official(SPEC, content), state, simulated_task)
        origin = official_origin(path, content)
        assert (origin.kind, origin.file, origin.epoch, origin.metric) == ("released", path.name, 12, "score")
    torch.save(state, path)
    assert official_origin(path, read_official(path)).epoch is None


@pytest.mark.parametrize("modern", [True, False], ids=["zip", "legacy"])
def test_numpy_numbers_beside_the_weights_are_numbers(tmp_path, modern):
    path = tmp_path / "best.pt"
    kinds = [np.float64(0.5), np.float32(0.25), np.float16(2), np.bool_(True), np.uint8(200), np.int64(-(2**40))]
    content = {"model": official_state(), "epoch": np.int64(7), "metric": np.float64(0.5), "all": kinds}
    content["swapped"] = np.array(3.5, ">f8")[()]
    torch.save(content, path, _use_new_zipfile_serialization=modern)
    read = read_official(path)
    assert read["all"] == [0.5, 0.25, 2.0, True, 200, -(2**40)]
    assert [type(value) for value in read["all"]] == [float, float, float, bool, int, int]
    assert (read["metric"], read["swapped"]) == (0.5, 3.5)
    assert official_origin(path, read).epoch == 7
    assert isinstance(load_official(SPEC, read), Tiny)


scalar = np.float64(1).__reduce__()[0]


class Runs:
    """Pickles as a call."""

    def __init__(self, function, *arguments):
        self.plan = (function, arguments)

    def __reduce__(self):
        return self.plan


@pytest.mark.parametrize("modern", [True, False], ids=["zip", "legacy"])
@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda mark: Runs(os.system, f"touch {mark}"), f"{os.name}.system"),
        (lambda mark: Runs(eval, f"open({str(mark)!r}, 'w')"), "eval"),
        (lambda mark: {"model": {**official_state(), "enc.bias": Runs(Path.touch, mark)}}, "getattr"),
        (lambda mark: {"model": official_state(), "epoch": Runs(exec, f"open({str(mark)!r}, 'w')")}, "exec"),
        (lambda mark: torch.nn.Linear(2, 2), "torch.nn.modules.linear.Linear"),
        (lambda mark: argparse.Namespace(lr=1), "argparse.Namespace"),
        (lambda mark: {"a": np.ones(3)}, "numpy"),
        (lambda mark: {"a": Runs(scalar, np.dtype("f8"), Runs(os.system, f"touch {mark}"))}, f"{os.name}.system"),
        (lambda mark: {"a": Runs(scalar, Runs(eval, f"open({str(mark)!r}, 'w')"), b"")}, "eval"),
        (lambda mark: {"a": Runs(scalar, np.dtype("f8"), b"1234")}, ""),
        (lambda mark: {"a": Runs(scalar, np.dtype("O"), b"12345678")}, ""),
        (lambda mark: {"a": np.void(b"1234")}, ""),
        (lambda mark: {"a": np.datetime64("2026-01-01")}, ""),
        (lambda mark: {"a": Runs(scalar, b"f8", b"12345678")}, ""),
        (lambda mark: {"a": np.dtype([("x", "f8", (10**4, 10**4))])}, ""),
    ],
    ids=[
        *("system", "eval", "entry", "exec", "module", "namespace", "numpy", "in a number", "in a type"),
        *("short number", "object", "void", "date", "no type", "structure"),
    ],
)
def test_pickles_that_could_run_something_are_refused_and_run_nothing(tmp_path, make, named, modern):
    mark, path = tmp_path / "ran", tmp_path / "hostile.pt"
    torch.save(make(mark), path, _use_new_zipfile_serialization=modern)
    with pytest.raises(CheckpointError, match="refused: it holds more than tensors") as error:
        read_official(path)
    assert named in message(error)
    assert len(message(error)) < 300
    assert not mark.exists()


@pytest.mark.parametrize("protocol", range(6))
def test_plain_pickles_are_refused_and_run_nothing(tmp_path, protocol):
    mark, path = tmp_path / "ran", tmp_path / "args.pkl"
    for content in (Runs(os.system, f"touch {mark}"), argparse.Namespace(lr=1), {"lr": 1}):
        path.write_bytes(pickle.dumps(content, protocol))
        with pytest.raises(CheckpointError) as error:
            read_official(path)
        assert str(path) in message(error)
        assert not mark.exists()


def test_damaged_and_foreign_files_are_refused(tmp_path, recwarn):
    path = tmp_path / "Tiny_score.pt"
    for place, reason in ((path, "no such file"), (tmp_path, "not a file")):
        with pytest.raises(CheckpointError, match=reason):
            read_official(place)
    for modern in (True, False):
        torch.save({"model": official_state(2, 4, 3)}, path, _use_new_zipfile_serialization=modern)
        whole = path.read_bytes()
        for length in {*range(0, len(whole), 101), len(whole) - 1}:
            path.write_bytes(whole[:length])
            with pytest.raises(CheckpointError) as error:
                read_official(path)
            assert str(path) in message(error)
    for content in (b"", b"hello world", b"\x80", os.urandom(500)):
        path.write_bytes(content)
        with pytest.raises(CheckpointError):
            read_official(path)
    torch.save([torch.ones(2)], path)
    with pytest.raises(CheckpointError, match="holds a list, not a state dict"):
        read_official(path)
    torch.jit.script(torch.nn.Linear(2, 2)).save(path)
    recwarn.clear()
    with pytest.raises(CheckpointError):
        read_official(path)
    assert not recwarn.list


def test_a_tensor_that_claims_more_than_it_holds_costs_nothing(tmp_path):
    path = tmp_path / "bomb.pt"
    state = official_state() | {"enc.weight": torch.ones(1).expand(10**6, 10**6)}
    torch.save(state, path)
    assert path.stat().st_size < 100_000
    signal.alarm(30)
    try:
        with pytest.raises(CheckpointError, match=r"not plain tensors: enc.weight"):
            load_official(SPEC, read_official(path))
    finally:
        signal.alarm(0)


def test_widths_that_multiply_cost_nothing():
    state = {"enc.weight": torch.ones(200_000, 129), "W.weight": torch.ones(1, 200_000)}
    with pytest.raises(CheckpointError, match=r"misshapen: W.weight .* not float32 \[200000, 200000\]"):
        load_official(SPEC, state)
