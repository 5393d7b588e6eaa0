"""What a method can know while it scores: who uses the order, other videos or earlier calls gains nothing."""

from __future__ import annotations

import threading
from dataclasses import replace

import numpy as np
import pytest
import torch

import avgzsl_bench as ab
from avgzsl_bench.data.store.installed import store_path
from avgzsl_bench.data.store.store import read_store
from avgzsl_bench.errors import RunError
from avgzsl_bench.execution.alone import Sample, require_alone
from avgzsl_bench.execution.scoring import score, validate
from avgzsl_bench.execution.stages import run_stage1, run_stage2
from avgzsl_bench.gzsl.calibration import parse_calibration
from avgzsl_bench.gzsl.curve import curve_of
from avgzsl_bench.gzsl.task import FeatureDims
from avgzsl_bench.method.registry import list_methods, method_class
from avgzsl_bench.testing.trial import tiny_task

SHAPE = FeatureDims(audio=9, visual=11, text={"text": 8})
EXACT = parse_calibration("exact")
REFUSED = (
    r"^{}\.score: \d+ of 64 videos have other scores when they are scored alone and in another order, by up to "
)


class Plain(ab.Method):
    """Scores by fixed sums; the classes below add what they should not know."""

    def __init__(self, classes):
        super().__init__(ab.MethodConfig(), SHAPE, classes, seed=0, device=torch.device("cpu"))

    def train_epoch(self, train):
        return {"loss": 0.0}

    def score(self, videos, classes):
        return videos.audio[:, :3].sum(1, keepdim=True) * classes.embedding()[:, 0]

    def state_dict(self):
        return {}

    def load_state_dict(self, state):
        pass


class LessTheMean(Plain):
    def score(self, videos, classes):
        scores = super().score(videos, classes)
        return scores - scores.mean(dim=0)


class Ranks(Plain):
    def score(self, videos, classes):
        return super().score(videos, classes).argsort(dim=0).argsort(dim=0).float()


class ByPosition(Plain):
    def score(self, videos, classes):
        return super().score(videos, classes) + torch.arange(len(videos)).unsqueeze(1) % 7 * classes.seen


class BatchStatistics(Plain):
    def __init__(self, classes):
        super().__init__(classes)
        self.norm = torch.nn.BatchNorm1d(len(classes))

    @torch.no_grad()
    def score(self, videos, classes):
        return self.norm(super().score(videos, classes))


class Dropout(Plain):
    def score(self, videos, classes):
        return torch.nn.functional.dropout(super().score(videos, classes), 0.5)


class CountsCalls(Plain):
    calls = 0

    def score(self, videos, classes):
        self.calls += 1
        return super().score(videos, classes) + self.calls * classes.seen


class RunningMean(Plain):
    """Kept from block to block."""

    total, count = 0.0, 0

    def score(self, videos, classes):
        scores = super().score(videos, classes)
        self.total, self.count = self.total + scores.sum(dim=0), self.count + len(scores)
        return scores - self.total / self.count


class MeanOfTheFirstCall(Plain):
    """Kept for all later calls, wherever `put` puts it."""

    def __init__(self, classes):
        super().__init__(classes)
        self.kept = self.keeper()

    def keeper(self):
        return {}

    def score(self, videos, classes):
        scores = super().score(videos, classes)
        return scores - self.kept.setdefault("mean", scores.mean(dim=0))


class MeanInAModule(MeanOfTheFirstCall):
    def keeper(self):
        module = torch.nn.Linear(2, 2)
        module.kept = {}
        return module.kept


class NeighboursInMemory(Plain):
    """Reaches for the videos that lie in the same storage as those it is given."""

    def score(self, videos, classes):
        everything = torch.empty(0).set_(videos.audio.untyped_storage()).view(-1, videos.audio.shape[1])
        return super().score(videos, classes) - everything.norm() * classes.seen


CHEATS = (
    LessTheMean,
    Ranks,
    ByPosition,
    BatchStatistics,
    Dropout,
    CountsCalls,
    RunningMean,
    MeanOfTheFirstCall,
    MeanInAModule,
    NeighboursInMemory,
)


@pytest.fixture
def task():
    """Its videos are more than a sample, as those of any data set."""
    tiny = tiny_task(SHAPE, torch.device("cpu"))
    again = torch.arange(5 * len(tiny.videos)) % len(tiny.videos)
    videos = tiny.videos.take(again)
    noise = torch.randn(videos.audio.shape, generator=torch.Generator().manual_seed(0))
    truth = replace(tiny.truth, label=tiny.truth.label[again.numpy()], row=np.arange(len(again)))
    return replace(tiny, videos=replace(videos, audio=videos.audio + noise), truth=truth)


def ignore(_):
    return None


@pytest.mark.parametrize("kind", CHEATS)
def test_a_method_that_uses_other_videos_or_calls_is_refused_in_one_line_after_its_first_epoch(task, kind):
    reported = []
    with pytest.raises(RunError, match=REFUSED.format(kind.__name__)) as caught:
        run_stage1(lambda t: kind(t.classes), task, epochs=3, calibration=EXACT, seed=0, report=reported.append)
    assert "\n" not in str(caught.value)
    assert "a score must depend only on its video and class" in str(caught.value)
    assert not reported


@pytest.mark.parametrize("kind", CHEATS)
def test_the_test_scores_are_checked_by_themselves(task, kind):
    """Whatever a method did in stage 1."""
    selection = run_stage1(lambda t: Plain(t.classes), task, epochs=1, calibration=EXACT, seed=0, report=ignore)
    with pytest.raises(RunError, match=REFUSED.format(kind.__name__)):
        run_stage2(lambda t: kind(t.classes), task, selection, seed=0, report=ignore)


def test_the_scores_of_a_calibration_scorer_are_checked_too(task):
    class Averaging(Plain):
        def calibration_scorer(self, classes):
            def both(videos):
                scores = self.score(videos, classes)
                return [scores, scores - scores.mean(dim=0)]

            return both

    method = Averaging(task.classes)
    with pytest.raises(RunError, match=r"^Averaging\.calibration_scorer: \d+ of 64 videos"):
        validate(method, task, EXACT, Sample(task.videos, method))


def test_an_honest_method_passes_in_blocks_too_and_its_decisions_are_the_same(task, monkeypatch):
    from avgzsl_bench.execution import scoring

    method = Plain(task.classes)
    expected = score(method, task)
    monkeypatch.setattr(scoring, "SCORES_AT_A_TIME", 9 * len(task.classes))
    monkeypatch.setattr(scoring, "VIDEOS_AT_A_TIME", 4)
    found = score(method, task, Sample(task.videos, method))
    for name in ("best_seen", "best_unseen", "gap"):
        assert np.array_equal(getattr(found, name), getattr(expected, name))


def test_the_sample_is_another_each_time_and_holds_no_other_video(task):
    one, other = (Sample(task.videos, Plain(task.classes)) for _ in range(2))
    assert len(one.videos) == len(other.videos) == 64
    assert not torch.equal(one.videos.audio, other.videos.audio)
    assert one.videos.audio.untyped_storage().nbytes() == one.videos.audio.nbytes
    rows = {row.numpy().tobytes() for row in one.videos.audio}
    assert len(rows) == 64
    assert rows <= {row.numpy().tobytes() for row in task.videos.audio}


def test_scoring_the_sample_leaves_random_streams_as_they_were(task):
    class Draws(Plain):
        def score(self, videos, classes):
            torch.rand(3)
            return super().score(videos, classes)

    states = []
    method = Draws(task.classes)
    for sample in (None, Sample(task.videos, method)):
        torch.manual_seed(5)
        score(method, task, sample)
        states.append(torch.get_rng_state())
    assert torch.equal(*states)


SCORES = torch.randn(64, 11, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("scale", [1e-6, 1.0, 1e6])
def test_rounding_is_no_difference(scale):
    scores = SCORES * scale
    require_alone("M.score", scores * (1 + 1e-6), scores)
    require_alone("M.score", scores.bfloat16(), (scores * (1 + 1e-3)).bfloat16())
    far = scores + 1e4 * scale  # rounded to a thousandth of the differences
    require_alone("M.score", far, far.double().mul(1 + 1e-7).float())
    with pytest.raises(RunError, match=r"^M\.score: 64 of 64 videos .* by up to \S+ \(standard deviation"):
        require_alone("M.score", scores + 0.05 * scale, scores)


def test_a_few_videos_of_a_spiking_network_may_fire_otherwise():
    odd = SCORES.clone()
    odd[:3] += 0.5
    require_alone("M.score", odd, SCORES, odd=3)
    with pytest.raises(RunError, match=r"^M\.score: 3 of 64 videos"):
        require_alone("M.score", odd, SCORES)
    odd[3] += 0.5
    with pytest.raises(RunError, match=r"^M\.score: 4 of 64 videos .* by up to 0\.5 "):
        require_alone("M.score", odd, SCORES, odd=3)


def test_only_spiking_networks_have_such_videos():
    assert {spec.name for spec in list_methods() if method_class(spec).spiking} == {"avmst", "mstr", "stft"}
    task = tiny_task(SHAPE, torch.device("cpu"))
    method = Plain(task.classes)
    assert Sample(task.videos, method).odd == 0
    method.spiking = True
    assert Sample(task.videos, method).odd == min(64, len(task.videos)) // 20


def test_a_copy_of_a_method_shares_what_has_none(task):
    method = Plain(task.classes)
    method.lock, method.weights, method.net = threading.Lock(), torch.ones(3), torch.nn.Linear(2, 2)
    method.own = method.score
    copied = Sample(task.videos, method).method
    assert copied.lock is method.lock
    assert copied.weights is method.weights, "a bank of features is not held twice"
    assert copied.net is not method.net
    assert torch.equal(copied.net.weight, method.net.weight)
    assert copied.own.__self__ is copied


def test_equal_infinities_pass_and_others_do_not():
    scores = SCORES.clone()
    scores[:, 4] = float("-inf")
    require_alone("M.score", scores, scores)
    with pytest.raises(RunError, match="64 of 64 videos"):
        require_alone("M.score", SCORES, scores)
    with pytest.raises(RunError, match="64 of 64 videos"):
        require_alone("M.score", torch.full_like(scores, float("nan")), scores)


def test_whoever_knows_the_fingerprint_knows_nothing_of_the_order(data_root):
    """The order used to follow from it: a plugin answered each test video by its position, for an HM of 100."""
    loaded = ab.load_benchmark("ucf", "simulated", data_root=data_root)
    task = loaded.final
    label = read_store(store_path(data_root, "ucf", "simulated"))[1].label
    of_class = dict(zip(label[task.truth.row], task.truth.label, strict=True))
    rows = np.sort(task.truth.row)
    column = np.array([of_class[stored] for stored in label[rows]])
    unseen = np.isin(column, task.ground_truth.unseen)
    in_lists = np.concatenate([column[~unseen], column[unseen]])  # as the published lists have them
    order = np.random.RandomState(int(loaded.spec.fingerprint[:8], 16)).permutation(len(in_lists))

    class Knowing(Plain):
        def score(self, videos, classes):
            answers = torch.from_numpy(in_lists[order][: len(videos)])
            return torch.nn.functional.one_hot(answers, len(classes)).float()

    decisions = score(Knowing(task.classes), task)
    curve = curve_of(decisions, task.ground_truth)
    assert curve.hm_at([curve.best_bias()])[0] < 0.15, "a bias chosen for the test itself does not help"
    method = Knowing(task.classes)
    with pytest.raises(RunError, match=REFUSED.format("Knowing")):
        score(method, task, Sample(task.videos, method))


def test_whoever_searches_the_steps_of_training_videos_for_scored_ones_finds_none(data_root):
    """They lie in a storage that used to hold the scored videos too, in an order that could be worked out."""
    loaded = ab.load_benchmark("ucf", "simulated", data_root=data_root, needs=ab.Needs(sequences="required"))
    for task in (loaded.selection, loaded.final):
        steps, scored = task.train.videos.visual_steps, task.videos.visual_steps
        storage = torch.empty(0).set_(steps.values.untyped_storage())
        held = {row.tobytes() for row in storage.view(-1, steps.values.shape[1]).numpy()}
        own = {row.tobytes() for row in steps.values.numpy()}
        assert held == own
        assert not held & {row.tobytes() for row in scored.values.numpy()}
