from __future__ import annotations

import pickle
import re
from enum import Enum
from pathlib import Path

import pytest

import avgzsl_bench as ab
from avgzsl_baselines.chance import Chance
from avgzsl_bench.cli.sweep import sweep
from avgzsl_bench.errors import AvbenchError, ConfigError, DataError, RunError, UnknownNameError
from avgzsl_bench.execution.options import RunOptions
from avgzsl_bench.execution.sweep.grid import Shard, dataset_names, make_grid, method_names, parse_shard
from avgzsl_bench.execution.sweep.job import Job
from avgzsl_bench.execution.sweep.local import device_slots
from avgzsl_bench.execution.sweep.planned_run import PlannedRun
from avgzsl_bench.method.registry import list_methods


def grid(place, methods=("chance", "eszsl"), seeds=(0, 1, 2), shard=None, **options):
    return make_grid(methods, ["ucf"], seeds, RunOptions(**place | options), shard)


def test_all_stands_for_every_name_and_lists_keep_their_order(data_root):
    assert method_names("all") == [spec.name for spec in list_methods()]
    assert method_names(" mft, devise,mft") == ["mft", "devise"]
    assert dataset_names("all", data_root) == ["activitynet", "ucf", "vggsound"]


@pytest.mark.parametrize("text", ["", ",", " , "])
def test_a_list_without_names_is_refused(text):
    with pytest.raises(ConfigError, match=r"--methods .*name at least one, or all"):
        method_names(text)


def test_a_near_miss_is_named(data_root):
    with pytest.raises(UnknownNameError, match="unknown method 'devize'; did you mean 'devise'"):
        method_names("mft,devize")
    with pytest.raises(UnknownNameError, match="unknown dataset 'ufc'; did you mean 'ucf'"):
        dataset_names("ufc", data_root)


def test_the_first_seed_of_everything_comes_first(place):
    keys = [PlannedRun(plan).job.key for plan in grid(place).runs]
    assert keys == [(m, "ucf", s) for s in (0, 1, 2) for m in ("chance", "eszsl")]


def test_a_job_survives_the_way_to_a_worker_and_is_the_run_that_was_planned(place):
    for plan in grid(place, ["devise"], settings={"epochs": 2}).runs:
        again = pickle.loads(pickle.dumps(PlannedRun(plan).job)).plan("cpu")
        assert (again.spec, again.config, again.path) == (plan.spec, plan.config, plan.path)


class Shade(Enum):
    DARK = "dark"


class ShadedConfig(ab.MethodConfig):
    shade: Shade = ab.Field(Shade.DARK, description="no JSON value makes it under strict validation")


class Shaded(Chance):
    Config = ShadedConfig


def test_a_job_needs_no_configuration_that_survives_json(place, register):
    class Plugin:
        @ab.hookimpl
        def avbench_methods(self):
            target = f"{Shaded.__module__}:Shaded"
            return [ab.MethodSpec("shaded", target=target, title="Shaded", follows="reference")]

    register(Plugin())
    (plan,) = grid(place, ["shaded"], [0]).runs
    assert PlannedRun(plan).job.plan("cpu").spec == plan.spec


def test_a_job_whose_data_changed_is_not_run_as_another(place):
    (plan,) = grid(place, ["chance"], [0]).runs
    other = plan.spec.data.model_copy(update={"fingerprint": "0" * 64})
    spec = plan.spec.model_copy(update={"data": other})
    with pytest.raises(RunError, match="the data or the method changed"):
        Job(spec, plan.options).plan("cpu")


def test_what_cannot_be_run_is_counted_with_its_reason(place):
    made = grid(place, ["chance", "devise"], settings={"batches_per_epoch": 3})
    assert {plan.spec.method.name for plan in made.runs} == {"devise"}
    (refused,) = made.refused
    assert (refused.method, refused.dataset, refused.runs) == ("chance", "ucf", 3)
    assert "unknown setting of method 'chance' 'batches_per_epoch'" in refused.reason
    assert len(made) == 6


def test_a_method_that_lacks_its_text_is_left_out_and_the_rest_is_not(place, monkeypatch):
    monkeypatch.setattr("avgzsl_bench.data.choose.find_added_text", lambda *_: ())
    made = grid(place, ["chance", "kda"])
    assert {plan.spec.method.name for plan in made.runs} == {"chance"}
    (refused,) = made.refused
    assert (refused.method, refused.runs) == ("kda", 3)
    assert "avbench data add-text" in refused.reason


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"settings": {"epoch": 1}}, UnknownNameError, "did you mean 'epochs'"),
        ({"features": "clip_clap"}, DataError, "avbench data import"),
        ({"features": "clip-clap"}, UnknownNameError, "did you mean 'clip_clap'"),
        ({"split": "clss"}, AvbenchError, "clss"),
        ({"device": "tpu"}, ConfigError, "tpu"),
    ],
)
def test_where_nothing_can_be_run_the_reason_is_an_error(place, options, error, said):
    with pytest.raises(error, match=said):
        grid(place, **options)


@pytest.mark.parametrize("parts", [1, 2, 4, 7])
def test_shards_are_a_partition_whatever_cannot_be_run(place, parts):
    def keys(shard):
        made = grid(place, ["chance", "devise"], settings={"batches_per_epoch": 3}, shard=shard)
        return [PlannedRun(plan).job.key for plan in made.runs], len(made)

    whole, size = keys(None)
    shares = [keys(Shard(number, parts)) for number in range(1, parts + 1)]
    assert sorted(key for share, _ in shares for key in share) == sorted(whole)
    assert sum(count for _, count in shares) == size
    assert max(count for _, count in shares) - min(count for _, count in shares) <= 1


def test_a_shard_is_written_as_one_of_several():
    assert parse_shard("2/8") == Shard(2, 8)
    for text in ("0/8", "9/8", "2", "2/", "-1/2", "1/2/3", "one/two", "1/0"):
        with pytest.raises(ConfigError, match="write I/N"):
            parse_shard(text)


def test_threads_are_divided_among_workers(monkeypatch):
    monkeypatch.setattr("torch.get_num_threads", lambda: 8)
    assert [(s.device, s.most_threads) for s in device_slots("cpu")] == [("cpu", None)]
    assert [s.most_threads for s in device_slots("cpu", 3)] == [2, 2, 2]
    assert [s.most_threads for s in device_slots("cpu", 16)] == [1] * 16


def test_workers_are_spread_over_every_device(monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    assert [s.device for s in device_slots("auto")] == ["cuda:0", "cuda:1"]
    assert [s.device for s in device_slots("cuda", 4)] == ["cuda:0", "cuda:1"] * 2
    assert [s.device for s in device_slots("cuda:1")] == ["cuda:1"]
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    assert [s.device for s in device_slots("auto")] == ["cuda"]


DOCS = Path(__file__).resolve().parents[2] / "docs"


def require_known_options(command: str) -> None:
    given = set(re.findall(r"--[a-z-]+", command))
    assert "--methods" in given
    assert given <= {option for parameter in sweep.params for option in parameter.opts}


def test_the_documented_commands_for_a_cluster_ask_for_what_there_is():
    commands = re.findall(r"avbench sweep .*", (DOCS / "ray.md").read_text(encoding="utf-8"))
    assert any("--engine" in command for command in commands)
    for command in commands:
        require_known_options(command)


def test_the_documented_job_script_asks_for_what_there_is():
    script = (DOCS / "slurm.md").read_text(encoding="utf-8").split("```bash\n")[1].split("```")[0]
    command = script[script.index("avbench sweep") :]
    require_known_options(command)
    shard = re.search(r'--shard "(.*)"', command)[1]
    filled = shard.replace("$SLURM_ARRAY_TASK_ID", "2").replace("$SLURM_ARRAY_TASK_COUNT", "16")
    assert parse_shard(filled) == Shard(2, 16)
